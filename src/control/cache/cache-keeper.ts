import { every, monotonicMs } from '../../base/clock.ts';
import { bustLabelCountMax, labelsPerKibibyte } from '../../base/limits.ts';
import type { EvictReason, StoreRefusedReason } from '../../memory/cache/cache-figures.ts';
import { cacheKey } from '../../memory/cache/cache-key.ts';
import type { CacheMemory } from '../../memory/cache/cache-memory.ts';
import type { CacheToControl, CacheToWorker } from '../../memory/cache/cache-messages.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import { CacheWriter } from '../../memory/cache/cache-writer.ts';
import { readPosition } from '../../memory/cache/epochs.ts';
import { type Bust, noBust, parseBustUrl } from '../../model/bust.ts';
import type { CacheListing, WorkerDrop } from '../../model/cache-orders.ts';
import { keyLabel, pathLabel, plainLabels } from './bust-labels.ts';
import { BustMemory } from './bust-memory.ts';
import { CacheListings } from './cache-listings.ts';
import { PastWorkers } from './past-workers.ts';
import { Postings } from './postings.ts';
import { type OthersResponses, SecondLevelLink } from './second-level-link.ts';
import { readSnapshot, type SnapshotReport, writeSnapshot } from './snapshot.ts';

/** How often entries past all their windows are looked for, and how many are looked at. */
const expireEveryMs = 100;
const expireBudget = 500;
/** Entries past all their windows stay so long for being validated, if room lasts. */
const validationGraceMs = 10 * 60_000;
const noBytes = new Uint8Array(0);

export interface CacheKeeperParts {
  readonly memory: CacheMemory;
  readonly workerCount: number;
  /** Seats in shared memory, whose readers are waited for: `workerCount` for each turn. */
  readonly seatCount: number;
  readonly tell: (worker: number, message: CacheToWorker) => void;
  /** A client's unsafe request made these unusable; resolves when they are so here. */
  readonly invalidate: (bust: Bust) => Promise<void>;
  /** Null: the node is on its own. */
  readonly others: OthersResponses | null;
}

/** What a bust did on this node. */
export interface NodeBust {
  /** This node's own clock of busts: fetches carry it. */
  readonly position: number;
  /** Entries that were dropped or marked stale. */
  readonly entries: number;
  readonly droppedMs: number;
  readonly workers: readonly WorkerDrop[];
}

/**
 * Control's side of the cache: the one that writes. Stores what workers fetched unless it was
 * busted since, delivers busts, drops what ran out.
 *
 * A bust, in order: it gets its position, which every later fetch of a worker carries; its labels
 * are remembered against fetches that are under way; the entries are unlinked, so that no lookup
 * finds them; then it waits until no worker is inside a lookup that began before. After that no
 * answer can hold what was busted.
 */
export class CacheKeeper {
  /** What other nodes have, and get. */
  readonly secondLevel: SecondLevelLink;
  readonly #parts: CacheKeeperParts;
  readonly #writer: CacheWriter;
  readonly #pastWorkers: PastWorkers;
  readonly #postings: Postings;
  readonly #busts: BustMemory;
  readonly #listings: CacheListings;
  /** Entries that are being filled, by worker and fetch. */
  readonly #filling = new Map<string, number>();
  /** Of the last bust; only grows. */
  #position: number;

