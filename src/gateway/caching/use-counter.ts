import type { CacheKey } from '../../memory/cache/cache-key.ts';

/** Keys that are counted at a time: 64 Ki of two words are 512 KiB per worker. */
const placeCount = 1 << 16;

/**
 * How often keys were missed, for `min-uses`: a table in which a key that comes later takes the
 * place of another with the same low bits of its hash. What is displaced starts over, which only
 * delays its being stored. Counts are per worker.
 */
export class UseCounter {
  readonly #checks = new Int32Array(placeCount);
  readonly #counts = new Uint16Array(placeCount);

  /** How many were counted. */
  countOf({ hash, check }: CacheKey): number {
    const at = hash & (placeCount - 1);
    return this.#checks[at] === (check | 0) ? (this.#counts[at] as number) : 0;
  }

  /** Counts one miss of a key and returns how many there were. */
  count({ hash, check }: CacheKey): number {
    const at = hash & (placeCount - 1);
    if (this.#checks[at] !== (check | 0)) {
      this.#checks[at] = check | 0;
      this.#counts[at] = 0;
    }
    const count = Math.min(0xffff, (this.#counts[at] as number) + 1);
    this.#counts[at] = count;
    return count;
  }
}
