// Goal: no slot is freed while an exchange runs on it, and no exchange sees a slot that was used
// again. Method: real pins and real slots, with threads that are held up after any atomic
// operation, in thousands of orders that a seed decides.
import { expect, test } from 'vitest';
import { Generations, type Loaded } from '../../src/control/generations.ts';
import {
  ControlBlock,
  createControlBlock,
  noSlot,
  slotState,
  WorkerWords,
} from '../../src/memory/control-block.ts';
import type { ShapeBytes } from '../../src/memory/shape.ts';
import { type Actor, Interleaving } from '../kit/interleaving.ts';

const bytes = new Uint8Array(new SharedArrayBuffer(8)) as ShapeBytes;
const workerCount = 3;

type Message = {
  readonly kind: 'stage' | 'retire';
  readonly slot: number;
  readonly number: number;
};

class SimulatedWorker {
  readonly index: number;
  words: WorkerWords;
  alive = true;
  /** Within real code, where other threads may go on. */
  busy = false;
  readonly inbox: Message[] = [];
  /** The generation that it has attached, by slot. */
  readonly attached = new Map<number, number>();
  readonly exchanges: { readonly slot: number; readonly number: number }[] = [];
  /** That of its last exchange. */
  revision = 0;

  constructor(words: WorkerWords, index: number) {
    this.words = words;
    this.index = index;
  }
}

class Simulation {
  readonly order: Interleaving;
  readonly faults: string[] = [];
  readonly counts = { exchanges: 0, freed: 0, published: 0, deaths: 0, rollbacks: 0 };
  readonly #words = createControlBlock(workerCount);
  readonly #block = new ControlBlock(this.#words);
  readonly #generations = new Generations(this.#block);
  readonly #workers = Array.from(
    { length: workerCount },
    (_, index) => new SimulatedWorker(new WorkerWords(this.#words, index), index),
  );
  readonly #hashes: string[] = [];
  readonly #looksAgain: boolean;

  constructor(seed: number, looksAgain = true) {
    this.order = new Interleaving(seed);
    this.#looksAgain = looksAgain;
    this.order.add(this.#control());
    for (const worker of this.#workers) this.order.add(this.#work(worker));
  }

  *#control(): Actor {
    for (let revision = 1; ; revision++) {
      yield* this.#apply(revision);
      if (this.order.random() < 0.1) yield* this.#replaceWorker();
      for (const loaded of this.#generations.retired()) {
        this.#tell({ kind: 'retire', slot: loaded.slot, number: loaded.number });
        yield;
        this.#generations.free(loaded);
        this.counts.freed += 1;
        this.#noExchangeOn(loaded.slot);
        yield;
      }
    }
  }

  *#apply(revision: number): Actor {
    const known = this.#generations.withHash(this.order.pick(['', ...this.#hashes.slice(-4)]));
    let loaded: Loaded | null = known;
    if (loaded === null) {
      const slot = this.#generations.freeSlot();
      yield;
      if (slot === null) return;
      const hash = `hash ${revision}`;
      loaded = {
        number: this.#generations.nextNumber(),
        slot,
        hash,
        bytes,
        routes: [],
        upstreams: [],
        shapeKeys: new Map(),
      };
      this.#generations.staged(loaded, revision);
      this.#tell({ kind: 'stage', slot, number: loaded.number });
      while (this.#workers.some(({ inbox }) => inbox.length > 0)) yield;
      if (this.order.random() < 0.1) {
        this.#tell({ kind: 'retire', slot, number: loaded.number });
        this.#generations.dropped(loaded);
        this.#noExchangeOn(slot);
        return;
      }
      this.#hashes.push(hash);
    } else this.counts.rollbacks += 1;
    yield;
    this.#generations.publish(loaded, revision);
    this.counts.published += 1;
    yield;
  }

  /** A thread ends wherever it is between two exchanges; the next one attaches what is loaded. */
  *#replaceWorker(): Actor {
    const worker = this.order.pick(this.#workers);
    while (worker.busy || worker.inbox.length > 0) yield;
    worker.alive = false;
    yield;
    const running = worker.exchanges.length;
    worker.exchanges.length = 0;
    worker.attached.clear();
    const lost = this.#block.clearDeadWorker(worker.index).reduce((sum, count) => sum + count, 0);
    if (lost !== running) this.faults.push(`${lost} pins were lost with ${running} exchanges`);
    worker.words = new WorkerWords(this.#words, worker.index);
    for (const { slot, number } of this.#generations.attachable()) {
      worker.attached.set(slot, number);
      yield;
    }
    worker.alive = true;
    this.counts.deaths += 1;
  }

  *#work(worker: SimulatedWorker): Actor {
    for (; ; yield) {
      if (!worker.alive) continue;
      worker.busy = true;
      const message = worker.inbox[0];
      if (message !== undefined && this.order.random() < 0.5) {
        if (message.kind === 'stage') worker.attached.set(message.slot, message.number);
        else worker.attached.delete(message.slot);
        worker.inbox.shift();
      } else if (worker.exchanges.length > 0 && this.order.random() < 0.5) {
        this.#finish(worker);
      } else {
        this.#begin(worker);
      }
      worker.busy = false;
    }
  }

  #begin(worker: SimulatedWorker): void {
    if (!this.#looksAgain) this.#lookOnce();
    const slot = worker.words.pin();
    this.order.staleLoad = null;
    if (slot === noSlot) return;
    const { pinnedRevision } = worker.words;
    if (pinnedRevision < worker.revision) {
      this.faults.push(`revision ${pinnedRevision} came after ${worker.revision}`);
    }
    worker.revision = pinnedRevision;
    const number = worker.attached.get(slot) ?? 0;
    worker.exchanges.push({ slot, number });
    this.counts.exchanges += 1;
    if (number === 0) this.faults.push(`slot ${slot} was pinned and is not attached`);
    this.#stillThere(slot, number);
  }

  #finish(worker: SimulatedWorker): void {
    const at = Math.floor(this.order.random() * worker.exchanges.length);
    const { slot, number } = worker.exchanges[at] as { slot: number; number: number };
    if (worker.attached.get(slot) !== number) this.faults.push(`slot ${slot} was let go in use`);
    this.#stillThere(slot, number);
    worker.exchanges.splice(at, 1);
    worker.words.unpin(slot);
  }

  #stillThere(slot: number, number: number): void {
    const there = this.#block.generation(slot);
    if (there !== number) this.faults.push(`slot ${slot} holds ${there}, pinned for ${number}`);
    if (this.#block.slotState(slot) === slotState.free) this.faults.push(`slot ${slot} is free`);
  }

  #noExchangeOn(slot: number): void {
    for (const { exchanges } of this.#workers) {
      if (exchanges.some((one) => one.slot === slot)) this.faults.push(`slot ${slot} freed in use`);
    }
  }

