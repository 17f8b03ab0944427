import { assert } from '../../base/assert.ts';
import {
  cacheArenaBytesMax,
  cacheArenaBytesMin,
  cacheChunkBytesMax,
  seatCountMax,
} from '../../base/limits.ts';

/**
 * The words beside the arena, each area with its one writer; areas begin on cache lines.
 *
 *   header       magic, sizes, reign, position      writer: control (main makes it)
 *                epoch, on a line of its own        writer: control
 *   epochs       per worker: one word on its line   writer: that worker; main when it is dead
 *   holds        per worker and segment: a count    writer: that worker; main when it is dead
 *   claims       buckets of a lock and 7 claims     any worker, by the rules in claims.ts
 *   departures   check and reason by hash           writer: control
 *   index        buckets of 16 checks, 16 places    writer: control
 *
 * A place is an offset in the arena in units of 16 bytes; 0 is none, and no record lies there.
 */
export const cacheMagic = 0x43434143;
export const cacheLayoutVersion = 1;
export const lineWords = 16;

export const cacheHeader = {
  magic: 0,
  layout: 1,
  workerCount: 2,
  segmentBytes: 3,
  segmentCount: 4,
  bucketCount: 5,
  departureCount: 6,
  /** How many writers there have been; a fill of an earlier one goes on no more. */
  reign: 7,
  /** Position in the invalidation stream. */
  position: 8,
  /** Until when it is proven that no bust was missed (proof.ts). */
  proven: 9,
  epoch: lineWords,
  words: 2 * lineWords,
} as const;

export const unitBytes = 16;
export const unitWords = unitBytes / 4;

/** 128 segments where these allow: a reserve of three is then 2 % of the arena. */
const segmentBytesMin = 256 * 1024;
const segmentBytesMax = 4 * 1024 * 1024;

/** The first record of a segment begins here, so that place 0 is free to mean none. */
export const segmentHeadBytes = 64;

export const bucketSlotCount = 16;
export const bucketWords = 2 * bucketSlotCount;

export const claimBucketCount = 4096;
/** A lock word and 7 claims: half a cache line. */
export const claimBucketWords = 8;

export interface CacheLayout {
  readonly workerCount: number;
  readonly segmentBytes: number;
  readonly segmentCount: number;
  readonly bucketCount: number;
  readonly departureCount: number;
  readonly epochsAt: number;
  readonly holdsAt: number;
  /** Words from one worker's holds to the next one's. */
  readonly holdsStride: number;
  readonly claimsAt: number;
  readonly departuresAt: number;
  readonly indexAt: number;
  readonly words: number;
}

/** Sizes that follow from the settings alone. */
export function planCache(arenaBytes: number, workerCount: number): CacheLayout {
  assert(arenaBytes >= cacheArenaBytesMin, 'the arena is at least its smallest size');
  assert(arenaBytes <= cacheArenaBytesMax, 'the arena is at most its largest size');
  assert(workerCount >= 1 && workerCount <= seatCountMax, 'the worker count is within its limit');
  const wanted = Math.min(Math.max(arenaBytes / 128, segmentBytesMin), segmentBytesMax);
  const segmentBytes = Math.ceil(wanted / 4096) * 4096;
  const segmentCount = Math.floor(arenaBytes / segmentBytes);
  const bucketCount = 2 ** Math.ceil(Math.log2(arenaBytes / 4096));
  return placeAreas({
    workerCount,
    segmentBytes,
    segmentCount,
    bucketCount,
    departureCount: 4 * bucketCount,
  });
}

export type CacheWords = Int32Array<SharedArrayBuffer>;

type CacheSizes = Pick<
  CacheLayout,
  'workerCount' | 'segmentBytes' | 'segmentCount' | 'bucketCount' | 'departureCount'
>;

