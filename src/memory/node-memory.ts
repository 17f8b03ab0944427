import { type CacheMemory, createCacheMemory } from './cache/cache-memory.ts';
import { type ControlWords, createControlBlock } from './control-block.ts';
import { createLedgers, type LedgerFloats } from './ledger.ts';
import { createSeries, type SeriesWords } from './series.ts';

/** All shared memory of a node, made by main and given to every thread in its start message. */
export interface NodeMemory {
  readonly control: ControlWords;
  readonly ledgers: LedgerFloats;
  readonly series: SeriesWords;
  /** Null: no memory was given to it. */
  readonly cache: CacheMemory | null;
  readonly workerCount: number;
}

/** `cacheBytes` 0: no cache. */
export function createNodeMemory(workerCount: number, cacheBytes = 0): NodeMemory {
  return {
    control: createControlBlock(workerCount),
    ledgers: createLedgers(workerCount),
    series: createSeries(workerCount),
    cache: cacheBytes === 0 ? null : createCacheMemory(cacheBytes, workerCount),
    workerCount,
  };
}
