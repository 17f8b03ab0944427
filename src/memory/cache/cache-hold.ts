import { assert } from '../../base/assert.ts';
import type { EntryCursor, EntryState } from './cache-entry.ts';
import { chunkBodyBytes, chunkFieldsBytes, unitBytes } from './cache-layout.ts';
import type { CacheBytes } from './cache-memory.ts';
import type { SegmentHolds } from './segment-holds.ts';

/**
 * What a reader keeps of an entry over several turns of its event loop. What it has seen of the body
 * stays readable until `release`, whatever becomes of the entry; what is filled later is there at the
 * next `refresh`, however late that is, but for a fill that fails and for the bound of `Lingering`.
 */
export interface EntryHold {
  readonly bodyBytes: number;
  readonly filledBytes: number;
  /** As of the last refresh. `dead` with `filledBytes` short of the body: it ends here. */
  readonly state: EntryState;
  /** Sees what was filled since; between `enter` and `leave` only. */
  refresh(): void;
  /** The longest piece from an offset of the body; empty when nothing is there (yet). */
  read(from: number): Uint8Array;
  /** Once, at any time. */
  release(): void;
}

const nothing = new Uint8Array(0);

export class ReaderHold implements EntryHold {
  readonly #holds: SegmentHolds;
  readonly #cursor: EntryCursor;
  readonly #arena: CacheBytes;
  readonly #entryPlace: number;
  /** Of a contiguous body: where it begins, in bytes. Else -1. */
  readonly #bodyFrom: number;
  /** Places whose segments this hold counts in: the chunks of the body, in order. */
  readonly #chunks: number[] = [];
  /** Chunks that moved while they were filled; views on them may still be in use. */
  readonly #left: number[] = [];
  #bodyBytes: number;
  #filledBytes = 0;
  #state: EntryState;
  /** The record is held, since it is looked at again or has the body in it. */
  #holdsRecord = true;
  #released = false;

  /** Of the entry that the cursor is at, within an epoch. */
  constructor(holds: SegmentHolds, cursor: EntryCursor, arena: CacheBytes) {
    const place = cursor.place;
    this.#holds = holds;
    this.#cursor = cursor;
    this.#arena = arena;
    this.#entryPlace = place;
    holds.take(place);
    this.#state = cursor.state;
    this.#bodyBytes = cursor.bodyBytes;
    this.#bodyFrom = cursor.contiguous ? cursor.bodyFrom() : -1;
    this.#take();
    this.#leaveRecord();
  }

  get bodyBytes(): number {
    return this.#bodyBytes;
  }

  get filledBytes(): number {
    return this.#filledBytes;
  }

  get state(): EntryState {
    return this.#state;
  }

  refresh(): void {
    assert(!this.#released, 'a hold is used until it is released');
    assert(this.#holds.inside(), 'a hold is refreshed between enter and leave');
    if (this.#state !== 'filling') return;
    const cursor = this.#cursor;
    const before = cursor.place;
    cursor.moveTo(this.#entryPlace);
    // Who began to fill it may have ended since, and left its record as it was.
    this.#state = cursor.reign === this.#holds.reign() ? cursor.state : 'dead';
    // After the state, which vouches for it; a body that ended has its length before that.
    this.#bodyBytes = cursor.bodyBytes;
    if (this.#state !== 'dead') this.#take();
    cursor.moveTo(before);
    this.#leaveRecord();
  }

  read(from: number): Uint8Array {
    assert(!this.#released, 'a hold is used until it is released');
    if (from >= this.#filledBytes) return nothing;
    if (this.#bodyFrom >= 0) return this.#view(this.#bodyFrom + from, this.#filledBytes - from);
    const index = Math.floor(from / chunkBodyBytes);
    const within = from % chunkBodyBytes;
    const place = this.#chunks[index] as number;
    const bytes = Math.min(chunkBodyBytes - within, this.#filledBytes - from);
    return this.#view(place * unitBytes + chunkFieldsBytes + within, bytes);
  }

  release(): void {
    assert(!this.#released, 'a hold is released once');
    this.#released = true;
    if (this.#holdsRecord) this.#holds.drop(this.#entryPlace);
    for (const place of this.#chunks) this.#holds.drop(place);
    for (const place of this.#left) this.#holds.drop(place);
  }

  /**
   * What is filled, and the chunks that hold it. They are safe to take in this epoch, for either
   * the entry was found in it, or its state was seen not to be dead: control says so before it
   * retires the segment of a chunk.
   */
  #take(): void {
    const cursor = this.#cursor;
    const filled = cursor.filledBytes;
    const wanted = this.#bodyFrom >= 0 ? 0 : Math.ceil(filled / chunkBodyBytes);
    const grew = filled > this.#filledBytes;
    // The last chunk may have moved since, and what was filled since lies only where it is now.
    const first = grew ? Math.floor(this.#filledBytes / chunkBodyBytes) : wanted;
    for (let index = first; index < wanted; index++) {
      const place = cursor.chunkPlace(index);
      const before = this.#chunks[index];
      if (place === before) continue;
      if (before !== undefined) this.#left.push(before);
      this.#holds.take(place);
      this.#chunks[index] = place;
    }
    this.#filledBytes = filled;
  }

  /** All chunks of an ended body are counted, so the writer need not keep it for this reader. */
  #leaveRecord(): void {
    if (!this.#holdsRecord || this.#bodyFrom >= 0 || this.#state === 'filling') return;
    this.#holdsRecord = false;
    this.#holds.drop(this.#entryPlace);
  }

  #view(from: number, bytes: number): Uint8Array {
    return new Uint8Array(this.#arena.buffer, from, bytes);
  }
}
