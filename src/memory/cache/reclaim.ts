import { type CacheLayout, type CacheWords, cacheHeader, lineWords } from './cache-layout.ts';

/**
 * The reclaim rule, which is all that lies between a reader and memory that is used again.
 *
 *   A reader  1. loads the epoch and stores it in its word        (SegmentHolds.enter)
 *             2. looks places up and reads what lies there
 *             3. may count itself into the holds of a segment that it got to by step 2
 *             4. stores 0 in its word                             (SegmentHolds.leave)
 *   The       1. unlinks: no place in the index, and none in an entry that can be reached, leads
 *   writer       into the segment any more
 *             2. stores the next epoch, and keeps it as the one at which the segment was retired
 *             3. uses the segment again when first every worker's word is 0 or not older than
 *                that epoch, and after that every worker's hold on it is 0
 *
 * Why it holds: all these words are sequentially consistent. Take a reader that can read the
 * segment, so it loaded a place before the writer unlinked it, and stored its word before that.
 * If its word is of an earlier epoch, the writer waits for it. It cannot be of the new epoch: who
 * loads that one looks places up after they were unlinked. Once its word is 0, its holds are
 * visible, for they were stored before; that is why the words are looked at before the holds.
 * A reader that loaded the old epoch, was held up, and stores its word only after the writer
 * looked, looks places up later still, and finds none that lead here.
 *
 * Step 1 is not taken with a body that a reader got to while it was filled and has not counted
 * itself into yet, since it holds the entry's record alone. Such a body lingers: its chunks move as
 * those of an entry that is found, until `isReachable` says that nobody holds any of its records.
 *
 * A reader that dies inside leaves its words set, and the segments wait until main has cleared
 * them. A writer that dies leaves nothing to mend: its successor unlinks everything, stores the
 * next epoch and retires every segment at it, whatever state each was in.
 */
export class Reclaim {
  readonly #words: CacheWords;
  readonly #layout: CacheLayout;
  readonly #retiredAt: Int32Array;
  /** Segments that wait until no reader can be in them. */
  #waiting: number[] = [];
  /** Of those, as of the last look: how many wait for a reader that is inside. */
  #waitingForLeave = 0;

  constructor(words: CacheWords, layout: CacheLayout) {
    this.#words = words;
    this.#layout = layout;
    this.#retiredAt = new Int32Array(layout.segmentCount);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get waitingForLeave(): number {
    return this.#waitingForLeave;
  }

  /** Of segments into which no place leads any more: step 2. */
  retire(segments: readonly number[]): void {
    const next = (Atomics.load(this.#words, cacheHeader.epoch) + 1) | 0;
    const epoch = next === 0 ? 1 : next;
    Atomics.store(this.#words, cacheHeader.epoch, epoch);
    for (const segment of segments) {
      this.#retiredAt[segment] = epoch;
      this.#waiting.push(segment);
    }
  }

  /** Takes out the segments that may be used again: step 3. */
  takeReusable(): readonly number[] {
    this.#waitingForLeave = 0;
    if (this.#waiting.length === 0) return [];
    const reusable: number[] = [];
    const waiting: number[] = [];
    for (const segment of this.#waiting) {
      const left = this.#everybodyLeft(this.#retiredAt[segment] as number);
      if (!left) this.#waitingForLeave += 1;
      const list = left && !this.#held(segment) ? reusable : waiting;
      list.push(segment);
    }
    this.#waiting = waiting;
    return reusable;
  }

  get epoch(): number {
    return Atomics.load(this.#words, cacheHeader.epoch);
  }

  /**
   * Whether a reader may be at what lies in the segments, of which nothing is found since an epoch:
   * it is inside since then, or holds one of them. The words are looked at before the holds here
   * too, for who leaves has counted itself before.
   */
  isReachable(segments: readonly number[], unlinkedAt: number): boolean {
    return !this.#everybodyLeft((unlinkedAt + 1) | 0) || segments.some((one) => this.#held(one));
  }

  #everybodyLeft(retiredAt: number): boolean {
    const { workerCount, epochsAt } = this.#layout;
    for (let worker = 0; worker < workerCount; worker++) {
      const epoch = Atomics.load(this.#words, epochsAt + worker * lineWords);
      // The difference, so that the order survives the epoch's wrapping around.
      if (epoch !== 0 && ((epoch - retiredAt) | 0) < 0) return false;
    }
    return true;
  }

  #held(segment: number): boolean {
    const { workerCount, holdsAt, holdsStride } = this.#layout;
    for (let worker = 0; worker < workerCount; worker++) {
      if (Atomics.load(this.#words, holdsAt + worker * holdsStride + segment) !== 0) return true;
    }
    return false;
  }
}
