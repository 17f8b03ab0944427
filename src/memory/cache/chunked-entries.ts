import { assert } from '../../base/assert.ts';
import type { EntryCursor } from './cache-entry.ts';
import { chunkBodyBytes, entryField, entryStateWord } from './cache-layout.ts';
import { Lingering } from './lingering.ts';
import { chunkUnits, type RecordWriter } from './record-writer.ts';
import type { Segments } from './segments.ts';

/**
 * An entry whose body lies in chunks. Readers hold it over many turns, so its record must tell
 * the truth for as long as one of them may look, also after it was copied elsewhere or dropped:
 * `copies` are all its records that a reader may still have, and each is told of every change.
 */
export interface ChunkedEntry {
  readonly entryId: number;
  /** Places of its records, the current one last. Empty: no reader can have it any more. */
  copies: number[];
  /** Places of its chunks, in order; 0: lost, after the entry was dropped. */
  readonly chunks: number[];
  filledBytes: number;
  /** -1: not known before its end. */
  readonly bodyBytes: number;
  readonly bodyBytesMax: number;
  filling: boolean;
  /** It was filled to its end. */
  whole: boolean;
  /** It can be found in the index. A filling entry that was dropped is filled for its holders. */
  linked: boolean;
}

/** What cannot be evicted, because it is filled or may be read, is at most this share of the arena. */
const stayingShareMax = 0.5;

/** All of them that the writer must still keep up. */
export class ChunkedEntries {
  readonly #byId = new Map<number, ChunkedEntry>();
  /** By segment: what has a copy there. */
  readonly #inSegment = new Map<number, ChunkedEntry[]>();
  readonly #records: RecordWriter;
  readonly #segments: Segments;
  readonly #cursor: EntryCursor;
  readonly #lingering: Lingering;
  readonly #stayingBytesMax: number;
  #fillingBytes = 0;

  constructor(records: RecordWriter, segments: Segments, cursor: EntryCursor) {
    this.#records = records;
    this.#segments = segments;
    this.#cursor = cursor;
    this.#lingering = new Lingering(segments);
    this.#stayingBytesMax = segments.segmentCount * segments.segmentBytes * stayingShareMax;
  }

  get(entryId: number): ChunkedEntry | undefined {
    return this.#byId.get(entryId);
  }

  /** `copies` holds its first record alone. */
  add(entry: ChunkedEntry): void {
    this.#byId.set(entry.entryId, entry);
    for (const place of entry.copies) this.#noteSegment(entry, place);
  }

  place(entry: ChunkedEntry): number {
    return entry.copies.at(-1) as number;
  }

  /** The record was copied there, and readers may find it from now on. */
  moved(entry: ChunkedEntry, to: number): void {
    entry.copies.push(to);
    this.#noteSegment(entry, to);
  }

