// Goal: however workers meet in the table of rate limits, a key has one slot and its limit holds to the
// last request, and one that dies leaves no lock. Method: real limiters, held up or ended after any
// atomic operation in an order that a seed decides.
import { expect, test } from 'vitest';
import { LimitHash } from '../../src/memory/rate-limits/limit-hash.ts';
import {
  clearDeadLimitLocks,
  createRateLimits,
  locksAt,
  setOf,
  slotAt,
  slotField,
  slotsAt,
  slotWays,
} from '../../src/memory/rate-limits/limit-layout.ts';
import { readRateLimitFigures } from '../../src/memory/rate-limits/limit-watch.ts';
import { RateLimiter } from '../../src/memory/rate-limits/rate-limiter.ts';
import { type Actor, Death, Interleaving } from '../kit/interleaving.ts';

const workerCount = 3;
const limit = 20;
const wallMs = 1_000_000_000;
const terms = { identityLow: 7, identityHigh: 8, limit, windowMs: 1000 };
const seed = Buffer.from('0123456789abcdef', 'hex');

/** Texts whose keys lie in one set, which they make. */
function textsOfOneSet(count: number): { set: number; texts: string[] } {
  const hash = new LimitHash(createRateLimits(seed));
  hash.digest(7, 8, 't0');
  const set = setOf(hash.high);
  const texts: string[] = [];
  for (let i = 0; texts.length < count; i++) {
    hash.digest(7, 8, `t${i}`);
    if (setOf(hash.high) === set) texts.push(`t${i}`);
  }
  return { set, texts };
}
const many = textsOfOneSet(7);

class Simulation {
  readonly order: Interleaving;
  readonly admitted = new Map<string, number>();
  readonly words = createRateLimits(seed);
  deaths = 0;
  readonly #texts: readonly string[];
  readonly #mortal = new Set<Actor>();
  readonly #looksAgain: boolean;

  constructor(seedOfOrder: number, texts: readonly string[], dies: boolean, looksAgain = true) {
    this.#texts = texts;
    this.#looksAgain = looksAgain;
    this.order = new Interleaving(seedOfOrder);
    if (dies) {
      this.order.dies = (actor) => this.#mortal.has(actor) && this.order.random() < 0.005;
    }
    for (let worker = 0; worker < workerCount; worker++) {
      const actor: Actor = this.#work(worker, () => actor);
      this.order.add(actor);
    }
  }

  *#work(worker: number, self: () => Actor): Actor {
    const limiter = new RateLimiter(this.words, worker, 4);
    for (; ; yield) {
      this.#mortal.add(self());
      const text = this.order.pick(this.#texts);
      try {
        if (this.#take(limiter, text) === 0) {
          this.admitted.set(text, (this.admitted.get(text) ?? 0) + 1);
        }
      } catch (thrown) {
        if (!(thrown instanceof Death)) throw thrown;
        this.deaths += 1;
        this.#mortal.delete(self());
        for (let i = this.order.random() * 10; i > 0; i--) yield;
        clearDeadLimitLocks(this.words, worker);
      }
    }
  }

  /** Without looking again: what key a slot has, a worker sees once. */
  #take(limiter: RateLimiter, text: string): number {
    if (this.#looksAgain) return limiter.take(terms, text, wallMs, 0);
    const outer = this.order.staleLoad;
    const seen = new Map<number, number>();
    this.order.staleLoad = (words, index) => {
      if (words !== this.words || index < slotsAt || (index - slotsAt) % 8 > 1) return undefined;
      const known = seen.get(index);
      seen.set(index, known ?? (words[index] as number));
      return known;
    };
    try {
      return limiter.take(terms, text, wallMs, 0);
    } finally {
      this.order.staleLoad = outer;
    }
  }

  get total(): number {
    return [...this.admitted.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Let through, as workers gave up early here. */
  get uncounted(): number {
    return readRateLimitFigures(this.words, wallMs).uncounted;
  }

  /** Keys of the set, free slots left out. */
  keys(): string[] {
    return Array.from({ length: slotWays }, (_, way) => slotAt(many.set * slotWays + way))
      .map((at) => [this.words[at + slotField.keyLow], this.words[at + slotField.keyHigh]])
      .filter(([low]) => low !== 0)
      .map((key) => key.join(' '));
  }
}

test('as many are admitted as the limit says, to the last one', () => {
  let switches = 0;
  for (let one = 1; one < 25; one++) {
    const texts = many.texts.slice(0, slotWays);
    const simulation = new Simulation(one, texts, false);
    simulation.order.run(25);
    switches += simulation.order.switches;
    const counted = simulation.total - simulation.uncounted;
    expect(counted, `seed ${one}`).toBe(limit * texts.length);
    expect(new Set(simulation.keys()).size).toBe(slotWays);
  }
  expect(switches).toBeGreaterThan(1000);
});

test('a set with more keys than slots has each once, and a dead worker leaves no lock', () => {
  let deaths = 0;
  for (let one = 100; one < 125; one++) {
    const simulation = new Simulation(one, many.texts, true);
    simulation.order.run(25);
    deaths += simulation.deaths;
    for (let worker = 0; worker < workerCount; worker++) {
      clearDeadLimitLocks(simulation.words, worker);
    }
    expect(simulation.words[locksAt + many.set], `seed ${one}`).toBe(0);
    const keys = simulation.keys();
    expect(new Set(keys).size, `seed ${one}`).toBe(keys.length);
  }
  expect(deaths).toBeGreaterThan(20);
});

test('a worker that did not look again under the lock would be found out', () => {
  let found = 0;
  for (let one = 1; one < 25; one++) {
    const simulation = new Simulation(one, many.texts.slice(0, 1), false, false);
    simulation.order.run(15);
    const keys = simulation.keys();
    if (simulation.total - simulation.uncounted > limit || new Set(keys).size < keys.length)
      found += 1;
  }
  expect(found).toBeGreaterThan(0);
});
