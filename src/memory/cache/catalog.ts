import type { EntryCursor } from './cache-entry.ts';
import type { EvictReason } from './cache-figures.ts';
import type { CacheIndex } from './cache-index.ts';
import type { CacheKey } from './cache-key.ts';
import { entryField, entryStateWord } from './cache-layout.ts';
import type { ChunkedEntries } from './chunked-entries.ts';
import type { Departures } from './departures.ts';
import type { FiguresWriter } from './figures-writer.ts';
import type { RecordWriter } from './record-writer.ts';
import type { Segments } from './segments.ts';

export interface CatalogParts {
  readonly cursor: EntryCursor;
  readonly index: CacheIndex;
  readonly records: RecordWriter;
  readonly segments: Segments;
  readonly chunked: ChunkedEntries;
  readonly figures: FiguresWriter;
  readonly departures: Departures;
  readonly onGone: (entryId: number, reason: EvictReason) => void;
}

/** What can be found: the index, the ids, and the figures that count both. */
export class Catalog {
  readonly #parts: CatalogParts;
  /** Place of each entry that can be found, by id. */
  readonly #places = new Map<number, number>();

  constructor(parts: CatalogParts) {
    this.#parts = parts;
  }

  /** 0: no such entry, or none any more. */
  place(entryId: number): number {
    return this.#places.get(entryId) ?? 0;
  }

  entryIds(): IterableIterator<number> {
    return this.#places.keys();
  }

  find({ hash, check, text }: CacheKey): number {
    return this.#parts.index.find(hash, check, text);
  }

  /** Makes a record that is written visible, in one store; what had the key is gone. */
  link(key: CacheKey, place: number): boolean {
    const { index, cursor, figures } = this.#parts;
    const replaced = this.find(key);
    if (replaced !== 0) index.move(key.hash, replaced, place);
    else if (!this.#insert(key, place)) return false;
    const { entryId, storedBytes } = cursor.moveTo(place);
    this.#places.set(entryId, place);
    figures.stored(storedBytes);
    if (replaced !== 0) this.#gone(replaced, 'replaced');
    return true;
  }

  /** Nobody finds the entry from here on. Who is reading it goes on. */
  unlink(place: number, reason: EvictReason): void {
    const { index, cursor } = this.#parts;
    index.remove(cursor.moveTo(place).hash, place);
    this.#gone(place, reason);
  }

  /** The record was copied; if it can be found, it is found there from now on. */
  moved(from: number, to: number): void {
    const { index, cursor } = this.#parts;
    const { entryId, hash } = cursor.moveTo(from);
    if (this.place(entryId) !== from) return;
    index.move(hash, from, to);
    this.#places.set(entryId, to);
  }

  #insert(key: CacheKey, place: number): boolean {
    const { index } = this.#parts;
    if (index.insert(key.hash, key.check, place)) return true;
    const least = index.leastUsed(key.hash);
    if (least === 0) return false;
    this.unlink(least, 'capacity');
    return index.insert(key.hash, key.check, place);
  }

  /** A filling entry is filled on, for those who hold it. */
  #gone(place: number, reason: EvictReason): void {
    const { cursor, chunked, records, segments, figures, departures, onGone } = this.#parts;
    const { entryId, hash, check, storedBytes, contiguous } = cursor.moveTo(place);
    const entry = chunked.get(entryId);
    if (entry === undefined) {
      // Its chunks, if any, are its successor's by now, and who holds it reads on in them.
      if (contiguous) records.publish(place, entryField.state, entryStateWord.dead);
      segments.discard(place, records.units(place));
    } else {
      entry.linked = false;
      if (!entry.filling) chunked.leave(entry);
    }
    this.#places.delete(entryId);
    figures.evicted(reason, storedBytes);
    departures.note(hash, check, reason);
    onGone(entryId, reason);
  }
}