  /** A chunk is there, or lies elsewhere from now on, for every copy. */
  setChunk(entry: ChunkedEntry, index: number, place: number): void {
    entry.chunks[index] = place;
    for (const copy of entry.copies) {
      const word = this.#cursor.moveTo(copy).chunkWordAt(index);
      Atomics.store(this.#records.words, word, place);
    }
  }

  /**
   * The segment of a chunk is about to be retired, and nobody finds the entry any more. Its places
   * stay: who came to them in this epoch may read on. Who looks at its state later takes none.
   */
  loseChunk(entry: ChunkedEntry, index: number): void {
    if (this.#lingering.delete(entry)) this.#discardChunks(entry);
    entry.chunks[index] = 0;
    for (const copy of entry.copies) {
      this.#records.publish(copy, entryField.state, entryStateWord.dead);
    }
  }

  /** Whether so many more bytes may be filled. Bodies that linger make way for them. */
  makeWay(bytes: number): boolean {
    const left = this.#stayingBytesMax - this.#fillingBytes - bytes;
    if (left < 0) return false;
    for (const entry of this.#lingering.takeOver(left)) this.#discardChunks(entry);
    return true;
  }

  /** The body of an entry that nobody finds stays, for those who joined while it was filled. */
  lingers(entry: ChunkedEntry): boolean {
    return this.#lingering.has(entry);
  }

  /** Lets go of bodies that nobody reads by now. */
  sweep(): void {
    for (const entry of this.#lingering.takeLeft()) this.#discardChunks(entry);
  }

  /** After the bytes are there. */
  setFilled(entry: ChunkedEntry, bytes: number): void {
    this.#fillingBytes += bytes - entry.filledBytes;
    entry.filledBytes = bytes;
    for (const copy of entry.copies) this.#records.publish(copy, entryField.filledBytes, bytes);
  }

  /** The body is whole: its length first, then the state, which vouches for it. */
  end(entry: ChunkedEntry): void {
    this.#endFilling(entry);
    entry.whole = true;
    for (const copy of entry.copies) {
      this.#records.publish(copy, entryField.bodyBytes, entry.filledBytes);
      this.#records.publish(copy, entryField.state, entryStateWord.live);
    }
  }

  /** There will be no more of it. Unless it can be found, it is needed no more either. */
  die(entry: ChunkedEntry): void {
    this.#endFilling(entry);
    if (!entry.linked) this.discard(entry);
    for (const copy of entry.copies) {
      this.#records.publish(copy, entryField.state, entryStateWord.dead);
    }
  }

  /** Its body goes on under another id, in a record that was written already. */
  handOver(entry: ChunkedEntry, to: ChunkedEntry): void {
    assert(!entry.filling, 'a body is handed over when it is whole');
    this.#byId.delete(entry.entryId);
    for (const copy of entry.copies) {
      const segment = this.#segments.segmentOf(copy);
      const there = this.#inSegment.get(segment) ?? [];
      this.#inSegment.set(
        segment,
        there.filter((one) => one !== entry),
      );
    }
    to.copies = [...entry.copies, ...to.copies];
    this.add(to);
    for (const [index, place] of entry.chunks.entries()) {
      this.#records.setOwner(place, to.entryId);
      this.setChunk(to, index, place);
    }
  }

  /** Nobody finds it any more, and nobody fills it: what is whole may linger. */
  leave(entry: ChunkedEntry): void {
    this.#discardRecord(entry);
    if (!entry.whole || !this.#lingering.add(entry)) this.#discardChunks(entry);
    else this.makeWay(0);
  }

  /** Units of all its records that count as needed: the current one and the chunks. */
  discard(entry: ChunkedEntry): void {
    this.#discardRecord(entry);
    this.#discardChunks(entry);
  }

  #discardRecord(entry: ChunkedEntry): void {
    const current = this.place(entry);
    this.#segments.discard(current, this.#records.units(current));
  }

  #discardChunks(entry: ChunkedEntry): void {
    for (const place of entry.chunks) {
      if (place !== 0) this.#segments.discard(place, this.#records.units(place));
    }
  }

  /** Gives the unused end of the last chunk back; returns by how many units it was too long. */
  trim(entry: ChunkedEntry): number {
    const index = entry.chunks.length - 1;
    const place = entry.chunks[index] ?? 0;
    if (place === 0) return 0;
    const units = this.#records.units(place);
    const needed = chunkUnits(entry.filledBytes - index * chunkBodyBytes);
    if (needed === units) return 0;
    if (!this.#segments.shorten(place, units, needed)) {
      this.#records.leaveGap(place, units, needed);
    }
    this.#records.setUnits(place, needed);
    return units - needed;
  }

  /** No reader can be in the segment any more, and its records are about to be overwritten. */
  segmentReused(segment: number): void {
    const entries = this.#inSegment.get(segment);
    if (entries === undefined) return;
    this.#inSegment.delete(segment);
    for (const entry of entries) {
      entry.copies = entry.copies.filter((copy) => this.#segments.segmentOf(copy) !== segment);
      if (entry.copies.length > 0) continue;
      this.#byId.delete(entry.entryId);
      if (this.#lingering.delete(entry)) this.#discardChunks(entry);
    }
  }

  #endFilling(entry: ChunkedEntry): void {
    assert(entry.filling, 'a body is filled once');
    entry.filling = false;
    this.#fillingBytes -= entry.filledBytes;
  }

  #noteSegment(entry: ChunkedEntry, place: number): void {
    const segment = this.#segments.segmentOf(place);
    const entries = this.#inSegment.get(segment);
    if (entries === undefined) this.#inSegment.set(segment, [entry]);
    else entries.push(entry);
  }
}
