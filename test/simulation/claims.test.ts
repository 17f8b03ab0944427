// Goal: no key has two claims, no claim or lock outlives its worker. Method: real claims in few
// buckets, workers that are held up or end after any atomic operation, in an order that a seed
// decides.
import { expect, test } from 'vitest';
import type { CacheKey } from '../../src/memory/cache/cache-key.ts';
import {
  claimBucketCount,
  claimBucketWords,
  layoutOf,
} from '../../src/memory/cache/cache-layout.ts';
import { clearDeadCacheReader, createCacheMemory } from '../../src/memory/cache/cache-memory.ts';
import { type ClaimOutcome, Claims } from '../../src/memory/cache/claims.ts';
import { type Actor, Death, Interleaving } from '../kit/interleaving.ts';

const workerCount = 4;
/** Twelve keys in two buckets of seven claims. */
const keys: readonly CacheKey[] = Array.from({ length: 12 }, (_, index) => ({
  text: `key-${index}`,
  hash: index % 2,
  check: (index + 1) * 77_777,
}));

class Simulation {
  readonly order: Interleaving;
  readonly faults: string[] = [];
  readonly counts = { taken: 0, busy: 0, none: 0, released: 0, deaths: 0 };
  readonly #memory = createCacheMemory(4 * 1024 * 1024, workerCount);
  readonly #holders = new Map<string, number>();
  readonly #mortal = new Set<Actor>();
  readonly #looksAgain: boolean;

  constructor(seed: number, looksAgain: boolean) {
    this.#looksAgain = looksAgain;
    this.order = new Interleaving(seed);
    this.order.dies = (actor) => this.#mortal.has(actor) && this.order.random() < 0.002;
    for (let worker = 0; worker < workerCount; worker++) {
      const actor: Actor = this.#work(worker, () => actor);
      this.order.add(actor);
    }
  }

  *#work(worker: number, self: () => Actor): Actor {
    let claims = new Claims(this.#memory, worker, 3);
    let mine: CacheKey[] = [];
    for (; ; yield) {
      this.#mortal.add(self());
      try {
        if (mine.length > 0 && this.order.random() < 0.4) this.#release(claims, mine);
        else this.#take(claims, mine, worker);
      } catch (thrown) {
        if (!(thrown instanceof Death)) throw thrown;
        this.counts.deaths += 1;
        this.#mortal.delete(self());
        for (let i = this.order.random() * 10; i > 0; i--) yield;
        for (const [text, holder] of this.#holders) {
          if (holder === worker) this.#holders.delete(text);
        }
        clearDeadCacheReader(this.#memory, worker);
        if (this.wordsOf(worker) > 0) this.faults.push(`dead worker ${worker} left words`);
        claims = new Claims(this.#memory, worker, 3);
        mine = [];
      }
    }
  }

  #take(claims: Claims, mine: CacheKey[], worker: number): void {
    const key = this.order.pick(keys);
    const outcome = this.#takeOf(claims, key);
    this.counts[outcome] += 1;
    if (outcome !== 'taken') return;
    const other = this.#holders.get(key.text);
    if (other !== undefined) this.faults.push(`${key.text} has claims of ${other} and ${worker}`);
    this.#holders.set(key.text, worker);
    mine.push(key);
  }

  /** Takes that run while this one is held up see what they see. */
  #takeOf(claims: Claims, key: CacheKey): ClaimOutcome {
    if (this.#looksAgain) return claims.take(key);
    const outer = this.order.staleLoad;
    this.#lookOnce();
    try {
      return claims.take(key);
    } finally {
      this.order.staleLoad = outer;
    }
  }

  #release(claims: Claims, mine: CacheKey[]): void {
    const key = mine.shift() as CacheKey;
    const holder = claims.holder(key);
    if (holder !== this.#holders.get(key.text)) {
      this.faults.push(`${key.text} is held by ${holder}`);
    }
    this.#holders.delete(key.text);
    claims.release(key);
    this.counts.released += 1;
  }

  /** Words that name a worker, or any when none is given. */
  wordsOf(worker?: number): number {
    const { claimsAt } = layoutOf(this.#memory.words);
    const end = claimsAt + claimBucketCount * claimBucketWords;
    let count = 0;
    for (let at = claimsAt; at < end; at++) {
      const word = this.#memory.words[at] as number;
      if (word === 0) continue;
      const isLock = (at - claimsAt) % claimBucketWords === 0;
      const names = (isLock ? word : word >>> 24) - 1;
      if (worker === undefined || names === worker) count += 1;
    }
    return count;
  }

  /** Ends all workers where they are, which must leave nothing at all. */
  endAll(): void {
    for (let worker = 0; worker < workerCount; worker++) {
      clearDeadCacheReader(this.#memory, worker);
    }
    if (this.wordsOf() > 0) this.faults.push('words are left when all workers have ended');
  }

  /** What a worker saw before it had the lock, it sees again when it has it. */
  #lookOnce(): void {
    const seen = new Map<number, number>();
    const { words } = this.#memory;
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
  try {
    simulation.order.run(40);
  } catch (thrown) {
    // Who releases a claim that another one took over fails in its own right.
    if (looksAgain) throw thrown;
  }
  return simulation;
}

test.each([1, 2])('a key has one claim at most, and none of the dead, part %i', (part) => {
  const total = { taken: 0, busy: 0, none: 0, released: 0, deaths: 0 };
  for (let seed = part * 1000; seed < part * 1000 + 15; seed++) {
    const simulation = simulate(seed);
    simulation.endAll();
    expect(simulation.faults, `seed ${seed}`).toEqual([]);
    for (const key of Object.keys(total) as (keyof typeof total)[]) {
      total[key] += simulation.counts[key];
    }
  }
  for (const count of Object.values(total)) expect(count).toBeGreaterThan(20);
});

test('a worker that did not look again under the lock would be found out', () => {
  const faults: string[] = [];
  for (let seed = 1; seed < 30 && faults.length === 0; seed++) {
    faults.push(...simulate(seed, false).faults.filter((fault) => fault.includes('has claims of')));
  }
  expect(faults.length).toBeGreaterThan(0);
});
