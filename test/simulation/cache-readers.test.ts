// Goal: readers never see a torn or reused record, nor one that was gone before they entered,
// whatever the writer does, and whoever dies wherever. Method: the real cache, with threads that
// are held up or end after any atomic operation, in thousands of orders that a seed decides.
import { expect, test } from 'vitest';
import { readCacheFigures } from '../../src/memory/cache/cache-figures.ts';
import type { EntryHold } from '../../src/memory/cache/cache-hold.ts';
import { cacheKey } from '../../src/memory/cache/cache-key.ts';
import { type CacheWords, layoutOf } from '../../src/memory/cache/cache-layout.ts';
import { clearDeadCacheReader, createCacheMemory } from '../../src/memory/cache/cache-memory.ts';
import { CacheReader } from '../../src/memory/cache/cache-reader.ts';
import { CacheWriter } from '../../src/memory/cache/cache-writer.ts';
import {
  cacheRecord,
  countEntries,
  evictedOf,
  isPatterned,
  pattern,
  patterned,
} from '../kit/cached.ts';
import { type Actor, Death, Interleaving } from '../kit/interleaving.ts';

const readerCount = 3;
const keys = Array.from({ length: 40 }, (_, index) => `key-${index}`);
const arenaBytes = 4 * 1024 * 1024;

/** What is done wrong on purpose. */
type Mistake = 'none' | 'no epoch check' | 'no hold check' | 'holds from before the epochs';

interface Held {
  readonly hold: EntryHold;
  readonly text: string;
  readonly entryId: number;
  /** Deaths of writers before it joined. */
  readonly reign: number;
}

class Simulation {
  readonly order: Interleaving;
  readonly faults: string[] = [];
  readonly #whole = new Set<number>();
  readonly #lost: number[] = [];
  readonly counts = { found: 0, held: 0, filled: 0, stored: 0, readerDeaths: 0, writerDeaths: 0 };
  readonly #memory = createCacheMemory(arenaBytes, readerCount);
  #writer = this.#newWriter();
  /** By key: versions below it were gone by the time this was set. */
  readonly #floors = new Map<string, number>();
  readonly #versionOf = new Map<number, { key: string; version: number }>();
  #version = 0;
  #fills: { id: number; key: string; version: number; filled: number }[] = [];
  /** The actor that ends at its next atomic operation, if chance has it. */
  readonly #mortal = new Set<Actor>();

  constructor(seed: number, mistake: Mistake) {
    this.order = new Interleaving(seed);
    this.order.staleLoad = staleLoad(this.#memory.words, mistake);
    const writer: Actor = this.#write(() => writer);
    // A writer lives long enough to go around the arena.
    const deathShare = (actor: Actor) => (actor === writer ? 0.0002 : 0.001);
    this.order.dies = (actor) => this.#mortal.has(actor) && this.order.random() < deathShare(actor);
    this.order.add(writer);
    for (let worker = 0; worker < readerCount; worker++) {
      const reader: Actor = this.#read(worker, () => reader);
      this.order.add(reader);
    }
  }

  #newWriter(): CacheWriter {
    return new CacheWriter(this.#memory, { onGone: (id) => this.#gone(id) });
  }

  *#write(self: () => Actor): Actor {
    for (; ; yield) {
      this.#mortal.add(self());
      try {
        this.#change();
        if (this.order.random() < 0.1) this.#figuresAgree();
      } catch (thrown) {
        if (!(thrown instanceof Death)) throw thrown;
        this.counts.writerDeaths += 1;
        this.#fills = [];
        this.#mortal.delete(self());
        yield;
        this.#writer = this.#newWriter();
        for (const key of keys) this.#floors.set(key, this.#version + 1);
      }
    }
  }

