import type { CacheFigures } from '../../src/memory/cache/cache-figures.ts';
import type { CacheKey } from '../../src/memory/cache/cache-key.ts';
import type { CacheMemory } from '../../src/memory/cache/cache-memory.ts';
import type { CacheReader } from '../../src/memory/cache/cache-reader.ts';
import type { CacheWriter } from '../../src/memory/cache/cache-writer.ts';

/** The cache's own code, from `src` in tests and from `build` in benches. */
export interface CacheCode {
  readonly createCacheMemory: (arenaBytes: number, workerCount: number) => CacheMemory;
  readonly readCacheFigures: (memory: CacheMemory) => CacheFigures;
  readonly cacheKey: (text: string) => CacheKey;
  readonly CacheReader: typeof CacheReader;
  readonly CacheWriter: typeof CacheWriter;
}

export interface ArenaRunPlan {
  readonly code: CacheCode;
  readonly arenaBytes: number;
  readonly steps: number;
  readonly seed: number;
  /** Steps from one sum over all entries to the next. */
  readonly sumEvery: number;
}

export interface ArenaRunResult {
  /** What did not agree, at most a few; empty when all is right. */
  readonly faults: readonly string[];
  /** Stores without room, because of what is held and filled; the cache is right to refuse. */
  readonly refused: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Bytes of present entries per byte of the arena, on average over the two tenths named. */
  readonly liveShareEarly: number;
  readonly liveShareLate: number;
  /** Bytes that fit into the emptied cache before anything is evicted: when new, at the end. */
  readonly usableNew: number;
  readonly usableEnd: number;
}

export function seeded(seed: number): () => number;
export function arenaRun(plan: ArenaRunPlan): ArenaRunResult;
