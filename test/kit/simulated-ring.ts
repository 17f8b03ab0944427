import type { Parked } from '../../src/cluster/guarded-client.ts';
import type { RingBounds } from '../../src/cluster/ring.ts';
import type { RingItem } from '../../src/cluster/session.ts';

/** A ring as real members have it (docs/cluster.md): overwrites, clamps, and is lost without a word. */
export class SimulatedRing {
  readonly #capacity: number;
  #items: Buffer[] = [];
  /** Sequence of the first of `#items`. */
  #head = 0;
  #waiting: { from: number; countMax: number; resolve: (items: readonly RingItem[]) => void }[] =
    [];
  /** While true, every call fails, as when no member answers. */
  away = false;
  /** While true, reads are answered and writes refused, as by the smaller part of a cluster. */
  minority = false;
  /** What happens while an answer is on its way. */
  beforeAnswer: () => Promise<void> = async () => {};

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  async add(item: Uint8Array): Promise<number> {
    await this.touch();
    this.#items.push(Buffer.from(item));
    if (this.#items.length > this.#capacity) {
      this.#items.shift();
      this.#head += 1;
    }
    for (const { from, countMax, resolve } of this.#waiting.splice(0)) {
      resolve(this.#from(from, countMax));
    }
    return this.#tail;
  }

  async touch(): Promise<void> {
    this.#answer();
    if (this.minority) throw new Error('minority');
  }

  async read(from: number, countMax: number): Promise<readonly RingItem[]> {
    this.#answer();
    return this.#from(from, countMax);
  }

  park(from: number, countMax: number): Parked<readonly RingItem[]> {
    let abandon = (): void => {};
    const result = new Promise<readonly RingItem[]>((resolve, reject) => {
      abandon = () => reject(new Error('abandoned'));
      if (this.away) reject(new Error('away'));
      else if (from <= this.#tail) resolve(this.#from(from, countMax));
      else this.#waiting.push({ from, countMax, resolve });
    });
    return { result, abandon };
  }

  async bounds(): Promise<RingBounds> {
    this.#answer();
    const bounds = { head: this.#head, tail: this.#tail };
    await this.beforeAnswer();
    return bounds;
  }

  /** All members that had it died. */
  lose(): void {
    this.#items = [];
    this.#head = 0;
  }

  /** What a split leaves: the last items are others than those that were read. */
  rewriteLast(items: readonly Uint8Array[]): void {
    this.#items.splice(-items.length, items.length, ...items.map((item) => Buffer.from(item)));
  }

  get #tail(): number {
    return this.#head + this.#items.length - 1;
  }

  /** From an overwritten place it begins at the head, from one beyond the tail at what is next. */
  #from(from: number, countMax: number): RingItem[] {
    const begin = Math.min(Math.max(from, this.#head), this.#tail);
    return this.#items
      .slice(begin - this.#head, begin - this.#head + countMax)
      .map((value, index) => ({ sequence: begin + index, value }));
  }

  #answer(): void {
    if (this.away) throw new Error('away');
  }
}

/** A map of the cluster with one writer at a time. */
export class SimulatedMap {
  readonly values = new Map<string, Buffer>();
  away = false;

  async get(key: string): Promise<Buffer | null> {
    this.#answer();
    return this.values.get(key) ?? null;
  }

  async putIfAbsent(key: string, value: Uint8Array): Promise<Buffer | null> {
    this.#answer();
    const there = this.values.get(key) ?? null;
    if (there === null) this.values.set(key, Buffer.from(value));
    return there;
  }

  async replace(key: string, was: Uint8Array, value: Uint8Array): Promise<boolean> {
    this.#answer();
    if (this.values.get(key)?.equals(was) !== true) return false;
    this.values.set(key, Buffer.from(value));
    return true;
  }

  #answer(): void {
    if (this.away) throw new Error('away');
  }
}
