import type { ChunkedEntry } from './chunked-entries.ts';
import type { Segments } from './segments.ts';

/**
 * Whole bodies of entries that nobody finds any more. A reader that joined one while it was filled
 * sees what came since at its next refresh only, which a slow client may put off for long; so the
 * chunks stay where they can be looked up until nobody holds a record of it.
 */
export class Lingering {
  /** With the epoch at which it was found last; the oldest first. */
  readonly #since = new Map<ChunkedEntry, number>();
  readonly #segments: Segments;
  #bytes = 0;

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  get bytes(): number {
    return this.#bytes;
  }

  has(entry: ChunkedEntry): boolean {
    return this.#since.has(entry);
  }

  /** False: nobody can be reading it. */
  add(entry: ChunkedEntry): boolean {
    const { epoch } = this.#segments;
    if (!this.#segments.isReachable(entry.copies, epoch)) return false;
    this.#since.set(entry, epoch);
    this.#bytes += entry.filledBytes;
    return true;
  }

  /** False: it did not linger. */
  delete(entry: ChunkedEntry): boolean {
    if (!this.#since.delete(entry)) return false;
    this.#bytes -= entry.filledBytes;
    return true;
  }

  /** Takes out the oldest ones until so many bytes are left at most. */
  takeOver(bytesMax: number): ChunkedEntry[] {
    const taken: ChunkedEntry[] = [];
    for (const entry of this.#since.keys()) {
      if (this.#bytes <= bytesMax) break;
      this.delete(entry);
      taken.push(entry);
    }
    return taken;
  }

  /** Takes out those that nobody can be reading by now. */
  takeLeft(): ChunkedEntry[] {
    const taken: ChunkedEntry[] = [];
    for (const [entry, epoch] of this.#since) {
      if (this.#segments.isReachable(entry.copies, epoch)) continue;
      this.delete(entry);
      taken.push(entry);
    }
    return taken;
  }
}
