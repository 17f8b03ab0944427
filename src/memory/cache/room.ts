import type { EntryCursor } from './cache-entry.ts';
import { chunkBodyBytes, chunkField, recordType, unitBytes, unitWords } from './cache-layout.ts';
import type { Catalog } from './catalog.ts';
import type { ChunkedEntries, ChunkedEntry } from './chunked-entries.ts';
import type { FiguresWriter } from './figures-writer.ts';
import type { Ghosts } from './ghosts.ts';
import { chunkUnits, type RecordWriter } from './record-writer.ts';
import { type Queue, queue, reserveCount, type Segments } from './segments.ts';

export interface RoomParts {
  readonly cursor: EntryCursor;
  readonly records: RecordWriter;
  readonly segments: Segments;
  readonly chunked: ChunkedEntries;
  readonly catalog: Catalog;
  readonly figures: FiguresWriter;
  readonly ghosts: Ghosts;
}

/**
 * What becomes of the records of a segment that is reclaimed.
 *   compact   mostly dead: what is needed moves to the end of its queue
 *   evict     the oldest of its queue: what was used moves to main, the rest is evicted
 *   purge     only what must stay moves: what is being filled, or is being refreshed just now
 */
type Pass = 'compact' | 'evict' | 'purge';

/**
 * Segments of main that may be gone through for one record, each some milliseconds, before one
 * is purged however much used: else a main that is all hot would be copied three times over.
 */
const mainPassCountMax = 8;

/** Segments reclaimed for one record to get the spare ones back; after these, the reserve will do. */
const eagerStepCount = 3;

/**
 * More segments than these are not retired while a reader is inside: it leaves in microseconds,
 * or its thread waits for a core, and then the cache would be emptied for its sake.
 */
const waitingForLeaveMax = 4;

/** Finds places for records: appends, and takes the oldest or emptiest segments back. */
export class Room {
  readonly #parts: RoomParts;
  /** An entry that stays whatever happens, while its successor is made. */
  #kept = 0;

  constructor(parts: RoomParts) {
    this.#parts = parts;
  }

  /**
   * A place for a record of so many units, or 0: no room now. Entries other than `keptId` may be
   * evicted and any may move, so places known before are to be looked up again.
   */
  allocate(to: Queue, units: number, keptId = 0): number {
    const { segments } = this.#parts;
    const place = segments.append(to, units, segments.wantedFree);
    if (place !== 0) return place;
    this.#kept = keptId;
    let mainPasses = 0;
    for (let step = 0; step < 2 * segments.segmentCount; step++) {
      const pass = mainPasses < mainPassCountMax ? 'evict' : 'purge';
      const reclaimed = this.#makeRoom(pass);
      if (reclaimed === queue.main) mainPasses += 1;
      const eager = reclaimed !== null && step < eagerStepCount;
      const found = segments.append(to, units, eager ? segments.wantedFree : reserveCount);
      if (found !== 0 || reclaimed === null) return found;
    }
    return 0;
  }

  /** Reclaims a segment if one is wanted and may be; gives its queue, or null. */
  #makeRoom(pass: Pass): Queue | null {
    const { segments, chunked } = this.#parts;
    for (const segment of segments.sweep()) chunked.segmentReused(segment);
    chunked.sweep();
    if (segments.freeCount > segments.wantedFree) return null;
    if (segments.waiting.forLeave >= waitingForLeaveMax) return null;
    const rich = segments.freeCount >= reserveCount;
    const dead = segments.mostlyDead();
    if (dead >= 0 && (rich || segments.liveIn(dead) === 0)) return this.#reclaim(dead, 'compact');
    const oldest = rich ? segments.oldest() : segments.oldest(queue.small);
    if (oldest < 0) return null;
    if (rich) return this.#reclaim(oldest, pass);
    if (!this.#mustMove(oldest)) return this.#reclaim(oldest, 'purge');
    segments.postpone(oldest);
    return queue.small;
  }

  #reclaim(segment: number, pass: Pass): Queue {
    const { segments, chunked } = this.#parts;
    const { from, to } = segments.range(segment);
    const its = segments.queueOf(from);
    for (const place of this.#recordsOf(from, to)) {
      if (this.#parts.records.type(place) === recordType.entry) this.#entry(place, its, pass);
      else this.#chunk(place, its, pass);
    }
    segments.retire(segment);
    for (const reused of segments.sweep()) chunked.segmentReused(reused);
    return its;
  }

