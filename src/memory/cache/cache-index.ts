import { assert } from '../../base/assert.ts';
import type { EntryCursor } from './cache-entry.ts';
import {
  bucketSlotCount,
  bucketWords,
  type CacheLayout,
  type CacheWords,
  unitBytes,
} from './cache-layout.ts';

/**
 * The writing side of the index. A slot's check is written before its place, so that a reader who
 * sees a place sees the check that goes with it or a later one; the key's bytes decide anyway.
 */
export class CacheIndex {
  readonly #words: CacheWords;
  readonly #at: number;
  readonly #bucketCount: number;
  readonly #cursor: EntryCursor;
  #sweepBucket = 0;

  constructor(words: CacheWords, layout: CacheLayout, cursor: EntryCursor) {
    this.#words = words;
    this.#at = layout.indexAt;
    this.#bucketCount = layout.bucketCount;
    this.#cursor = cursor;
    assert(unitBytes === 16, 'places are counted in 16 bytes');
  }

  /** The place of the entry with this key, or 0. */
  find(hash: number, check: number, text: string): number {
    const bucket = this.#bucketOf(hash);
    for (let slot = bucket; slot < bucket + bucketSlotCount; slot++) {
      const place = this.#words[slot + bucketSlotCount] as number;
      if (place === 0 || this.#words[slot] !== check) continue;
      if (this.#cursor.moveTo(place).hasKey(text)) return place;
    }
    return 0;
  }

  /** False: the bucket is full. */
  insert(hash: number, check: number, place: number): boolean {
    const bucket = this.#bucketOf(hash);
    for (let slot = bucket; slot < bucket + bucketSlotCount; slot++) {
      if (this.#words[slot + bucketSlotCount] !== 0) continue;
      Atomics.store(this.#words, slot, check);
      Atomics.store(this.#words, slot + bucketSlotCount, place);
      return true;
    }
    return false;
  }

  /** One store: a reader finds the one or the other. */
  move(hash: number, from: number, to: number): void {
    Atomics.store(this.#words, this.#slotWith(hash, from) + bucketSlotCount, to);
  }

  remove(hash: number, place: number): void {
    Atomics.store(this.#words, this.#slotWith(hash, place) + bucketSlotCount, 0);
  }

  /** Of a full bucket: the entry used least, the oldest of several; 0 when all are filling. */
  leastUsed(hash: number): number {
    let found = 0;
    let fewest = 0;
    let oldest = 0;
    for (const place of this.#bucketPlaces(this.#bucketOf(hash))) {
      const { uses, entryId, state } = this.#cursor.moveTo(place);
      if (state === 'filling') continue;
      if (found !== 0 && (uses > fewest || (uses === fewest && entryId > oldest))) continue;
      found = place;
      fewest = uses;
      oldest = entryId;
    }
    return found;
  }

  /** The places of the next bucket, around and around. */
  nextBucket(): number[] {
    const bucket = this.#sweepBucket;
    this.#sweepBucket = (bucket + 1) % this.#bucketCount;
    return this.#bucketPlaces(this.#at + bucket * bucketWords);
  }

  get bucketCount(): number {
    return this.#bucketCount;
  }

  #bucketPlaces(bucket: number): number[] {
    const places: number[] = [];
    for (let slot = bucket; slot < bucket + bucketSlotCount; slot++) {
      const place = this.#words[slot + bucketSlotCount] as number;
      if (place !== 0) places.push(place);
    }
    return places;
  }

  #slotWith(hash: number, place: number): number {
    const bucket = this.#bucketOf(hash);
    for (let slot = bucket; slot < bucket + bucketSlotCount; slot++) {
      if (this.#words[slot + bucketSlotCount] === place) return slot;
    }
    assert(false, 'an entry that is linked lies in its bucket');
    return 0;
  }

  #bucketOf(hash: number): number {
    return this.#at + (hash & (this.#bucketCount - 1)) * bucketWords;
  }
}
