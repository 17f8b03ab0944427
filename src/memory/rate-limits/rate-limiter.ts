import { assert } from '../../base/assert.ts';
import { rateLimitSpinCountMax } from '../../base/limits.ts';
import { LimitHash } from './limit-hash.ts';
import {
  countIn,
  findSlot,
  holdsKey,
  isAhead,
  limitHeader,
  locksAt,
  ownUse,
  packCount,
  type RateLimitWords,
  setOf,
  slotAt,
  slotField,
  slotWays,
  slotWords,
  turnOf,
  windowOf,
} from './limit-layout.ts';
import { areOthersKnown, shareOf, sharingNodes } from './limit-lease.ts';

/** A limit as it is counted: the same identity is the same count, whatever the number is. */
export interface LimitTerms {
  readonly identityLow: number;
  readonly identityHigh: number;
  readonly limit: number;
  readonly windowMs: number;
}

/**
 * The worker's side. A window slides as an approximation: what was admitted in the previous one counts
 * by the share of it that still lies within a window's length, as if it had come evenly.
 *
 * Words of a slot: `counts` by compare and exchange, by any worker; `others` by control; the key, and
 * all of them when a slot is given away, by the holder of its set's lock. A worker that counts while
 * another gives the slot away fails its exchange, or adds one to a count that was the same: that key
 * has one less.
 */
export class RateLimiter {
  readonly #words: RateLimitWords;
  readonly #seat: number;
  readonly #spinCountMax: number;
  readonly #hash: LimitHash;

  constructor(words: RateLimitWords, seat: number, spinCountMax = rateLimitSpinCountMax) {
    assert(seat >= 0, 'a lock names its holder');
    this.#words = words;
    this.#seat = seat;
    this.#spinCountMax = spinCountMax;
    this.#hash = new LimitHash(words);
  }

  /**
   * Counts one request by a text, and gives 0; or gives how long (in ms, more than 0) there is no room
   * for it, if nobody else asks. Times: of the wall clock, and of the monotonic one.
   */
  take(terms: LimitTerms, text: string, wallMs: number, nowMs: number): number {
    const words = this.#words;
    const hash = this.#hash;
    hash.digest(terms.identityLow, terms.identityHigh, text);
    const { low, high } = hash;
    const { limit, windowMs } = terms;
    const window = windowOf(wallMs, windowMs);
    const nodes = sharingNodes(words);
    const known = nodes !== 0 && areOthersKnown(words, nowMs);
    const bound = nodes === 0 || known ? limit : shareOf(limit, nodes);
    const restShare = 1 - (wallMs - window * windowMs) / windowMs;
    let at = findSlot(words, low, high);
    for (let turn = 0; turn < this.#spinCountMax; turn++) {
      if (at === 0 || (turn > 0 && !holdsKey(words, at, low, high))) {
        at = this.#place(low, high, terms, wallMs);
        if (at === 0) break;
      }
      const counts = at + slotField.counts;
      const here = counts + turnOf(window);
      const word = Atomics.load(words, here);
      const counted = isAhead(word, window) ? window + 2 : window;
      const own = countIn(word, counted);
      let current = own;
      let previous = countIn(Atomics.load(words, counts + turnOf(window - 1)), window - 1);
      if (known) {
        const others = at + slotField.others;
        current += countIn(Atomics.load(words, others + turnOf(window)), window);
        previous += countIn(Atomics.load(words, others + turnOf(window - 1)), window - 1);
      }
      if (current + previous * restShare >= bound) {
        return waitOf(previous, current, bound, windowMs, restShare);
      }
      const next = packCount(counted, own + 1);
      if (Atomics.compareExchange(words, here, word, next) === word) {
        if (Atomics.load(words, at + slotField.limit) !== limit) {
          Atomics.store(words, at + slotField.limit, limit);
        }
        return 0;
      }
    }
    Atomics.add(words, limitHeader.uncounted, 1);
    return 0;
  }

  /** The key's slot, a new one if need be; 0: its set is being worked on for too long. */
  #place(low: number, high: number, terms: LimitTerms, wallMs: number): number {
    const words = this.#words;
    const set = setOf(high);
    if (!this.#lock(locksAt + set)) return 0;
    let at = findSlot(words, low, high);
    if (at === 0) {
      at = this.#choose(set, wallMs);
      Atomics.store(words, at + slotField.keyLow, 0);
      for (let word = slotField.counts; word < slotField.windowMs; word++) {
        Atomics.store(words, at + word, 0);
      }
      Atomics.store(words, at + slotField.windowMs, terms.windowMs);
      Atomics.store(words, at + slotField.limit, terms.limit);
      Atomics.store(words, at + slotField.keyHigh, high);
      Atomics.store(words, at + slotField.keyLow, low);
      Atomics.add(words, limitHeader.placed, 1);
    }
    Atomics.store(words, locksAt + set, 0);
    return at;
  }

  /** A free slot, else one whose windows have passed, else the one that has used least of its limit. */
  #choose(set: number, wallMs: number): number {
    const words = this.#words;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let way = 0; way < slotWays; way++) {
      const at = slotAt(set * slotWays) + way * slotWords;
      if (Atomics.load(words, at + slotField.keyLow) === 0) return at;
      const window = windowOf(wallMs, Atomics.load(words, at + slotField.windowMs));
      const limit = Atomics.load(words, at + slotField.limit);
      const use = ownUse(words, at, window) / Math.max(1, limit);
      if (use < least) {
        best = at;
        least = use;
      }
    }
    if (least > 0) Atomics.add(words, limitHeader.takenOver, 1);
    return best;
  }

  #lock(at: number): boolean {
    for (let turn = 0; turn < this.#spinCountMax; turn++) {
      if (Atomics.compareExchange(this.#words, at, 0, this.#seat + 1) === 0) return true;
    }
    return false;
  }
}

/** Until what is counted, with nothing more to come, is less than the bound. */
function waitOf(
  previous: number,
  current: number,
  bound: number,
  windowMs: number,
  restShare: number,
): number {
  const wait =
    current < bound
      ? windowMs * (restShare - (bound - current) / previous)
      : windowMs * (restShare + 1 - bound / current);
  return Math.max(1, wait);
}