  *#recordsOf(from: number, to: number): Generator<number, void, void> {
    const { records } = this.#parts;
    for (let place = from; place < to; ) {
      const units = records.units(place);
      if (records.type(place) !== recordType.gap) yield place;
      place += units;
    }
  }

  #entry(place: number, its: Queue, pass: Pass): void {
    const { cursor, chunked, catalog, ghosts } = this.#parts;
    const { entryId, uses, hash, check } = cursor.moveTo(place);
    const entry = chunked.get(entryId);
    const current = entry === undefined ? catalog.place(entryId) : chunked.place(entry);
    if (current !== place || (entry !== undefined && !isRecordNeeded(entry))) return;
    const stays = entry?.filling === true || entryId === this.#kept;
    const spared = stays || pass === 'compact' || (pass === 'evict' && uses > 0);
    if (spared && this.#moveEntry(place, its, pass, uses, entry)) return;
    if (entry?.filling === true) chunked.die(entry);
    if (catalog.place(entryId) !== place) return;
    catalog.unlink(place, 'capacity');
    if (its === queue.small) ghosts.add(hash, check);
  }

  /** Survivors go to main: from small with no uses, from main with one use less. */
  #moveEntry(
    place: number,
    its: Queue,
    pass: Pass,
    uses: number,
    entry: ChunkedEntry | undefined,
  ): boolean {
    const { records, segments, chunked, catalog } = this.#parts;
    const units = records.units(place);
    const to = segments.append(pass === 'compact' ? its : queue.main, units, 0);
    if (to === 0) return false;
    records.copy(place, to, units);
    if (pass !== 'compact') {
      records.setUses(to, its === queue.small ? 0 : Math.max(0, uses - 1));
    }
    if (entry !== undefined) chunked.moved(entry, to);
    catalog.moved(place, to);
    return true;
  }

  /** Stays as long as its entry does, which alone is judged by its uses. */
  #chunk(place: number, its: Queue, pass: Pass): void {
    const { records, chunked, catalog } = this.#parts;
    const entry = chunked.get(records.owner(place));
    const index = records.words[place * unitWords + chunkField.index] as number;
    if (entry === undefined || entry.chunks[index] !== place) return;
    const wanted = isRecordNeeded(entry) || chunked.lingers(entry);
    const spared = wanted && (pass !== 'purge' || this.#stays(entry));
    const to = pass === 'compact' ? its : queue.main;
    if (spared && this.#moveChunk(entry, index, place, to)) return;
    if (entry.filling) chunked.die(entry);
    if (entry.linked) catalog.unlink(chunked.place(entry), 'capacity');
    if (!spared && chunked.lingers(entry) && this.#moveChunk(entry, index, place, to)) return;
    chunked.loseChunk(entry, index);
  }

  #stays(entry: ChunkedEntry): boolean {
    return entry.filling || entry.entryId === this.#kept || this.#parts.chunked.lingers(entry);
  }

  #moveChunk(entry: ChunkedEntry, index: number, place: number, to: Queue): boolean {
    const { records, segments, chunked, figures } = this.#parts;
    const before = records.units(place);
    const used = Math.min(chunkBodyBytes, entry.filledBytes - index * chunkBodyBytes);
    const units = entry.filling ? before : chunkUnits(used);
    const moved = segments.append(to, units, 0);
    if (moved === 0) return false;
    records.copy(place, moved, units);
    records.setUnits(moved, units);
    if (entry.linked && units !== before) figures.resized((units - before) * unitBytes);
    chunked.setChunk(entry, index, moved);
    return true;
  }

  /** Whether the segment holds what cannot be evicted. */
  #mustMove(segment: number): boolean {
    const { cursor, records, chunked } = this.#parts;
    const { from, to } = this.#parts.segments.range(segment);
    for (const place of this.#recordsOf(from, to)) {
      const owned = records.type(place) === recordType.chunk;
      const id = owned ? records.owner(place) : cursor.moveTo(place).entryId;
      const entry = chunked.get(id);
      if (id === this.#kept || entry?.filling === true) return true;
      if (owned && entry !== undefined && chunked.lingers(entry)) return true;
    }
    return false;
  }
}

/** Of a body that lingers the record is not: those who hold it keep its segment. */
function isRecordNeeded(entry: ChunkedEntry): boolean {
  return entry.linked || entry.filling;
}