  #tell(message: Message): void {
    for (const { inbox } of this.#workers) inbox.push(message);
  }

  /** Each word is read once, so the second look at `active` sees what the first saw. */
  #lookOnce(): void {
    const seen = new Map<number, number>();
    const words = this.#words;
    this.order.staleLoad = (from, index) => {
      if (from !== words) return undefined;
      const known = seen.get(index);
      seen.set(index, known ?? (words[index] as number));
      return known;
    };
  }
}

function simulate(seed: number, looksAgain = true): Simulation {
  const simulation = new Simulation(seed, looksAgain);
  simulation.order.run(600);
  return simulation;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'no slot is freed or used again under an exchange, part %i',
  (part) => {
    const total = { exchanges: 0, freed: 0, published: 0, deaths: 0, rollbacks: 0 };
    let switches = 0;
    for (let seed = part * 1000; seed < part * 1000 + 60; seed++) {
      const { faults, counts, order } = simulate(seed);
      expect(faults, `seed ${seed}`).toEqual([]);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += counts[key];
      switches += order.switches;
    }
    expect(Object.values(total).every((count) => count > 50)).toBe(true);
    expect(switches).toBeGreaterThan(10_000);
  },
);

test('a worker that did not look again would be found out', () => {
  const found = Array.from({ length: 60 }, (_, seed) => simulate(seed, false).faults.length > 0);
  expect(found).toContain(true);
});
