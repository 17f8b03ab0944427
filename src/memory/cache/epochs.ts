import { type CacheLayout, cacheHeader, layoutOf, lineWords } from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';

/**
 * Waiting for lookups that are under way, for whoever has unlinked entries and wants to be sure
 * that nobody answers with them any more: the reasoning is that of reclaim.ts. Control only.
 */
export class Epochs {
  readonly #memory: CacheMemory;
  readonly #layout: CacheLayout;

  constructor(memory: CacheMemory) {
    this.#memory = memory;
    this.#layout = layoutOf(memory.words);
  }

  /** Begins the next epoch and returns it: who enters from now on sees what is unlinked by now. */
  close(): number {
    const { words } = this.#memory;
    const next = (Atomics.load(words, cacheHeader.epoch) + 1) | 0;
    const epoch = next === 0 ? 1 : next;
    Atomics.store(words, cacheHeader.epoch, epoch);
    return epoch;
  }

  /** Whether a worker is in no lookup that began before an epoch. */
  isPast(worker: number, epoch: number): boolean {
    const word = this.#layout.epochsAt + worker * lineWords;
    const entered = Atomics.load(this.#memory.words, word);
    return entered === 0 || ((entered - epoch) | 0) >= 0;
  }
}

/** Where the invalidation stream stands, also for a control that takes over. */
export function readPosition({ words }: CacheMemory): number {
  return Atomics.load(words, cacheHeader.position);
}
