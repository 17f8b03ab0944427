import { assert } from '../../base/assert.ts';
import { cacheBodyBytesMax } from '../../base/limits.ts';
import { EntryCursor, type EntryView } from './cache-entry.ts';
import type { EvictReason, StoreRefusedReason } from './cache-figures.ts';
import { CacheIndex } from './cache-index.ts';
import { type CacheKey, cacheKey } from './cache-key.ts';
import { bucketSlotCount, cacheHeader, entryField, layoutOf } from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';
import type { CacheRecord } from './cache-record.ts';
import { Catalog } from './catalog.ts';
import { ChunkedEntries } from './chunked-entries.ts';
import { Departures } from './departures.ts';
import { FiguresWriter } from './figures-writer.ts';
import { Fills } from './fills.ts';
import { Ghosts } from './ghosts.ts';
import { Reclaim } from './reclaim.ts';
import {
  chunkedUnits,
  type EntryToWrite,
  fitsOneRecord,
  RecordWriter,
  refusalOf,
  wholeUnits,
} from './record-writer.ts';
import { Room } from './room.ts';
import { type Queue, queue, Segments } from './segments.ts';
import { takeOver } from './take-over.ts';

export type StoreResult =
  | { readonly stored: true; readonly entryId: number }
  | { readonly stored: false; readonly reason: StoreRefusedReason };

/** What the word of a soft bust can say; after 24 days of freshness it counts from there. */
const softStaleAfterMsMax = 0x7fff_ffff;

export interface CacheWriterOptions {
  /**
   * Called within the call that caused it, when the entry cannot be found any more. It must not
   * call the writer.
   */
  readonly onGone: (entryId: number, reason: EvictReason) => void;
}

export interface ArenaFigures {
  readonly arenaBytes: number;
  /** Bytes of records that are needed: present entries, and what is filled for its holders. */
  readonly liveBytes: number;
  readonly segmentCount: number;
  readonly freeCount: number;
  /** Segments that are taken back and wait for readers, and for their holds. */
  readonly waitingCount: number;
}

/**
 * The one writer of the cache; control's. A new one, on memory that another one has written,
 * starts by emptying it. The thread of the other one must have ended.
 */
export class CacheWriter {
  readonly #memory: CacheMemory;
  readonly #cursor: EntryCursor;
  readonly #shown: EntryCursor;
  readonly #index: CacheIndex;
  readonly #records: RecordWriter;
  readonly #segments: Segments;
  readonly #chunked: ChunkedEntries;
  readonly #figures: FiguresWriter;
  readonly #ghosts: Ghosts;
  readonly #catalog: Catalog;
  readonly #room: Room;
  readonly #fills: Fills;
  /** The longest body: a quarter of the arena, so that one cannot push out all others. */
  readonly #bodyBytesMax: number;

