import { assert } from '../../base/assert.ts';
import {
  type CacheLayout,
  type CacheWords,
  cacheHeader,
  lineWords,
  unitBytes,
} from './cache-layout.ts';

/** The words by which one worker keeps segments from being used again. Its alone to write. */
export class SegmentHolds {
  readonly #words: CacheWords;
  readonly #epochAt: number;
  readonly #holdsAt: number;
  readonly #segmentUnits: number;

  constructor(words: CacheWords, layout: CacheLayout, worker: number) {
    assert(worker >= 0 && worker < layout.workerCount, 'a worker index lies in the cache');
    this.#words = words;
    this.#epochAt = layout.epochsAt + worker * lineWords;
    this.#holdsAt = layout.holdsAt + worker * layout.holdsStride;
    this.#segmentUnits = layout.segmentBytes / unitBytes;
  }

  /** Pairs with `reusable` in reclaim.ts: the word is visible before anything is looked up. */
  enter(): void {
    assert(!this.inside(), 'a reader enters once');
    Atomics.store(this.#words, this.#epochAt, Atomics.load(this.#words, cacheHeader.epoch));
  }

  leave(): void {
    assert(this.inside(), 'a reader leaves what it entered');
    Atomics.store(this.#words, this.#epochAt, 0);
  }

  /** Plain: a word that this worker alone writes. */
  inside(): boolean {
    return this.#words[this.#epochAt] !== 0;
  }

  reign(): number {
    return Atomics.load(this.#words, cacheHeader.reign);
  }

  /** Between enter and leave: the count is visible before the epoch's word is 0 again. */
  take(place: number): void {
    const at = this.#holdsAt + Math.floor(place / this.#segmentUnits);
    Atomics.store(this.#words, at, (this.#words[at] as number) + 1);
  }

  drop(place: number): void {
    const at = this.#holdsAt + Math.floor(place / this.#segmentUnits);
    const count = this.#words[at] as number;
    assert(count > 0, 'a hold is dropped only by whoever took it');
    Atomics.store(this.#words, at, count - 1);
  }
}
