import { assert } from '../../base/assert.ts';
import { claimSpinCountMax } from '../../base/limits.ts';
import type { CacheKey } from './cache-key.ts';
import { type CacheWords, claimBucketCount, claimBucketWords, layoutOf } from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';

/**
 * Claims: who on this node fetches a key. A bucket is a lock word (0, or worker + 1) and seven
 * claims (worker + 1 in the high 8 bits, 24 bits of the key's check below; 0 is free).
 *
 *   lock    0 -> worker + 1 by compare and exchange; back to 0 by its holder alone
 *   claim   0 -> claim by the lock's holder; back to 0 by the claim's worker alone, without lock
 *   a dead worker's claims and locks go back to 0 by main, claims first
 *
 * While a lock is held only its holder adds claims, so what it found free of its key stays so
 * until it added its own. Two keys that agree in bucket and check share a claim: one of them waits
 * for nothing it needs, until its deadline at worst, and is never answered with the other.
 */

/** `busy`: somebody fetches it. `none`: no claim to be had; fetch without one. */
export type ClaimOutcome = 'taken' | 'busy' | 'none';

const workerShift = 24;
const checkMask = 0xffffff;

export class Claims {
  readonly #words: CacheWords;
  readonly #at: number;
  readonly #worker: number;
  readonly #spinCountMax: number;

  constructor(memory: CacheMemory, worker: number, spinCountMax = claimSpinCountMax) {
    const layout = layoutOf(memory.words);
    assert(worker >= 0 && worker < layout.workerCount, 'a worker index lies in the cache');
    this.#words = memory.words;
    this.#at = layout.claimsAt;
    this.#worker = worker;
    this.#spinCountMax = spinCountMax;
  }

  /** Never waits longer than so many turns around a bucket's lock. */
  take(key: CacheKey): ClaimOutcome {
    const bucket = this.#bucketOf(key);
    if (this.#find(bucket, key) !== 0) return 'busy';
    if (!this.#lock(bucket)) return 'none';
    let outcome: ClaimOutcome = 'busy';
    if (this.#find(bucket, key) === 0) {
      const free = this.#freePlace(bucket);
      if (free !== 0) Atomics.store(this.#words, free, this.#claimOf(key));
      outcome = free === 0 ? 'none' : 'taken';
    }
    Atomics.store(this.#words, bucket, 0);
    return outcome;
  }

  /** Of a claim that this worker took. */
  release(key: CacheKey): void {
    const at = this.#find(this.#bucketOf(key), key);
    assert(at !== 0 && this.#words[at] === this.#claimOf(key), 'a claim is released by its worker');
    Atomics.store(this.#words, at, 0);
  }

  /** The worker that fetches the key, or -1. */
  holder(key: CacheKey): number {
    const at = this.#find(this.#bucketOf(key), key);
    const claim = at === 0 ? 0 : Atomics.load(this.#words, at);
    return (claim & checkMask) === (key.check & checkMask) ? (claim >>> workerShift) - 1 : -1;
  }

  #lock(bucket: number): boolean {
    for (let turn = 0; turn < this.#spinCountMax; turn++) {
      if (Atomics.compareExchange(this.#words, bucket, 0, this.#worker + 1) === 0) return true;
    }
    return false;
  }

  #find(bucket: number, key: CacheKey): number {
    const check = key.check & checkMask;
    for (let at = bucket + 1; at < bucket + claimBucketWords; at++) {
      const claim = Atomics.load(this.#words, at);
      if (claim !== 0 && (claim & checkMask) === check) return at;
    }
    return 0;
  }

  #freePlace(bucket: number): number {
    for (let at = bucket + 1; at < bucket + claimBucketWords; at++) {
      if (Atomics.load(this.#words, at) === 0) return at;
    }
    return 0;
  }

  #claimOf(key: CacheKey): number {
    return ((this.#worker + 1) << workerShift) | (key.check & checkMask);
  }

  #bucketOf(key: CacheKey): number {
    return this.#at + (key.hash & (claimBucketCount - 1)) * claimBucketWords;
  }
}

/**
 * Main only, for a worker whose thread has ended, before another one takes its place. Looks
 * plainly: what that worker wrote is there, and what others write meanwhile is not its own.
 */
export function clearDeadClaims(memory: CacheMemory, worker: number): void {
  const { words } = memory;
  const { claimsAt } = layoutOf(memory.words);
  const end = claimsAt + claimBucketCount * claimBucketWords;
  for (let bucket = claimsAt; bucket < end; bucket += claimBucketWords) {
    for (let at = bucket + 1; at < bucket + claimBucketWords; at++) {
      if ((words[at] as number) >>> workerShift === worker + 1) Atomics.store(words, at, 0);
    }
    if (words[bucket] === worker + 1) Atomics.store(words, bucket, 0);
  }
}