  constructor(parts: CacheKeeperParts) {
    this.#parts = parts;
    const arenaKibibytes = parts.memory.arena.length / 1024;
    this.#postings = new Postings(Math.ceil(arenaKibibytes * labelsPerKibibyte));
    this.#writer = new CacheWriter(parts.memory, {
      onGone: (entry) => this.#postings.remove(entry),
    });
    this.#pastWorkers = new PastWorkers(parts);
    // What a control before this one knew of busts is lost: nothing that began under it is stored.
    const start = readPosition(parts.memory) + 1;
    this.#writer.setPosition(start);
    this.#busts = new BustMemory(bustLabelCountMax, start);
    this.#position = start;
    this.#listings = new CacheListings(this.#writer, this.#postings);
    this.secondLevel = new SecondLevelLink({
      ...parts,
      writer: this.#writer,
      position: () => this.#position,
      take: (record, body) => this.#take(record, body),
    });
    every(expireEveryMs, () =>
      this.#writer.expire(monotonicMs() - validationGraceMs, expireBudget),
    );
  }

  /** Of the last bust: what fetches that begin now carry. */
  get position(): number {
    return this.#position;
  }

  /** A message of a worker. Never throws for what a worker or an origin sent. */
  receive(worker: number, message: CacheToControl): void {
    switch (message.kind) {
      case 'cache-store':
        this.#store(worker, message.fetch, message.record, message.body);
        return;
      case 'cache-begin':
        this.#begin(worker, message.fetch, message.record);
        return;
      case 'cache-chunk':
        this.#append(worker, message.fetch, message.bytes);
        return;
      case 'cache-end':
      case 'cache-abort':
        this.#finish(worker, message.fetch, message.kind === 'cache-end');
        return;
      case 'cache-refresh':
        this.#refresh(worker, message.fetch, message.entry, message.record);
        return;
      case 'cache-ask':
        void this.secondLevel.ask(worker, message);
        return;
      case 'cache-stale':
        this.#writer.markStale(message.entry, monotonicMs());
        return;
      default:
        void this.#invalidate(worker, message);
    }
  }

  /** Makes entries unusable; resolves when no worker can answer with them any more. */
  async bust(bust: Bust): Promise<NodeBust> {
    const beganMs = monotonicMs();
    const entries = this.deliver(bust);
    const position = this.#position;
    const workers = await this.allPast(beganMs);
    return { position, entries, workers, droppedMs: monotonicMs() - beganMs };
  }

  /**
   * Unlinks what is busted; returns how many entries. Workers that are inside a lookup may still
   * answer with them: `allPast` waits for these.
   */
  deliver(bust: Bust): number {
    this.#position += 1;
    const position = this.#position;
    this.#writer.setPosition(position);
    const nowMs = monotonicMs();
    let count = 0;
    const take = (entries: Iterable<number>, reason: EvictReason): void => {
      for (const entry of entries) {
        const done = bust.soft
          ? this.#writer.markStale(entry, nowMs)
          : this.#writer.drop(entry, reason);
        if (done) count += 1;
      }
    };
    if (bust.all) {
      this.#busts.noteAll(position);
      take([...this.#writer.entries()], 'bust-all');
      return count;
    }
    for (const key of bust.keys) {
      this.#busts.note(keyLabel(key), position);
      const entry = this.#writer.find(cacheKey(key));
      if (entry !== 0) take([entry], 'bust-key');
    }
    for (const [label, reason] of plainLabels(bust)) {
      this.#busts.note(label, position);
      take(this.#postings.entriesOf(label), reason);
    }
    for (const url of bust.urls) {
      const parsed = parseBustUrl(url);
      if (parsed === null) continue;
      const label = pathLabel(parsed);
      this.#busts.note(label, position);
      take(this.#listings.entriesOf(parsed), 'bust-url');
    }
    return count;
  }

  /** When each worker could not answer any more with what is unlinked now. */
  allPast(beganMs: number): Promise<WorkerDrop[]> {
    return this.#pastWorkers.wait(beganMs);
  }

  /** The worker's thread ended: what it was filling will not be completed. */
  lose(worker: number): void {
    for (const key of [...this.#filling.keys()]) {
      const [owner, fetch] = key.split(' ');
      if (Number(owner) === worker) this.#finish(worker, Number(fetch), false);
    }
  }

  /** Shapes that no loaded generation has any more: nobody can ask for their entries again. */
  shapesGone(shapeKeys: readonly string[]): void {
    for (const shapeKey of shapeKeys) {
      for (const entry of this.#postings.entriesOf(`s:${shapeKey}`)) {
        this.#writer.drop(entry, 'shape');
      }
    }
  }

  /** How many entries a shape of a route has; what only says how to look (a Vary) counts as one. */
  countOfShape(shapeKey: string): number {
    return this.#postings.countOf(`s:${shapeKey}`);
  }

  /** At a drained stop: what is worth having at the next start. */
  writeSnapshot(file: string): SnapshotReport {
    return writeSnapshot(file, this.#writer);
  }

  /** At the start: what the last stop left, for shapes that are in use. */
  readSnapshot(file: string, shapeKeys: ReadonlySet<string>): SnapshotReport {
    return readSnapshot(file, shapeKeys, this.#position, (record, body) => {
      this.#take(record, body);
    });
  }

  listing(url: string): CacheListing | null {
    const parsed = parseBustUrl(url);
    return parsed === null ? null : this.#listings.of(parsed, monotonicMs());
  }

  #store(worker: number, fetch: number, record: CacheRecord, body: ArrayBuffer | null): void {
    const refusal = this.#refusal(record);
    const stored =
      refusal === null
        ? this.#writer.put(record, body === null ? noBytes : new Uint8Array(body))
        : this.#writer.refuse(refusal);
    if (stored.stored) {
      this.#visible(worker, fetch, stored.entryId, record);
      this.secondLevel.offer(stored.entryId, record.position);
    } else {
      this.#refused(worker, fetch, stored.reason);
    }
    this.#taken(worker, body?.byteLength ?? 0);
  }

  #begin(worker: number, fetch: number, record: CacheRecord): void {
    const refusal = this.#refusal(record);
    const begun = refusal === null ? this.#writer.begin(record) : this.#writer.refuse(refusal);
    if (!begun.stored) {
      this.#refused(worker, fetch, begun.reason);
      return;
    }
    this.#filling.set(fillingKey(worker, fetch), begun.entryId);
    this.#visible(worker, fetch, begun.entryId, record);
  }

  #append(worker: number, fetch: number, bytes: ArrayBuffer): void {
    const entry = this.#filling.get(fillingKey(worker, fetch));
    if (entry !== undefined && !this.#writer.append(entry, new Uint8Array(bytes))) {
      this.#filling.delete(fillingKey(worker, fetch));
      this.#refused(worker, fetch, 'no-room');
    }
    this.#taken(worker, bytes.byteLength);
  }

  #finish(worker: number, fetch: number, whole: boolean): void {
    const entry = this.#filling.get(fillingKey(worker, fetch));
    if (entry === undefined) return;
    this.#filling.delete(fillingKey(worker, fetch));
    if (!whole) {
      this.#writer.abort(entry, 'error');
      return;
    }
    this.#writer.complete(entry);
    this.secondLevel.offer(entry, this.#writer.view(entry)?.position ?? 0);
  }

  #refresh(worker: number, fetch: number, entry: number, record: CacheRecord): void {
    const refusal = this.#refusal(record);
    const refreshed =
      refusal === null ? this.#writer.refresh(entry, record) : this.#writer.refuse(refusal);
    if (refreshed.stored) {
      this.#visible(worker, fetch, refreshed.entryId, record);
      this.secondLevel.offer(refreshed.entryId, record.position);
    } else {
      this.#refused(worker, fetch, refreshed.reason);
    }
  }

  /** True: lookups find it now. */
  #take(record: CacheRecord, body: Uint8Array): boolean {
    if (this.#refusal(record) !== null) return false;
    const stored = this.#writer.put(record, body);
    if (!stored.stored) return false;
    for (const label of record.labels) this.#postings.add(label, stored.entryId);
    return true;
  }

  async #invalidate(
    worker: number,
    { id, urls, groups }: Extract<CacheToControl, { kind: 'cache-invalidate' }>,
  ): Promise<void> {
    await this.#parts.invalidate({ ...noBust, urls, groups });
    this.#parts.tell(worker, { kind: 'cache-invalidated', id });
  }

  /** Null: it may be stored. */
  #refusal(record: CacheRecord): StoreRefusedReason | null {
    const { labels, position, key } = record;
    if (this.#busts.bustedSince([...labels, keyLabel(key)], position)) return 'busted-meanwhile';
    if (!this.#postings.hasRoomFor(labels.length)) return 'labels-full';
    return null;
  }

  #visible(worker: number, fetch: number, entry: number, { labels }: CacheRecord): void {
    for (const label of labels) this.#postings.add(label, entry);
    this.#parts.tell(worker, { kind: 'cache-visible', fetch });
  }

  #refused(worker: number, fetch: number, reason: string): void {
    this.#parts.tell(worker, { kind: 'cache-refused', fetch, reason });
  }

  #taken(worker: number, bytes: number): void {
    if (bytes > 0) this.#parts.tell(worker, { kind: 'cache-taken', bytes });
  }
}

function fillingKey(worker: number, fetch: number): string {
  return `${worker} ${fetch}`;
}
