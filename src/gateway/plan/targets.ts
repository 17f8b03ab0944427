import type { TargetT } from '#generated/cutover.js';

/** Upstreams of a route by weight. */
export class TargetPlan {
  readonly count: number;
  readonly #upstreams: readonly number[];
  /** Where the share of each upstream but the last ends, of 1. */
  readonly #ends: readonly number[];

  constructor(targets: readonly TargetT[]) {
    this.count = targets.length;
    this.#upstreams = targets.map(({ upstream }) => upstream);
    const total = targets.reduce((sum, { weight }) => sum + weight, 0);
    let sum = 0;
    this.#ends = targets.slice(0, -1).map(({ weight }) => {
      sum += weight;
      return sum / total;
    });
  }

  /** The index in the shape of the upstream for a lot between 0 (inclusive) and 1 (exclusive). */
  draw(lot: number): number {
    let at = 0;
    while (at < this.#ends.length && lot >= (this.#ends[at] as number)) at += 1;
    return this.#upstreams[at] ?? 0;
  }
}
