/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A thread of a simulation: it may be held up at each `yield` and after each atomic operation. */
export type Actor = Generator<void, void, void>;

/** Ends an actor within an atomic operation of real code, as the end of its thread would. */
export class Death extends Error {}

/**
 * Runs actors in an order that the seed decides. While one of them is within an atomic operation
 * of real code, others go on: that is where threads meet.
 */
export class Interleaving {
  readonly random: () => number;
  /** What `Atomics.load` answers instead, for code that is meant to be wrong. */
  staleLoad: ((words: Int32Array, index: number) => number | undefined) | null = null;
  /** Asked after each atomic operation: true ends whoever did it, by a `Death` thrown there. */
  dies: ((actor: Actor) => boolean) | null = null;
  readonly #actors: Actor[] = [];
  readonly #running = new Set<Actor>();
  #switches = 0;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  add(actor: Actor): void {
    this.#actors.push(actor);
  }

  /** How often one actor went on while another was within real code. */
  get switches(): number {
    return this.#switches;
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random() * list.length)] as T;
  }

  run(steps: number): void {
    const { load, store, exchange, compareExchange } = Atomics;
    const meet = <T>(value: T): T => {
      const actor = [...this.#running].at(-1);
      while (this.random() < 0.3) this.#step();
      if (this.dies !== null && actor !== undefined && this.dies(actor)) throw new Death();
      return value;
    };
    const real = { load, store, exchange, compareExchange };
    const met = {
      load: (words: Int32Array, index: number) =>
        meet(this.staleLoad?.(words, index) ?? load(words, index)),
      store: (words: Int32Array, index: number, to: number) => meet(store(words, index, to)),
      exchange: (words: Int32Array, index: number, to: number) => meet(exchange(words, index, to)),
      compareExchange: (words: Int32Array, index: number, from: number, to: number) =>
        meet(compareExchange(words, index, from, to)),
    };
    Object.assign(Atomics, met);
    try {
      for (let step = 0; step < steps; step++) this.#step();
    } finally {
      Object.assign(Atomics, real);
    }
  }

  #step(): void {
    const ready = this.#actors.filter((actor) => !this.#running.has(actor));
    if (ready.length === 0) return;
    const actor = this.pick(ready);
    if (this.#running.size > 0) this.#switches += 1;
    this.#running.add(actor);
    try {
      actor.next();
    } finally {
      this.#running.delete(actor);
    }
  }
}
