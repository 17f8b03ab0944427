import { assert } from '../../base/assert.ts';
import {
  chunkBodyBytes,
  chunkField,
  chunkFieldsBytes,
  entryField,
  entryFieldsBytes,
  entryFloat,
  unitBytes,
  unitWords,
} from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';
import { type EntryKind, entryKinds } from './cache-record.ts';

export type EntryState = 'filling' | 'live' | 'dead';

/**
 * An entry, read where it lies. Everything but what a call returns as text is only valid between
 * `enter` and `leave` of the reader that found it (or until the writer writes again).
 */
export interface EntryView {
  readonly entryId: number;
  readonly kind: EntryKind;
  readonly status: number;
  readonly flags: number;
  /** Milliseconds of the monotonic clock, as in `CacheRecord`. */
  readonly bornMs: number;
  readonly freshUntilMs: number;
  readonly staleWhileRevalidateUntilMs: number;
  readonly staleIfErrorUntilMs: number;
  readonly position: number;
  /** A soft bust ended its freshness, and the times are those that begin there. */
  readonly softStale: boolean;
  readonly state: EntryState;
  /** -1 while it is filling and its length is not known. */
  readonly bodyBytes: number;
  /** Bytes of the body that are there. */
  readonly filledBytes: number;
  /** The body is one piece; else it is read through a hold. */
  readonly contiguous: boolean;
  readonly etag: string;
  readonly lastModified: string;
  /** As in `CacheRecord`. */
  readonly origin: string;
  readonly query: string;
  /** How often it was found since it was stored or last spared, at most 3. */
  readonly uses: number;
  /** Bytes of the arena that it fills. */
  readonly storedBytes: number;
  key(): string;
  labels(): string[];
  headText(): string;
  /** A view on shared memory. */
  headBytes(): Uint8Array;
  /** A view on shared memory; for a contiguous entry only. */
  body(): Uint8Array;
  /** Views on all pieces of the body that are there, in order. */
  bodyPieces(): Uint8Array[];
}

const stateNames: readonly EntryState[] = ['dead', 'filling', 'live', 'dead'];

/** Reads the entry at a place. One per reader, moved from entry to entry. */
export class EntryCursor implements EntryView {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #floats: Float64Array<SharedArrayBuffer>;
  readonly #text: Buffer;
  readonly #buffer: SharedArrayBuffer;
  /** Of the record: its first word. */
  #at = 0;

  constructor({ arena }: CacheMemory) {
    this.#buffer = arena.buffer;
    this.words = new Int32Array(arena.buffer);
    this.#floats = new Float64Array(arena.buffer);
    this.#text = Buffer.from(arena.buffer, 0, arena.length);
  }

  moveTo(place: number): this {
    this.#at = place * unitWords;
    return this;
  }

  get place(): number {
    return this.#at / unitWords;
  }

