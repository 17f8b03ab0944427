import { monotonicMs } from '../../base/clock.ts';
import { warmBatchCount } from '../../base/limits.ts';
import type { WarmReport } from '../../model/fleet.ts';
import type { CacheKeeper } from '../cache/cache-keeper.ts';
import { isOfShapes } from '../cache/snapshot.ts';
import type { HotKeys } from './hot-keys.ts';
import type { SecondLevel } from './second-level.ts';

export interface WarmUpPlan {
  readonly budgetMs: number;
  /** Of bodies. */
  readonly bytesMax: number;
  readonly hotKeys: HotKeys;
  readonly secondLevel: SecondLevel;
  readonly keeper: CacheKeeper;
  /** Of the routes that are cached in what this node serves. */
  readonly shapeKeys: ReadonlySet<string>;
}

export const nothingTaken: WarmReport = { entries: 0, bytes: 0, leftOut: 0, tookMs: 0 };

/**
 * Takes what other nodes use most out of the second level, the most used first, until time or bytes
 * run out. What cannot be read is left out: the node is ready without it.
 */
export async function warmUp(plan: WarmUpPlan): Promise<WarmReport> {
  const { budgetMs, bytesMax, hotKeys, secondLevel, keeper, shapeKeys } = plan;
  const beganMs = monotonicMs();
  const leftMs = (): number => budgetMs - (monotonicMs() - beganMs);
  const keys = await hotKeys.ofOthers().catch(() => []);
  let [at, entries, bytes] = [0, 0, 0];
  while (at < keys.length && leftMs() > 0 && bytes < bytesMax) {
    const { position } = keeper;
    const batch = keys.slice(at, at + warmBatchCount);
    const reads = await secondLevel.getMany(batch, leftMs()).catch(() => []);
    for (const { record, body } of reads) {
      if (!isOfShapes(record, shapeKeys) || !keeper.secondLevel.keep(record, body, position))
        continue;
      entries += 1;
      bytes += body.length;
    }
    at += batch.length;
  }
  return {
    entries,
    bytes,
    leftOut: Math.max(0, keys.length - at),
    tookMs: monotonicMs() - beganMs,
  };
}
