import { randomBytes } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { rateLimitMax, rateLimitSlotCount, rateLimitWindowMsMin } from '../../base/limits.ts';

/**
 * The table of rate limits of a node: who has used how much of which limit. Main makes it; it outlives
 * applies and threads.
 *
 *   header   seed, who shares limits, figures
 *   locks    one for each set: 0, or the seat of the worker that gives a slot to a key, plus one
 *   slots    in sets of four: a key of 64 bits, what was admitted in the windows of even and of odd
 *            number, what other nodes admitted in them, the window's length and the limit
 *
 * A window has a number, the wall clock's milliseconds by its length, so that all nodes agree on it. A
 * count says of which window it is in its upper bits: nobody has to clear it when the next one begins.
 *
 *   count    12 bits of the window's number | 20 bits of what was admitted
 */
export type RateLimitWords = Int32Array<SharedArrayBuffer>;

const lineWords = 16;

export const limitHeader = {
  seedLow: 0,
  seedHigh: 1,
  /** Nodes that share limits, with this one; 0: it is in no cluster. */
  nodes: 2,
  /** Until when it is known what other nodes admitted, in units of `leaseUnitMs`. */
  knownUntil: 3,
  /** Slots that were given to keys, also those again; of keys that still counted; requests not counted. */
  placed: lineWords,
  takenOver: lineWords + 1,
  uncounted: lineWords + 2,
} as const;

export const slotWays = 4;
export const setCount = rateLimitSlotCount / slotWays;
export const slotWords = 8;
export const slotField = {
  /** 0: nobody has it. Written last when a slot is given to a key. */
  keyLow: 0,
  keyHigh: 1,
  /** Of the window of even number, then of that of odd number. */
  counts: 2,
  others: 4,
  windowMs: 6,
  limit: 7,
} as const;

export const locksAt = 2 * lineWords;
export const slotsAt = locksAt + setCount;
const wordCount = slotsAt + rateLimitSlotCount * slotWords;

const countBits = 20;
export const countMax = 2 ** countBits - 1;
const windowMask = 2 ** (32 - countBits) - 1;

assert(Number.isInteger(Math.log2(setCount)), 'a hash is cut to a number of a set');
assert(slotsAt % lineWords === 0 && lineWords % slotWords === 0, 'slots lie within cache lines');
assert(rateLimitMax <= countMax, 'what a limit admits can be counted');
assert(
  windowMask * rateLimitWindowMsMin > 60_000,
  'a count is cleared long before its mark returns',
);

/** `seed` decides where keys lie: 8 bytes that nodes of one cluster share, and clients must not know. */
export function createRateLimits(seed: Buffer = randomBytes(8)): RateLimitWords {
  const words = new Int32Array(new SharedArrayBuffer(wordCount * Int32Array.BYTES_PER_ELEMENT));
  Atomics.store(words, limitHeader.seedLow, seed.readInt32LE(0));
  Atomics.store(words, limitHeader.seedHigh, seed.readInt32LE(4));
  return words;
}

/**
 * Main only, for a worker whose thread has ended: a slot that it was giving away belongs to nobody.
 * Looks plainly, since what that worker wrote is there, and what others write is not its own.
 */
export function clearDeadLimitLocks(words: RateLimitWords, seat: number): void {
  for (let at = locksAt; at < slotsAt; at++) {
    if (words[at] === seat + 1) Atomics.store(words, at, 0);
  }
}

export function slotAt(index: number): number {
  return slotsAt + index * slotWords;
}

export function setOf(keyHigh: number): number {
  return keyHigh & (setCount - 1);
}

/** Where the key's slot begins, or 0. */
export function findSlot(words: RateLimitWords, keyLow: number, keyHigh: number): number {
  const from = slotAt(setOf(keyHigh) * slotWays);
  for (let at = from; at < from + slotWays * slotWords; at += slotWords) {
    if (holdsKey(words, at, keyLow, keyHigh)) return at;
  }
  return 0;
}

export function holdsKey(
  words: RateLimitWords,
  at: number,
  keyLow: number,
  keyHigh: number,
): boolean {
  return (
    Atomics.load(words, at + slotField.keyLow) === keyLow &&
    Atomics.load(words, at + slotField.keyHigh) === keyHigh
  );
}

export function windowOf(wallMs: number, windowMs: number): number {
  return Math.floor(wallMs / windowMs);
}

/** The place of a window's count among the two of a slot: 0 or 1. */
export function turnOf(window: number): number {
  return window & 1;
}

export function packCount(window: number, count: number): number {
  return ((window & windowMask) << countBits) | count;
}

/** What a word counts for a window; 0 where it is of another one. */
export function countIn(word: number, window: number): number {
  return word >>> countBits === (window & windowMask) ? word & countMax : 0;
}

/** Whether a word counts for the next window of the same turn: who wrote it read the clock later. */
export function isAhead(word: number, window: number): boolean {
  return word >>> countBits === ((window + 2) & windowMask) && (word & countMax) !== 0;
}

/** What was admitted here in a window and in the one before it; 0: the slot counts for nobody. */
export function ownUse(words: RateLimitWords, at: number, window: number): number {
  const counts = at + slotField.counts;
  const current = Atomics.load(words, counts + turnOf(window));
  const previous = Atomics.load(words, counts + turnOf(window - 1));
  return countIn(current, window) + countIn(previous, window - 1);
}
