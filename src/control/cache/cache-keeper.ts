import { every, monotonicMs, sleep } from '../../base/clock.ts';
import { bustLabelCountMax, labelsPerKibibyte } from '../../base/limits.ts';
import type { EvictReason, StoreRefusedReason } from '../../memory/cache/cache-figures.ts';
import { cacheKey } from '../../memory/cache/cache-key.ts';
import type { CacheMemory } from '../../memory/cache/cache-memory.ts';
import type { CacheToControl, CacheToWorker } from '../../memory/cache/cache-messages.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import { CacheWriter } from '../../memory/cache/cache-writer.ts';
import { Epochs, readPosition } from '../../memory/cache/epochs.ts';
import { type Bust, type BustUrl, noBust, parseBustUrl } from '../../model/bust.ts';
import type { BustAnswer, CacheListing, WorkerDrop } from '../../model/cache-orders.ts';
import { BustMemory } from './bust-memory.ts';
import { CacheListings } from './cache-listings.ts';
import { type InvalidationLog, MemoryLog } from './invalidation-log.ts';
import { Postings } from './postings.ts';
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
  readonly #parts: CacheKeeperParts;
  readonly #writer: CacheWriter;
  readonly #epochs: Epochs;
  readonly #postings: Postings;
  readonly #busts: BustMemory;
  readonly #log: InvalidationLog;
  readonly #listings: CacheListings;
  /** Entries that are being filled, by worker and fetch. */
  readonly #filling = new Map<string, number>();
  #bustCount = 0;

  constructor(parts: CacheKeeperParts) {
    this.#parts = parts;
    const arenaKibibytes = parts.memory.arena.length / 1024;
    this.#postings = new Postings(Math.ceil(arenaKibibytes * labelsPerKibibyte));
    this.#writer = new CacheWriter(parts.memory, {
      onGone: (entry) => this.#postings.remove(entry),
    });
    this.#epochs = new Epochs(parts.memory);
    // What a control before this one knew of busts is lost: nothing that began under it is stored.
    const start = readPosition(parts.memory) + 1;
    this.#writer.setPosition(start);
    this.#busts = new BustMemory(bustLabelCountMax, start);
    this.#log = new MemoryLog(start, (bust, position) => this.#deliver(bust, position));
    this.#listings = new CacheListings(this.#writer, this.#postings);
    every(expireEveryMs, () =>
      this.#writer.expire(monotonicMs() - validationGraceMs, expireBudget),
    );
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
      case 'cache-stale':
        this.#writer.markStale(message.entry, monotonicMs());
        return;
      default:
        void this.#invalidate(worker, message);
    }
  }

  /** Makes entries unusable; resolves when no worker can answer with them any more. */
  async bust(bust: Bust): Promise<BustAnswer> {
    const beganMs = monotonicMs();
    const before = this.#bustCount;
    const position = await this.#log.append(bust);
    const entries = this.#bustCount - before;
    const workers = await this.#allPast(beganMs);
    return { position, entries, workers, droppedMs: monotonicMs() - beganMs };
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
    return readSnapshot(file, shapeKeys, this.#log.head, (record, body) => {
      if (this.#refusal(record) !== null) return;
      const stored = this.#writer.put(record, body);
      if (!stored.stored) return;
      for (const label of record.labels) this.#postings.add(label, stored.entryId);
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
    if (stored.stored) this.#visible(worker, fetch, stored.entryId, record);
    else this.#refused(worker, fetch, stored.reason);
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
    if (whole) this.#writer.complete(entry);
    else this.#writer.abort(entry, 'error');
  }

  #refresh(worker: number, fetch: number, entry: number, record: CacheRecord): void {
    const refusal = this.#refusal(record);
    const refreshed =
      refusal === null ? this.#writer.refresh(entry, record) : this.#writer.refuse(refusal);
    if (refreshed.stored) this.#visible(worker, fetch, refreshed.entryId, record);
    else this.#refused(worker, fetch, refreshed.reason);
  }

  async #invalidate(
    worker: number,
    { id, urls, groups }: Extract<CacheToControl, { kind: 'cache-invalidate' }>,
  ): Promise<void> {
    await this.#log.append({ ...noBust, urls, groups });
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

  /** An item of the log takes effect on this node. */
  #deliver(bust: Bust, position: number): void {
    this.#writer.setPosition(position);
    const take = (entries: Iterable<number>, reason: EvictReason): void => {
      for (const entry of entries) {
        const done = bust.soft
          ? this.#writer.markStale(entry, monotonicMs())
          : this.#writer.drop(entry, reason);
        if (done) this.#bustCount += 1;
      }
    };
    if (bust.all) {
      this.#busts.noteAll(position);
      take([...this.#writer.entries()], 'bust-all');
      return;
    }
    for (const key of bust.keys) {
      this.#busts.note(keyLabel(key), position);
      const entry = this.#writer.find(cacheKey(key));
      if (entry !== 0) take([entry], 'bust-key');
    }
    const labels: [string, EvictReason][] = [
      ...bust.tags.map((tag): [string, EvictReason] => [`t:${tag}`, 'bust-tag']),
      ...bust.groups.map((group): [string, EvictReason] => [`g:${group}`, 'bust-tag']),
      ...bust.routes.map((route): [string, EvictReason] => [`r:${route}`, 'bust-route']),
    ];
    for (const [label, reason] of labels) {
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
  }

  /**
   * When each worker had left the lookups that could still have seen what is unlinked now: in both
   * of its seats, since one that drains still answers.
   */
  async #allPast(beganMs: number): Promise<WorkerDrop[]> {
    const { workerCount, seatCount } = this.#parts;
    const epoch = this.#epochs.close();
    const droppedMs = new Array<number>(workerCount).fill(0);
    for (let seat = 0; seat < seatCount; seat++) {
      // A lookup lasts microseconds: this waits only for a worker that is in one right now.
      while (!this.#epochs.isPast(seat, epoch)) await sleep(0);
      droppedMs[seat % workerCount] = monotonicMs() - beganMs;
    }
    return droppedMs.map((ms, id) => ({ id, droppedMs: ms }));
  }
}

export function pathLabel({ host, path }: Pick<BustUrl, 'host' | 'path'>): string {
  return `p:${host}${path}`;
}

function keyLabel(key: string): string {
  return `k:${key}`;
}

function fillingKey(worker: number, fetch: number): string {
  return `${worker} ${fetch}`;
}
