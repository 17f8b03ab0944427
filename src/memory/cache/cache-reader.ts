import { assert } from '../../base/assert.ts';
import { EntryCursor, type EntryView } from './cache-entry.ts';
import { type EntryHold, ReaderHold } from './cache-hold.ts';
import type { CacheKey } from './cache-key.ts';
import {
  bucketSlotCount,
  bucketWords,
  type CacheWords,
  cacheHeader,
  layoutOf,
  usesMax,
} from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';
import { type Departure, Departures } from './departures.ts';
import { SegmentHolds } from './segment-holds.ts';

/**
 * A worker's way into the cache. Waits for nobody and allocates nothing but the views that are
 * handed out. A lookup costs four atomic operations: `enter` loads the epoch and stores the
 * worker's word, `find` loads one place, `leave` stores 0.
 */
export class CacheReader {
  readonly #memory: CacheMemory;
  readonly #words: CacheWords;
  readonly #holds: SegmentHolds;
  readonly #cursor: EntryCursor;
  readonly #departures: Departures;
  readonly #indexAt: number;
  readonly #bucketMask: number;

  constructor(memory: CacheMemory, worker: number) {
    const layout = layoutOf(memory.words);
    this.#memory = memory;
    this.#words = memory.words;
    this.#holds = new SegmentHolds(memory.words, layout, worker);
    this.#cursor = new EntryCursor(memory);
    this.#departures = new Departures(memory.words, layout);
    this.#indexAt = layout.indexAt;
    this.#bucketMask = layout.bucketCount - 1;
  }

  /** What is found from here on stays readable until `leave`. Not to be nested. */
  enter(): void {
    this.#holds.enter();
  }

  leave(): void {
    this.#holds.leave();
  }

  /** Where the invalidation stream stands. */
  position(): number {
    return Atomics.load(this.#words, cacheHeader.position);
  }

  /** What `find` or `peek` found last. */
  get entry(): EntryView {
    return this.#cursor;
  }

  /** Whether the key is there; `entry` is it then, and it has been used once more. */
  find(key: CacheKey): boolean {
    if (!this.peek(key)) return false;
    this.#cursor.countUse(usesMax);
    return true;
  }

  /**
   * As `find`, without counting a use. The checks are read plainly: a check that is about to
   * change leads to a place whose key is compared in full, or to none.
   */
  peek(key: CacheKey): boolean {
    const words = this.#words;
    const check = key.check;
    const at = this.#indexAt + (key.hash & this.#bucketMask) * bucketWords;
    for (let slot = at; slot < at + bucketSlotCount; slot++) {
      if (words[slot] !== check) continue;
      const place = Atomics.load(words, slot + bucketSlotCount);
      if (place !== 0 && this.#cursor.moveTo(place).hasKey(key.text)) return true;
    }
    return false;
  }

  /** Why a key that was not found is not there. */
  departure(key: CacheKey): Departure {
    return this.#departures.of(key);
  }

  /** Of `entry`, between enter and leave; usable after leave, until it is released. */
  hold(): EntryHold {
    assert(this.#holds.inside(), 'a hold is taken between enter and leave');
    return new ReaderHold(this.#holds, this.#cursor, this.#memory.arena);
  }
}
