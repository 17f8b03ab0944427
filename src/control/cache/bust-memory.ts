import { labelHash } from './postings.ts';

/**
 * Remembers at which position each label was busted last, for responses that were being fetched at
 * that time: what began before is not stored. Bounded: of the oldest labels only the position is
 * kept, as a floor below which nothing is stored.
 */
export class BustMemory {
  readonly #last = new Map<number, number>();
  readonly #labelCountMax: number;
  #floor: number;

  /** `floor`: fetches that began before it are not stored. */
  constructor(labelCountMax: number, floor: number) {
    this.#labelCountMax = labelCountMax;
    this.#floor = floor;
  }

  note(label: string, position: number): void {
    const hash = labelHash(label);
    // Deleted first, so that the map's order is that of the positions.
    this.#last.delete(hash);
    this.#last.set(hash, position);
    if (this.#last.size <= this.#labelCountMax) return;
    const [oldest] = this.#last;
    if (oldest === undefined) return;
    this.#last.delete(oldest[0]);
    this.#floor = Math.max(this.#floor, oldest[1]);
  }

  noteAll(position: number): void {
    this.#last.clear();
    this.#floor = position;
  }

  /** Whether a label was busted after `position`, where the fetch began. */
  bustedSince(labels: readonly string[], position: number): boolean {
    if (position < this.#floor) return true;
    return labels.some((label) => (this.#last.get(labelHash(label)) ?? 0) > position);
  }
}
