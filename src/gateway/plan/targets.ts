import type { TargetT } from '#generated/cutover.js';

/** Upstreams of a route by weight. */
export interface TargetPlan {
  readonly count: number;
  /** The index in the shape of the upstream for a lot between 0 (inclusive) and 1 (exclusive). */
  draw(lot: number): number;
}

export function decodeTargets(targets: readonly TargetT[]): TargetPlan {
  const upstreams = targets.map(({ upstream }) => upstream);
  const first = upstreams[0] ?? 0;
  if (targets.length <= 1) return { count: targets.length, draw: () => first };
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  let sum = 0;
  const ends = targets.map(({ weight }) => {
    sum += weight;
    return sum / total;
  });
  return {
    count: targets.length,
    draw(lot) {
      for (let i = 0; i < ends.length; i++) {
        if (lot < (ends[i] as number)) return upstreams[i] as number;
      }
      return upstreams[upstreams.length - 1] ?? first;
    },
  };
}
