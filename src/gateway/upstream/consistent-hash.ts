/**
 * A prime well above endpoints times weight differences; each endpoint's share is within a percent
 * or so of its weight, and the table costs 8 KiB per upstream and generation.
 */
const tableSize = 4099;

/**
 * Maglev hashing (Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer",
 * 2016, section 3.4): each endpoint fills a table in the order of its own permutation, so that the
 * loss of one moves little but its own keys. Weights give more turns at the filling.
 */
export class Maglev {
  readonly #table = new Int16Array(tableSize).fill(-1);
  readonly #count: number;

  constructor(endpoints: readonly { readonly name: string; readonly weight: number }[]) {
    this.#count = endpoints.length;
    const weightMax = Math.max(1, ...endpoints.map(({ weight }) => weight));
    const rows = endpoints.map(({ name, weight }) => ({
      offset: hashText(name) % tableSize,
      skip: (hashText(`${name}#`) % (tableSize - 1)) + 1,
      next: 0,
      share: weight / weightMax,
      owed: 0,
    }));
    let filled = 0;
    while (filled < tableSize) {
      for (const [index, row] of rows.entries()) {
        row.owed += row.share;
        if (row.owed < 1) continue;
        row.owed -= 1;
        let at = (row.offset + row.next * row.skip) % tableSize;
        while ((this.#table[at] as number) >= 0) {
          row.next += 1;
          at = (row.offset + row.next * row.skip) % tableSize;
        }
        this.#table[at] = index;
        row.next += 1;
        filled += 1;
        if (filled === tableSize) break;
      }
    }
  }

  /** The endpoint of a hash, or the next usable one along the table. */
  pick(hash: number, usable: (index: number) => boolean): number {
    const start = (hash >>> 0) % tableSize;
    for (let step = 0; step < tableSize; step++) {
      const index = this.#table[(start + step) % tableSize] as number;
      if (usable(index)) return index;
    }
    for (let index = 0; index < this.#count; index++) if (usable(index)) return index;
    return 0;
  }
}

/** FNV-1a with a final mix; unsigned 32 bit. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