  #change(): void {
    const { order } = this;
    const chance = order.random();
    const key = order.pick(keys);
    const id = this.#writer.find(cacheKey(key));
    if (chance < 0.5) this.#put(key);
    else if (chance < 0.8) this.#fill(key);
    else if (chance < 0.88 && id !== 0) this.#refresh(key, id);
    else if (chance < 0.95 && id !== 0) this.#writer.drop(id, 'bust-key');
    else this.#writer.expire(0, 5);
  }

  #put(key: string): void {
    const version = this.#next();
    const bytes = this.order.pick([300, 30_000, 60_000, 60_000, 150_000]);
    const result = this.#writer.put(recordOf(key, version), patterned(key, version, bytes));
    if (result.stored) this.#came(key, version, result.entryId);
  }

  #fill(key: string): void {
    const fill = this.#fills.length > 3 || this.order.random() < 0.8 ? this.#fills[0] : undefined;
    if (fill === undefined) {
      const version = this.#next();
      const result = this.#writer.begin(recordOf(key, version), 400_000);
      if (!result.stored) return;
      this.#came(key, version, result.entryId);
      this.#fills.push({ id: result.entryId, key, version, filled: 0 });
      return;
    }
    this.#fills.shift();
    const to = fill.filled + 40_000;
    const piece = patterned(fill.key, fill.version, to).subarray(fill.filled);
    const chance = this.order.random();
    if (chance < 0.1) this.#writer.abort(fill.id, 'error');
    else if (to > 300_000) this.#complete(fill.id);
    else if (this.#writer.append(fill.id, piece)) this.#fills.push({ ...fill, filled: to });
  }

  #complete(id: number): void {
    if (!this.#writer.complete(id)) return;
    this.counts.filled += 1;
    this.#whole.add(id);
  }

  /** Bodies that were filled to their end, and of which a reader that joined does not get it. */
  get lost(): number[] {
    return this.#lost.filter((id) => this.#whole.has(id));
  }

  /** The body stays that of the version that brought it, which the last modified text names. */
  #refresh(key: string, id: number): void {
    const before = this.#writer.view(id);
    if (before === null || before.state !== 'live') return;
    const lastModified = before.lastModified;
    const version = this.#next();
    const result = this.#writer.refresh(id, cacheRecord(key, version, { lastModified }));
    if (result.stored) this.#came(key, version, result.entryId);
  }

  #next(): number {
    this.#version += 1;
    this.counts.stored += 1;
    return this.#version;
  }

  #came(key: string, version: number, entryId: number): void {
    this.#versionOf.set(entryId, { key, version });
    this.#floors.set(key, Math.max(this.#floors.get(key) ?? 0, version));
  }

  #gone(entryId: number): void {
    const known = this.#versionOf.get(entryId);
    if (known === undefined) return;
    const { key, version } = known;
    this.#floors.set(key, Math.max(this.#floors.get(key) ?? 0, version + 1));
  }

  #figuresAgree(): void {
    const figures = readCacheFigures(this.#memory);
    const counted = countEntries(this.#writer);
    if (figures.stored - evictedOf(figures) !== figures.present) this.faults.push('a lost entry');
    if (figures.present !== counted.present) this.faults.push('the count of entries differs');
    if (figures.presentBytes !== counted.presentBytes) this.faults.push('their bytes differ');
  }

  *#read(worker: number, self: () => Actor): Actor {
    let reader = new CacheReader(this.#memory, worker);
    let held: Held[] = [];
    for (; ; yield) {
      this.#mortal.add(self());
      try {
        yield* this.#lookUp(reader, held);
        yield* this.#readOn(reader, held);
      } catch (thrown) {
        if (!(thrown instanceof Death)) throw thrown;
        this.counts.readerDeaths += 1;
        this.#mortal.delete(self());
        held = [];
        for (let i = this.order.random() * 40; i > 0; i--) yield;
        clearDeadCacheReader(this.#memory, worker);
        reader = new CacheReader(this.#memory, worker);
      }
    }
  }

  *#lookUp(reader: CacheReader, held: Held[]): Actor {
    const key = this.order.pick(keys);
    const floor = this.#floors.get(key) ?? 0;
    reader.enter();
    if (this.order.random() < 0.3) yield;
    if (reader.find(cacheKey(key))) {
      const { entry } = reader;
      const version = Number(entry.etag.slice(1, -1));
      if (version < floor) this.faults.push(`${key} ${version} was gone by ${floor}`);
      const head = cacheRecord(key, version).head;
      for (let look = 0; look < 3; look++) {
        if (entry.headText() !== head) this.faults.push(`${key} ${version} has another head`);
        if (entry.key() !== key) this.faults.push(`${key} ${version} has another key`);
        this.#pieces(entry.bodyPieces(), 0, bodyText(key, entry.lastModified));
        yield;
      }
      this.counts.found += 1;
      if (held.length < 2 && this.order.random() < 0.3) {
        const { entryId, lastModified } = entry;
        const reign = this.counts.writerDeaths;
        held.push({ hold: reader.hold(), text: bodyText(key, lastModified), entryId, reign });
      }
    }
    reader.leave();
  }

  *#readOn(reader: CacheReader, held: Held[]): Actor {
    for (let at = held.length - 1; at >= 0; at--) {
      const { hold, text, entryId, reign } = held[at] as Held;
      if (this.order.random() < 0.3) {
        reader.enter();
        hold.refresh();
        reader.leave();
        const ended = hold.state === 'dead' && this.counts.writerDeaths === reign;
        if (ended) this.#lost.push(entryId);
      }
      for (let read = 0; read < hold.filledBytes; ) {
        const piece = hold.read(read);
        this.#pieces([piece], read, text);
        read += piece.length;
        if (this.order.random() < 0.2) yield;
      }
      this.counts.held += 1;
      if (this.order.random() < 0.2) {
        hold.release();
        held.splice(at, 1);
      }
      yield;
    }
  }

  #pieces(pieces: readonly Uint8Array[], from: number, text: string): void {
    let at = from;
    for (const piece of pieces) {
      if (!isPatterned(piece, at, text)) this.faults.push(`other bytes than ${text} from ${at}`);
      at += piece.length;
    }
  }
}