/** Where the areas lie, for given sizes. */
export function placeAreas(sizes: CacheSizes): CacheLayout {
  const holdsStride = Math.ceil(sizes.segmentCount / lineWords) * lineWords;
  const epochsAt = cacheHeader.words;
  const holdsAt = epochsAt + sizes.workerCount * lineWords;
  const claimsAt = holdsAt + sizes.workerCount * holdsStride;
  const departuresAt = claimsAt + claimBucketCount * claimBucketWords;
  const indexAt = departuresAt + sizes.departureCount;
  const words = indexAt + sizes.bucketCount * bucketWords;
  return { ...sizes, epochsAt, holdsAt, holdsStride, claimsAt, departuresAt, indexAt, words };
}

/** Where everything lies in words that `createCacheMemory` made. */
export function layoutOf(words: CacheWords): CacheLayout {
  assert(Atomics.load(words, cacheHeader.magic) === cacheMagic, 'the cache carries its magic');
  const version = Atomics.load(words, cacheHeader.layout);
  assert(version === cacheLayoutVersion, 'the cache has this layout');
  return placeAreas({
    workerCount: Atomics.load(words, cacheHeader.workerCount),
    segmentBytes: Atomics.load(words, cacheHeader.segmentBytes),
    segmentCount: Atomics.load(words, cacheHeader.segmentCount),
    bucketCount: Atomics.load(words, cacheHeader.bucketCount),
    departureCount: Atomics.load(words, cacheHeader.departureCount),
  });
}

/**
 * An entry in the arena. Words are 32 bits from the record's begin; times and the id are 64 bit
 * floats. After the fields come the texts (key, head, etag, last modified, query, labels) and
 * then the body, or from the next word on the places of its chunks.
 *
 * All is written before the entry can be found, but for: state, stale, filled and the chunks'
 * places (control, atomically), bodyBytes (control, before the state becomes live) and uses
 * (readers, plainly: of two that count at once one may be lost, which does no harm).
 */
export const entryField = {
  size: 0,
  type: 1,
  state: 2,
  softStale: 3,
  uses: 4,
  hash: 5,
  check: 6,
  kindAndStatus: 7,
  flags: 8,
  position: 9,
  keyBytes: 10,
  headBytes: 11,
  etagBytes: 12,
  lastModifiedBytes: 13,
  queryBytes: 14,
  labelsBytes: 15,
  bodyBytes: 16,
  filledBytes: 17,
  /** Places for chunks; 0: the body follows the texts. */
  chunkCount: 18,
  /** Of the writer that made the entry. */
  reign: 19,
  originBytes: 20,
  words: 32,
} as const;

/** In 64 bit floats from the record's begin. */
export const entryFloat = {
  id: 11,
  bornMs: 12,
  freshUntilMs: 13,
  staleWhileRevalidateUntilMs: 14,
  staleIfErrorUntilMs: 15,
} as const;

export const entryFieldsBytes = entryField.words * 4;

/** A piece of a body in the arena; only control reads its fields. */
export const chunkField = { size: 0, type: 1, index: 2, words: 8 } as const;
export const chunkFloat = { ownerId: 2 } as const;
export const chunkFieldsBytes = chunkField.words * 4;

/** `gap`: what a record that became shorter left behind. */
export const recordType = { gap: 0, entry: 1, chunk: 2 } as const;

/** Control alone moves it, in this order; an entry of one record is live from the start. */
export const entryStateWord = { filling: 1, live: 2, dead: 3 } as const;

/** Most that `uses` counts to: S3-FIFO's two bits. */
export const usesMax = 3;

/** Bytes of a body in one chunk: with its fields, four fill the smallest segment to the end. */
export const chunkBodyBytes = cacheChunkBytesMax - chunkFieldsBytes - unitBytes;

/** A chunk, or an entry with its body, is at most this long. */
export const recordBytesMax = chunkFieldsBytes + chunkBodyBytes;

assert(entryFloat.id * 2 === entryField.originBytes + 2, 'floats follow the words, aligned');
assert(entryFieldsBytes % 8 === 0, 'fields end on a float');
assert(chunkFieldsBytes % unitBytes === 0, 'a chunk begins on a unit');
assert(recordBytesMax % unitBytes === 0, 'a full chunk is whole units');
assert(
  segmentHeadBytes + 4 * recordBytesMax <= segmentBytesMin,
  'four full chunks fit the smallest segment',
);
assert(segmentHeadBytes % unitBytes === 0, 'records begin on units');
