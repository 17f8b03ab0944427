import { type CacheMemory, createCacheMemory } from './cache/cache-memory.ts';
import { type ControlWords, createControlBlock } from './control-block.ts';
import { createLedgers, type LedgerFloats } from './ledger.ts';
import { createRateLimits, type RateLimitWords } from './rate-limits/limit-layout.ts';
import { createSeries, type SeriesWords } from './series.ts';

/**
 * Seats of a worker in shared memory. Every word there has one writer, so a worker that broke drains
 * in the one while its successor serves in the other. Seat numbers: those of the first seats of all
 * workers, then those of the second ones.
 */
export const seatsPerWorker = 2;

/** All shared memory of a node, made by main and given to every thread in its start message. */
export interface NodeMemory {
  readonly control: ControlWords;
  readonly ledgers: LedgerFloats;
  readonly series: SeriesWords;
  /** Null: no memory was given to it. */
  readonly cache: CacheMemory | null;
  readonly rateLimits: RateLimitWords;
  readonly workerCount: number;
  /** Each has words, a ledger and series: `workerCount` for each turn. */
  readonly seatCount: number;
}

/** `cacheBytes` 0: no cache. `limitSeed`: what a cluster has in common; else each run has its own. */
export function createNodeMemory(
  workerCount: number,
  seats = 1,
  cacheBytes = 0,
  limitSeed?: Buffer,
): NodeMemory {
  const seatCount = workerCount * seats;
  return {
    control: createControlBlock(seatCount),
    ledgers: createLedgers(seatCount),
    series: createSeries(seatCount),
    cache: cacheBytes === 0 ? null : createCacheMemory(cacheBytes, seatCount),
    rateLimits: createRateLimits(limitSeed),
    workerCount,
    seatCount,
  };
}
