import {
  cacheFieldBytesMax,
  cacheHeadBytesMax,
  cacheKeyBytesMax,
  cacheLabelsBytesMax,
} from '../../base/limits.ts';
import type { StoreRefusedReason } from './cache-figures.ts';
import type { CacheKey } from './cache-key.ts';
import {
  cacheHeader,
  chunkBodyBytes,
  chunkField,
  chunkFieldsBytes,
  chunkFloat,
  entryField,
  entryFieldsBytes,
  entryFloat,
  entryStateWord,
  recordBytesMax,
  recordType,
  unitBytes,
  unitWords,
} from './cache-layout.ts';
import type { CacheBytes, CacheMemory } from './cache-memory.ts';
import { type CacheRecord, entryKinds } from './cache-record.ts';

/** Why a record cannot be stored whatever room there is, or null. */
export function refusalOf(record: CacheRecord, labels: string): StoreRefusedReason | null {
  if (record.key.length > cacheKeyBytesMax) return 'key-too-long';
  const fits =
    record.head.length <= cacheHeadBytesMax &&
    labels.length <= cacheLabelsBytesMax &&
    record.etag.length <= cacheFieldBytesMax &&
    record.lastModified.length <= cacheFieldBytesMax &&
    record.query.length <= cacheFieldBytesMax &&
    record.origin.length <= cacheHeadBytesMax;
  return fits ? null : 'too-large';
}

/** Units of an entry with a body of its own. */
export function wholeUnits(record: CacheRecord, labels: string, bodyBytes: number): number {
  return Math.ceil((entryFieldsBytes + textBytes(record, labels) + bodyBytes) / unitBytes);
}

/** Units of an entry whose body lies in chunks; their places begin at a whole word. */
export function chunkedUnits(record: CacheRecord, labels: string, chunkCount: number): number {
  const bytes = Math.ceil((entryFieldsBytes + textBytes(record, labels)) / 4) * 4;
  return Math.ceil((bytes + chunkCount * 4) / unitBytes);
}

export function chunkUnits(bodyBytes: number): number {
  return Math.ceil((chunkFieldsBytes + bodyBytes) / unitBytes);
}

export function chunkCountOf(bodyBytes: number): number {
  return Math.max(1, Math.ceil(bodyBytes / chunkBodyBytes));
}

export function fitsOneRecord(units: number): boolean {
  return units * unitBytes <= recordBytesMax;
}

function textBytes(record: CacheRecord, labels: string): number {
  return (
    record.key.length +
    record.head.length +
    record.etag.length +
    record.lastModified.length +
    record.query.length +
    record.origin.length +
    labels.length
  );
}

export interface EntryToWrite {
  readonly record: CacheRecord;
  readonly key: CacheKey;
  readonly labels: string;
  readonly entryId: number;
  readonly units: number;
  readonly uses: number;
  /** 0: the body follows the texts. */
  readonly chunkCount: number;
  readonly bodyBytes: number;
  readonly filledBytes: number;
  readonly filling: boolean;
}

/** Writes records into places that nobody can reach yet: plainly. */
export class RecordWriter {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly #floats: Float64Array<SharedArrayBuffer>;
  readonly #arena: CacheBytes;
  readonly #text: Buffer;
  readonly #reign: number;

  constructor({ words, arena }: CacheMemory) {
    this.#reign = Atomics.load(words, cacheHeader.reign);
    this.#arena = arena;
    this.words = new Int32Array(arena.buffer);
    this.#floats = new Float64Array(arena.buffer);
    this.#text = Buffer.from(arena.buffer, 0, arena.length);
  }

