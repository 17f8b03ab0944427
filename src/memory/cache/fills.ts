import type { EvictReason } from './cache-figures.ts';
import { chunkBodyBytes, chunkFieldsBytes, unitBytes } from './cache-layout.ts';
import type { Catalog } from './catalog.ts';
import type { ChunkedEntries, ChunkedEntry } from './chunked-entries.ts';
import type { FiguresWriter } from './figures-writer.ts';
import {
  chunkCountOf,
  chunkedUnits,
  chunkUnits,
  type EntryToWrite,
  type RecordWriter,
} from './record-writer.ts';
import type { Room } from './room.ts';
import type { Queue, Segments } from './segments.ts';

export interface FillsParts {
  readonly records: RecordWriter;
  readonly segments: Segments;
  readonly chunked: ChunkedEntries;
  readonly catalog: Catalog;
  readonly figures: FiguresWriter;
  readonly room: Room;
}

/** Bodies that come in pieces, from their begin to their end. */
export class Fills {
  readonly #parts: FillsParts;

  constructor(parts: FillsParts) {
    this.#parts = parts;
  }

  /** Writes an entry without a body that cannot be found yet; null: no room. */
  begin(
    parts: Pick<EntryToWrite, 'record' | 'key' | 'labels'>,
    to: Queue,
    bodyBytesMax: number,
  ): ChunkedEntry | null {
    const { room, records, chunked, figures } = this.#parts;
    const { bodyBytes } = parts.record;
    const most = bodyBytes < 0 ? bodyBytesMax : bodyBytes;
    const chunkCount = chunkCountOf(most);
    const units = chunkedUnits(parts.record, parts.labels, chunkCount);
    const place = room.allocate(to, units);
    if (place === 0) return null;
    const entryId = figures.nextEntryId();
    const rest = { entryId, units, uses: 0, chunkCount, bodyBytes, filledBytes: 0, filling: true };
    records.entry(place, { ...parts, ...rest });
    const entry: ChunkedEntry = {
      entryId,
      copies: [place],
      chunks: [],
      filledBytes: 0,
      bodyBytes,
      bodyBytesMax: most,
      filling: true,
      whole: false,
      linked: false,
    };
    chunked.add(entry);
    return entry;
  }

  /** False: no such fill, over its limit, or no room; what was filled so far stands. */
  append(entryId: number, bytes: Uint8Array): boolean {
    const { chunked } = this.#parts;
    const entry = this.#filling(entryId);
    if (entry === undefined || entry.filledBytes + bytes.length > entry.bodyBytesMax) return false;
    if (!chunked.makeWay(bytes.length)) return false;
    for (let from = 0; from < bytes.length; ) {
      const within = entry.filledBytes % chunkBodyBytes;
      if (within === 0 && !this.#addChunk(entry)) return false;
      const piece = bytes.subarray(from, from + chunkBodyBytes - within);
      const place = entry.chunks.at(-1) as number;
      this.#parts.records.bytes(place * unitBytes + chunkFieldsBytes + within, piece);
      chunked.setFilled(entry, entry.filledBytes + piece.length);
      from += piece.length;
    }
    return true;
  }

  /** False: no such fill, or shorter than its length was said to be. */
  complete(entryId: number): boolean {
    const { chunked, figures } = this.#parts;
    const entry = this.#filling(entryId);
    if (entry === undefined) return false;
    if (entry.bodyBytes >= 0 && entry.bodyBytes !== entry.filledBytes) return false;
    const tooLong = chunked.trim(entry);
    if (entry.linked) figures.resized(-tooLong * unitBytes);
    chunked.end(entry);
    if (!entry.linked) chunked.leave(entry);
    return true;
  }

  abort(entryId: number, reason: EvictReason): void {
    const { chunked, catalog } = this.#parts;
    const entry = this.#filling(entryId);
    if (entry === undefined) return;
    chunked.die(entry);
    if (entry.linked) catalog.unlink(chunked.place(entry), reason);
  }

  /** The next chunk, as long as what may still come. */
  #addChunk(entry: ChunkedEntry): boolean {
    const { room, records, segments, chunked, figures } = this.#parts;
    const units = chunkUnits(Math.min(chunkBodyBytes, entry.bodyBytesMax - entry.filledBytes));
    const place = room.allocate(segments.queueOf(chunked.place(entry)), units);
    if (place === 0) return false;
    if (!entry.filling) {
      segments.discard(place, units);
      return false;
    }
    const index = entry.chunks.length;
    records.chunk(place, entry.entryId, index, units);
    chunked.setChunk(entry, index, place);
    if (entry.linked) figures.resized(units * unitBytes);
    return true;
  }

  #filling(entryId: number): ChunkedEntry | undefined {
    const entry = this.#parts.chunked.get(entryId);
    return entry?.filling === true ? entry : undefined;
  }
}