  constructor(memory: CacheMemory, { onGone }: CacheWriterOptions) {
    const layout = layoutOf(memory.words);
    const departures = new Departures(memory.words, layout);
    this.#memory = memory;
    this.#cursor = new EntryCursor(memory);
    this.#shown = new EntryCursor(memory);
    this.#figures = new FiguresWriter(memory.figures);
    takeOver(memory, layout, this.#cursor, departures, this.#figures);
    this.#index = new CacheIndex(memory.words, layout, this.#cursor);
    this.#records = new RecordWriter(memory);
    this.#segments = new Segments(layout, new Reclaim(memory.words, layout));
    this.#chunked = new ChunkedEntries(this.#records, this.#segments, this.#cursor);
    this.#ghosts = new Ghosts(layout.departureCount);
    const parts = {
      cursor: this.#cursor,
      index: this.#index,
      records: this.#records,
      segments: this.#segments,
      chunked: this.#chunked,
      figures: this.#figures,
      ghosts: this.#ghosts,
    };
    this.#catalog = new Catalog({ ...parts, departures, onGone });
    this.#room = new Room({ ...parts, catalog: this.#catalog });
    this.#fills = new Fills({ ...parts, catalog: this.#catalog, room: this.#room });
    this.#bodyBytesMax = Math.min(cacheBodyBytesMax, Math.floor(memory.arena.length / 4));
  }

  /** Stores a whole response; what had its key is replaced. */
  put(record: CacheRecord, body: Uint8Array): StoreResult {
    const labels = record.labels.join('\n');
    const refused = this.#refusal(record, labels, body.length);
    if (refused !== null) return this.refuse(refused);
    const key = cacheKey(record.key);
    const units = wholeUnits(record, labels, body.length);
    if (!fitsOneRecord(units)) return this.#putChunked(record, key, labels, body);
    const place = this.#room.allocate(this.#queueFor(key), units);
    if (place === 0) return this.refuse('no-room');
    const entry = this.#wholeEntry({ record, key, labels, units, bodyBytes: body.length });
    this.#records.bytes(this.#records.entry(place, entry), body);
    return this.#link(entry, place);
  }

  /** Starts an entry whose body comes in pieces. It is visible at once, as filling. */
  begin(record: CacheRecord, bodyBytesMax = this.#bodyBytesMax): StoreResult {
    const labels = record.labels.join('\n');
    const refused = this.#refusal(record, labels, Math.max(0, record.bodyBytes));
    if (refused !== null) return this.refuse(refused);
    if (record.bodyBytes > bodyBytesMax) return this.refuse('too-large');
    const most = Math.min(bodyBytesMax, this.#bodyBytesMax);
    const key = cacheKey(record.key);
    const begun = this.#fills.begin({ record, key, labels }, this.#queueFor(key), most);
    if (begun === null) return this.refuse('no-room');
    if (this.#catalog.link(key, this.#chunked.place(begun))) {
      begun.linked = true;
      return { stored: true, entryId: begun.entryId };
    }
    this.#chunked.die(begun);
    return this.refuse('no-room');
  }

  /** False: there is no such fill any more, or this was too much for it and it was aborted. */
  append(entryId: number, bytes: Uint8Array): boolean {
    if (this.#fills.append(entryId, bytes)) return true;
    this.abort(entryId, 'capacity');
    return false;
  }

  /** False: there is no such fill any more, or its length is not what was said: aborted. */
  complete(entryId: number): boolean {
    if (this.#fills.complete(entryId)) return true;
    this.abort(entryId, 'error');
    return false;
  }

  /** Ends a fill short of its end, if there is such a fill; holders see it as dead. */
  abort(entryId: number, reason: EvictReason): void {
    this.#fills.abort(entryId, reason);
  }

  /**
   * A validation (304) of an entry: a new head and new times, the same body. The entry that was
   * there is replaced by one with a new id; its body is copied, or its chunks are handed over.
   */
  refresh(entryId: number, record: CacheRecord): StoreResult {
    const there = this.#catalog.place(entryId);
    if (there === 0) return this.refuse('gone');
    const { state, contiguous, bodyBytes } = this.#cursor.moveTo(there);
    assert(this.#cursor.hasKey(record.key), 'an entry is refreshed under its own key');
    if (state !== 'live') return this.refuse('gone');
    const labels = record.labels.join('\n');
    const refused = refusalOf(record, labels);
    if (refused !== null) return this.refuse(refused);
    const key = cacheKey(record.key);
    if (!contiguous) return this.#refreshChunked(entryId, { record, key, labels });
    const units = wholeUnits(record, labels, bodyBytes);
    if (!fitsOneRecord(units)) {
      return this.#putChunked(record, key, labels, this.#cursor.moveTo(there).body().slice());
    }
    const place = this.#room.allocate(this.#segments.queueOf(there), units, entryId);
    if (place === 0) return this.refuse('no-room');
    const old = this.#cursor.moveTo(this.#catalog.place(entryId));
    const { uses } = old;
    const bodyFrom = old.bodyFrom();
    const entry = { ...this.#wholeEntry({ record, key, labels, units, bodyBytes }), uses };
    this.#records.copyBytes(bodyFrom, this.#records.entry(place, entry), bodyBytes);
    return this.#link(entry, place);
  }

  /** A filling entry that is dropped is filled on for those who hold it. False: not there. */
  drop(entryId: number, reason: EvictReason): boolean {
    const place = this.#catalog.place(entryId);
    if (place === 0) return false;
    this.#catalog.unlink(place, reason);
    return true;
  }

  /**
   * A soft bust: stale from now on. False: not there. A second one changes nothing, and a mark of
   * Vary stays as it is, since it answers nobody.
   */
  markStale(entryId: number, nowMs: number): boolean {
    const place = this.#catalog.place(entryId);
    if (place === 0) return false;
    const { kind, bornMs, softStale } = this.#cursor.moveTo(place);
    if (softStale || kind === 'vary') return true;
    const after = Math.min(Math.max(1, Math.floor(nowMs - bornMs)), softStaleAfterMsMax);
    this.#records.publish(place, entryField.softStale, after);
    return true;
  }

  /** Counts what control refuses by itself. */
  refuse(reason: StoreRefusedReason): StoreResult {
    this.#figures.refused(reason);
    return { stored: false, reason };
  }

  /** To read an entry back; valid until the next call of the writer. */
  view(entryId: number): EntryView | null {
    const place = this.#catalog.place(entryId);
    return place === 0 ? null : this.#shown.moveTo(place);
  }

  /** Ids of all present entries, in the order in which they came. */
  entries(): IterableIterator<number> {
    return this.#catalog.entryIds();
  }

  /** Id of the entry with this key, or 0. */
  find(key: CacheKey): number {
    const place = this.#catalog.find(key);
    return place === 0 ? 0 : this.#cursor.moveTo(place).entryId;
  }

  /**
   * Goes on around the index and drops what is past all its stale windows. Looks at no more
   * buckets than `budget` (each holds up to 16 entries). Returns how many it dropped.
   */
  expire(nowMs: number, budget: number): number {
    this.#chunked.sweep();
    let dropped = 0;
    for (let turn = 0; turn < Math.min(budget, this.#index.bucketCount); turn++) {
      for (const place of this.#index.nextBucket()) {
        const entry = this.#cursor.moveTo(place);
        const last = Math.max(
          entry.freshUntilMs,
          entry.staleWhileRevalidateUntilMs,
          entry.staleIfErrorUntilMs,
        );
        if (last >= nowMs || entry.state === 'filling') continue;
        this.#catalog.unlink(place, 'ttl');
        dropped += 1;
      }
    }
    return dropped;
  }

  /** Where the invalidation stream stands. */
  setPosition(position: number): void {
    Atomics.store(this.#memory.words, cacheHeader.position, position);
  }

  arenaFigures(): ArenaFigures {
    return {
      arenaBytes: this.#memory.arena.length,
      liveBytes: this.#segments.liveBytes,
      segmentCount: this.#segments.segmentCount,
      freeCount: this.#segments.freeCount,
      waitingCount: this.#segments.waiting.all,
    };
  }

  #refusal(record: CacheRecord, labels: string, bodyBytes: number): StoreRefusedReason | null {
    return bodyBytes > this.#bodyBytesMax ? 'too-large' : refusalOf(record, labels);
  }

  /** A key that came back soon after small let it go belongs to main; else where it lies. */
  #queueFor(key: CacheKey): Queue {
    const within = Math.max(bucketSlotCount, this.#figures.present);
    if (this.#ghosts.take(key.hash, key.check, within)) return queue.main;
    const place = this.#catalog.find(key);
    return place === 0 ? queue.small : this.#segments.queueOf(place);
  }

  #wholeEntry(
    parts: Pick<EntryToWrite, 'record' | 'key' | 'labels' | 'units' | 'bodyBytes'>,
  ): EntryToWrite {
    return {
      ...parts,
      entryId: this.#figures.nextEntryId(),
      uses: 0,
      chunkCount: 0,
      filledBytes: parts.bodyBytes,
      filling: false,
    };
  }

  #link({ key, entryId, units }: EntryToWrite, place: number): StoreResult {
    if (this.#catalog.link(key, place)) return { stored: true, entryId };
    this.#segments.discard(place, units);
    return this.refuse('no-room');
  }

  /** As a fill that nobody sees before its end. */
  #putChunked(record: CacheRecord, key: CacheKey, labels: string, body: Uint8Array): StoreResult {
    const whole = { record: { ...record, bodyBytes: body.length }, key, labels };
    const begun = this.#fills.begin(whole, this.#queueFor(key), body.length);
    if (begun === null) return this.refuse('no-room');
    if (!this.#fills.append(begun.entryId, body)) {
      this.#fills.abort(begun.entryId, 'capacity');
      return this.refuse('no-room');
    }
    this.#chunked.end(begun);
    if (this.#catalog.link(key, this.#chunked.place(begun))) {
      begun.linked = true;
      return { stored: true, entryId: begun.entryId };
    }
    this.#chunked.discard(begun);
    return this.refuse('no-room');
  }

  #refreshChunked(
    entryId: number,
    parts: Pick<EntryToWrite, 'record' | 'key' | 'labels'>,
  ): StoreResult {
    const old = this.#chunked.get(entryId);
    assert(old !== undefined, 'an entry with chunks that can be found is known');
    const chunkCount = Math.max(1, old.chunks.length);
    const units = chunkedUnits(parts.record, parts.labels, chunkCount);
    const at = this.#segments.queueOf(this.#chunked.place(old));
    const place = this.#room.allocate(at, units, entryId);
    if (place === 0) return this.refuse('no-room');
    const bodyBytes = old.filledBytes;
    const { uses } = this.#cursor.moveTo(this.#chunked.place(old));
    const whole = this.#wholeEntry({ ...parts, units, bodyBytes });
    this.#records.entry(place, { ...whole, uses, chunkCount });
    const to = { ...old, entryId: whole.entryId, copies: [place], chunks: [...old.chunks] };
    this.#chunked.handOver(old, to);
    return this.#link(whole, place);
  }
}