  /** Returns where the body begins, in bytes of the arena; chunks' places are all 0. */
  entry(place: number, entry: EntryToWrite): number {
    const { record, key, labels } = entry;
    const words = this.words;
    const at = place * unitWords;
    words[at + entryField.size] = entry.units;
    words[at + entryField.type] = recordType.entry;
    words[at + entryField.state] = entry.filling ? entryStateWord.filling : entryStateWord.live;
    words[at + entryField.softStale] = 0;
    words[at + entryField.uses] = entry.uses;
    words[at + entryField.hash] = key.hash;
    words[at + entryField.check] = key.check;
    words[at + entryField.kindAndStatus] = (entryKinds.indexOf(record.kind) << 16) | record.status;
    words[at + entryField.flags] = record.flags;
    words[at + entryField.position] = record.position;
    words[at + entryField.keyBytes] = record.key.length;
    words[at + entryField.headBytes] = record.head.length;
    words[at + entryField.etagBytes] = record.etag.length;
    words[at + entryField.lastModifiedBytes] = record.lastModified.length;
    words[at + entryField.queryBytes] = record.query.length;
    words[at + entryField.originBytes] = record.origin.length;
    words[at + entryField.labelsBytes] = labels.length;
    words[at + entryField.bodyBytes] = entry.bodyBytes;
    words[at + entryField.filledBytes] = entry.filledBytes;
    words[at + entryField.chunkCount] = entry.chunkCount;
    words[at + entryField.reign] = this.#reign;
    const float = at / 2;
    this.#floats[float + entryFloat.id] = entry.entryId;
    this.#floats[float + entryFloat.bornMs] = record.bornMs;
    this.#floats[float + entryFloat.freshUntilMs] = record.freshUntilMs;
    this.#floats[float + entryFloat.staleWhileRevalidateUntilMs] =
      record.staleWhileRevalidateUntilMs;
    this.#floats[float + entryFloat.staleIfErrorUntilMs] = record.staleIfErrorUntilMs;
    let to = place * unitBytes + entryFieldsBytes;
    const { head, etag, lastModified, query, origin } = record;
    for (const text of [record.key, head, etag, lastModified, query, origin, labels]) {
      to += this.#text.write(text, to, 'latin1');
    }
    const places = Math.ceil(to / 4);
    words.fill(0, places, places + entry.chunkCount);
    return to;
  }

  chunk(place: number, ownerId: number, index: number, units: number): void {
    const at = place * unitWords;
    this.words[at + chunkField.size] = units;
    this.words[at + chunkField.type] = recordType.chunk;
    this.words[at + chunkField.index] = index;
    this.setOwner(place, ownerId);
  }

  owner(place: number): number {
    return this.#floats[(place * unitWords) / 2 + chunkFloat.ownerId] as number;
  }

  setOwner(place: number, ownerId: number): void {
    this.#floats[(place * unitWords) / 2 + chunkFloat.ownerId] = ownerId;
  }

  units(place: number): number {
    return this.words[place * unitWords] as number;
  }

  type(place: number): number {
    return this.words[place * unitWords + 1] as number;
  }

  /** A record became shorter and cannot give its end back. */
  leaveGap(place: number, fromUnits: number, toUnits: number): void {
    const at = (place + toUnits) * unitWords;
    this.words[at + chunkField.size] = fromUnits - toUnits;
    this.words[at + chunkField.type] = recordType.gap;
  }

  setUnits(place: number, units: number): void {
    this.words[place * unitWords] = units;
  }

  setUses(place: number, uses: number): void {
    this.words[place * unitWords + entryField.uses] = uses;
  }

  /** Into memory that nobody can reach yet, or behind what is said to be filled. */
  bytes(at: number, bytes: Uint8Array): void {
    this.#arena.set(bytes, at);
  }

  copy(from: number, to: number, units: number): void {
    this.#arena.copyWithin(to * unitBytes, from * unitBytes, (from + units) * unitBytes);
  }

  copyBytes(from: number, to: number, bytes: number): void {
    this.#arena.copyWithin(to, from, from + bytes);
  }

  /** Readers may be at the record: after all that the new value vouches for. */
  publish(place: number, field: number, value: number): void {
    Atomics.store(this.words, place * unitWords + field, value);
  }
}