/** Last modified names the version that brought the body, also after a refresh. */
function recordOf(key: string, version: number) {
  return cacheRecord(key, version, { lastModified: `${version}` });
}

function bodyText(key: string, lastModified: string): string {
  return pattern(key, Number(lastModified));
}

/** Makes the writer see no reader inside, or no hold, or the holds of its look before. */
function staleLoad(words: CacheWords, mistake: Mistake): Interleaving['staleLoad'] {
  const { epochsAt, holdsAt, holdsStride } = layoutOf(words);
  const holdsEnd = holdsAt + readerCount * holdsStride;
  let now = words.slice(holdsAt, holdsEnd);
  let before = now;
  return (from, index) => {
    if (from !== words || index < epochsAt || index >= holdsEnd) return undefined;
    const isEpoch = index < holdsAt;
    if (mistake === 'no epoch check' && isEpoch) return 0;
    if (mistake === 'no hold check' && !isEpoch) return 0;
    if (mistake === 'holds from before the epochs') {
      if (!isEpoch) return before[index - holdsAt];
      if (index !== epochsAt) return undefined;
      before = now;
      now = words.slice(holdsAt, holdsEnd);
    }
    return undefined;
  };
}

function simulate(seed: number, mistake: Mistake, steps: number): Simulation {
  const simulation = new Simulation(seed, mistake);
  try {
    simulation.order.run(steps);
  } catch (thrown) {
    // What is read where a record was leads anywhere, which is a fault as well.
    if (mistake === 'none') throw thrown;
    simulation.faults.push(String(thrown));
  }
  return simulation;
}

test.each([1, 2, 3, 4])('readers see whole entries that are not gone, part %i', (part) => {
  const total = { found: 0, held: 0, filled: 0, stored: 0, readerDeaths: 0, writerDeaths: 0 };
  let switches = 0;
  for (let seed = part * 1000; seed < part * 1000 + 40; seed++) {
    const { faults, lost, counts, order } = simulate(seed, 'none', 300);
    expect(faults, `seed ${seed}`).toEqual([]);
    expect(lost, `seed ${seed}`).toEqual([]);
    for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
    switches += order.switches;
  }
  for (const count of Object.values(total)) expect(count).toBeGreaterThan(10);
  expect(switches).toBeGreaterThan(10_000);
});

test.each<Mistake>(['no epoch check', 'no hold check', 'holds from before the epochs'])(
  'with %s, readers would be found to see what they must not',
  (mistake) => {
    let found: readonly string[] = [];
    for (let seed = 1; seed < 60 && found.length === 0; seed++) {
      found = simulate(seed, mistake, 600).faults;
    }
    expect(found.length).toBeGreaterThan(0);
  },
);
