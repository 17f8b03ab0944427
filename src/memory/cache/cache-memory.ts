import { assert } from '../../base/assert.ts';
import { figuresFloats } from './cache-figures.ts';
import {
  type CacheWords,
  cacheHeader,
  cacheLayoutVersion,
  cacheMagic,
  layoutOf,
  lineWords,
  planCache,
} from './cache-layout.ts';
import { clearDeadClaims } from './claims.ts';

export type CacheBytes = Uint8Array<SharedArrayBuffer>;
export type CacheFloats = Float64Array<SharedArrayBuffer>;

/** The shared memory of a node's response cache; main makes it and gives it to every thread. */
export interface CacheMemory {
  readonly words: CacheWords;
  readonly arena: CacheBytes;
  readonly figures: CacheFloats;
}

/** `arenaBytes` from `cacheArenaBytesMin` on; what is no whole segment stays unused. */
export function createCacheMemory(arenaBytes: number, workerCount: number): CacheMemory {
  const layout = planCache(arenaBytes, workerCount);
  const words = new Int32Array(new SharedArrayBuffer(layout.words * 4));
  Atomics.store(words, cacheHeader.layout, cacheLayoutVersion);
  Atomics.store(words, cacheHeader.workerCount, workerCount);
  Atomics.store(words, cacheHeader.segmentBytes, layout.segmentBytes);
  Atomics.store(words, cacheHeader.segmentCount, layout.segmentCount);
  Atomics.store(words, cacheHeader.bucketCount, layout.bucketCount);
  Atomics.store(words, cacheHeader.departureCount, layout.departureCount);
  Atomics.store(words, cacheHeader.epoch, 1);
  Atomics.store(words, cacheHeader.magic, cacheMagic);
  return {
    words,
    arena: new Uint8Array(new SharedArrayBuffer(layout.segmentBytes * layout.segmentCount)),
    figures: new Float64Array(new SharedArrayBuffer(figuresFloats * 8)),
  };
}

/** Main only, for a worker whose thread has ended: its epoch, holds, claims and locks. */
export function clearDeadCacheReader(memory: CacheMemory, worker: number): void {
  const { words } = memory;
  const layout = layoutOf(words);
  assert(worker >= 0 && worker < layout.workerCount, 'a worker index lies in the cache');
  const holds = layout.holdsAt + worker * layout.holdsStride;
  for (let i = 0; i < layout.segmentCount; i++) Atomics.store(words, holds + i, 0);
  Atomics.store(words, layout.epochsAt + worker * lineWords, 0);
  clearDeadClaims(memory, worker);
}
