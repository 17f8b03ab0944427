import {
  type EvictReason,
  evictReasons,
  figureField,
  refusedReasons,
  type StoreRefusedReason,
} from './cache-figures.ts';
import type { CacheFloats } from './cache-memory.ts';

/** Control's side of the figures: whatever becomes an entry or ceases to be one comes by here. */
export class FiguresWriter {
  readonly #floats: CacheFloats;

  constructor(floats: CacheFloats) {
    this.#floats = floats;
  }

  get present(): number {
    return this.#floats[figureField.present] as number;
  }

  /** Never given before, by no writer of this memory. */
  nextEntryId(): number {
    this.#add(figureField.lastEntryId, 1);
    return this.#floats[figureField.lastEntryId] as number;
  }

  stored(bytes: number): void {
    this.#add(figureField.stored, 1);
    this.#add(figureField.present, 1);
    this.#add(figureField.presentBytes, bytes);
  }

  evicted(reason: EvictReason, bytes: number): void {
    this.#add(figureField.evicted + evictReasons.indexOf(reason), 1);
    this.#add(figureField.present, -1);
    this.#add(figureField.presentBytes, -bytes);
  }

  /** A present entry became longer or, below 0, shorter. */
  resized(bytes: number): void {
    this.#add(figureField.presentBytes, bytes);
  }

  refused(reason: StoreRefusedReason): void {
    this.#add(figureField.refused + refusedReasons.indexOf(reason), 1);
  }

  /** What a writer before left is gone, however far it had come with counting. */
  takeOver(): void {
    let evicted = 0;
    for (let i = 0; i < evictReasons.length; i++) {
      evicted += this.#floats[figureField.evicted + i] as number;
    }
    const lost = (this.#floats[figureField.stored] as number) - evicted;
    this.#add(figureField.evicted + evictReasons.indexOf('error'), lost);
    this.#floats[figureField.present] = 0;
    this.#floats[figureField.presentBytes] = 0;
  }

  #add(at: number, amount: number): void {
    this.#floats[at] = (this.#floats[at] as number) + amount;
  }
}