  /** Compares text and bytes, one character per byte. */
  hasKey(text: string): boolean {
    const length = text.length;
    if (this.words[this.#at + entryField.keyBytes] !== length) return false;
    const bytes = this.#text;
    const from = this.#at * 4 + entryFieldsBytes;
    for (let i = 0; i < length; i++) {
      if (bytes[from + i] !== text.charCodeAt(i)) return false;
    }
    return true;
  }

  /** Plainly: see `entryField.uses`. An entry at the most costs no store. */
  countUse(most: number): void {
    const at = this.#at + entryField.uses;
    const uses = this.words[at] as number;
    if (uses < most) this.words[at] = uses + 1;
  }

  get entryId(): number {
    return this.#float(entryFloat.id);
  }

  get kind(): EntryKind {
    return entryKinds[this.#word(entryField.kindAndStatus) >>> 16] as EntryKind;
  }

  get status(): number {
    return this.#word(entryField.kindAndStatus) & 0xffff;
  }

  get flags(): number {
    return this.#word(entryField.flags);
  }

  get bornMs(): number {
    return this.#float(entryFloat.bornMs);
  }

  get freshUntilMs(): number {
    return this.#float(entryFloat.freshUntilMs) - this.#cutMs();
  }

  get staleWhileRevalidateUntilMs(): number {
    return this.#float(entryFloat.staleWhileRevalidateUntilMs) - this.#cutMs();
  }

  get staleIfErrorUntilMs(): number {
    return this.#float(entryFloat.staleIfErrorUntilMs) - this.#cutMs();
  }

  /** Freshness that a soft bust took: the windows begin there. Plainly, as all times are read. */
  #cutMs(): number {
    const after = this.words[this.#at + entryField.softStale] as number;
    if (after === 0) return 0;
    const bustedMs = this.#float(entryFloat.bornMs) + after;
    return Math.max(0, this.#float(entryFloat.freshUntilMs) - bustedMs);
  }

  get position(): number {
    return this.#word(entryField.position);
  }

  get softStale(): boolean {
    return Atomics.load(this.words, this.#at + entryField.softStale) !== 0;
  }

  get state(): EntryState {
    return stateNames[Atomics.load(this.words, this.#at + entryField.state)] ?? 'dead';
  }

  get bodyBytes(): number {
    return Atomics.load(this.words, this.#at + entryField.bodyBytes);
  }

  get filledBytes(): number {
    return Atomics.load(this.words, this.#at + entryField.filledBytes);
  }

  get contiguous(): boolean {
    return this.#word(entryField.chunkCount) === 0;
  }

  get uses(): number {
    return this.#word(entryField.uses);
  }

  get hash(): number {
    return this.#word(entryField.hash);
  }

  get check(): number {
    return this.#word(entryField.check);
  }

  get etag(): string {
    return this.#textOf(this.#etagFrom(), entryField.etagBytes);
  }

  get lastModified(): string {
    return this.#textOf(this.#lastModifiedFrom(), entryField.lastModifiedBytes);
  }

  get query(): string {
    return this.#textOf(this.#queryFrom(), entryField.queryBytes);
  }

  get origin(): string {
    return this.#textOf(this.#originFrom(), entryField.originBytes);
  }

  get storedBytes(): number {
    let units = this.#word(entryField.size);
    for (let index = 0; index < this.#word(entryField.chunkCount); index++) {
      const place = this.chunkPlace(index);
      if (place !== 0) units += this.words[place * unitWords + chunkField.size] as number;
    }
    return units * unitBytes;
  }

  key(): string {
    return this.#textOf(this.#keyFrom(), entryField.keyBytes);
  }

  labels(): string[] {
    const text = this.#textOf(this.#labelsFrom(), entryField.labelsBytes);
    return text === '' ? [] : text.split('\n');
  }

  headText(): string {
    return this.#textOf(this.#headFrom(), entryField.headBytes);
  }

  headBytes(): Uint8Array {
    return new Uint8Array(this.#buffer, this.#headFrom(), this.#word(entryField.headBytes));
  }

  body(): Uint8Array {
    assert(this.contiguous, 'a body of several pieces is read through a hold');
    return new Uint8Array(this.#buffer, this.bodyFrom(), this.#word(entryField.bodyBytes));
  }

  bodyPieces(): Uint8Array[] {
    if (this.contiguous) return [this.body()];
    const pieces: Uint8Array[] = [];
    const filled = this.filledBytes;
    for (let from = 0; from < filled; from += chunkBodyBytes) {
      const place = this.chunkPlace(from / chunkBodyBytes);
      const bytes = Math.min(chunkBodyBytes, filled - from);
      pieces.push(new Uint8Array(this.#buffer, place * unitBytes + chunkFieldsBytes, bytes));
    }
    return pieces;
  }

  /** Where the body of a contiguous entry begins, and where the places of chunks may begin. */
  bodyFrom(): number {
    return this.#labelsFrom() + this.#word(entryField.labelsBytes);
  }

  /** 0: not there yet. Pairs with the stores in chunked-entries.ts. */
  chunkPlace(index: number): number {
    return Atomics.load(this.words, this.chunkWordAt(index));
  }

  chunkWordAt(index: number): number {
    return Math.ceil(this.bodyFrom() / 4) + index;
  }

  get reign(): number {
    return this.#word(entryField.reign);
  }

  #keyFrom(): number {
    return this.#at * 4 + entryFieldsBytes;
  }

  #headFrom(): number {
    return this.#keyFrom() + this.#word(entryField.keyBytes);
  }

  #etagFrom(): number {
    return this.#headFrom() + this.#word(entryField.headBytes);
  }

  #lastModifiedFrom(): number {
    return this.#etagFrom() + this.#word(entryField.etagBytes);
  }

  #queryFrom(): number {
    return this.#lastModifiedFrom() + this.#word(entryField.lastModifiedBytes);
  }

  #originFrom(): number {
    return this.#queryFrom() + this.#word(entryField.queryBytes);
  }

  #labelsFrom(): number {
    return this.#originFrom() + this.#word(entryField.originBytes);
  }

  #textOf(from: number, lengthField: number): string {
    return this.#text.toString('latin1', from, from + this.#word(lengthField));
  }

  #word(field: number): number {
    return this.words[this.#at + field] as number;
  }

  #float(field: number): number {
    return this.#floats[this.#at / 2 + field] as number;
  }
}
