/**
 * Keys that small let go unused, as hashes: one that comes back soon was worth keeping, and goes
 * to main at once (S3-FIFO's ghost queue). Direct-mapped; a later key takes an earlier one's place.
 */
export class Ghosts {
  readonly #checks: Int32Array;
  readonly #turns: Float64Array;
  readonly #mask: number;
  #turn = 0;

  /** `placeCount` is a power of two. */
  constructor(placeCount: number) {
    this.#checks = new Int32Array(placeCount);
    this.#turns = new Float64Array(placeCount);
    this.#mask = placeCount - 1;
  }

  add(hash: number, check: number): void {
    this.#turn += 1;
    this.#checks[hash & this.#mask] = check;
    this.#turns[hash & this.#mask] = this.#turn;
  }

  /** Whether the key is among the last `within` that were added; it is taken out. */
  take(hash: number, check: number, within: number): boolean {
    const at = hash & this.#mask;
    if (this.#checks[at] !== check) return false;
    this.#checks[at] = 0;
    return this.#turn - (this.#turns[at] as number) < within;
  }
}
