import { assert } from '../../base/assert.ts';
import { cacheKey } from '../../memory/cache/cache-key.ts';

/** Places for nodes at the start; doubled as they are used, up to the limit. */
const firstCapacity = 1024;
const none = -1;

/**
 * Which entries have which label (a tag, a path, a route), for busts: two linked lists through one
 * pool of nodes, so that both "all entries of a label" and "all labels of an entry" cost what they
 * hold. Labels are kept as 53 bit hashes: two that collide are busted together, which costs a
 * fetch and never a wrong answer.
 */
export class Postings {
  readonly #nodeCountMax: number;
  readonly #byLabel = new Map<number, number>();
  readonly #byEntry = new Map<number, number>();
  #labels = new Float64Array(firstCapacity);
  #entries = new Float64Array(firstCapacity);
  #nextOfLabel = new Int32Array(firstCapacity);
  #previousOfLabel = new Int32Array(firstCapacity);
  #nextOfEntry = new Int32Array(firstCapacity);
  #free = none;
  #used = 0;
  #count = 0;

  constructor(nodeCountMax: number) {
    this.#nodeCountMax = nodeCountMax;
  }

  /** Nodes in use: one per label of an entry. */
  get count(): number {
    return this.#count;
  }

  get labelCount(): number {
    return this.#byLabel.size;
  }

  /** Whether so many labels more find a place. */
  hasRoomFor(labelCount: number): boolean {
    return this.#count + labelCount <= this.#nodeCountMax;
  }

  add(label: string, entry: number): void {
    const node = this.#take();
    const hash = labelHash(label);
    const head = this.#byLabel.get(hash) ?? none;
    this.#labels[node] = hash;
    this.#entries[node] = entry;
    this.#nextOfLabel[node] = head;
    this.#previousOfLabel[node] = none;
    if (head !== none) this.#previousOfLabel[head] = node;
    this.#byLabel.set(hash, node);
    this.#nextOfEntry[node] = this.#byEntry.get(entry) ?? none;
    this.#byEntry.set(entry, node);
  }

  /** A copy, so that entries may be removed while it is walked. */
  entriesOf(label: string): number[] {
    const found: number[] = [];
    let node = this.#byLabel.get(labelHash(label)) ?? none;
    while (node !== none) {
      found.push(this.#entries[node] as number);
      node = this.#nextOfLabel[node] as number;
    }
    return found;
  }

  countOf(label: string): number {
    let count = 0;
    let node = this.#byLabel.get(labelHash(label)) ?? none;
    while (node !== none) {
      count += 1;
      node = this.#nextOfLabel[node] as number;
    }
    return count;
  }

  /** Takes all labels from an entry. */
  remove(entry: number): void {
    let node = this.#byEntry.get(entry) ?? none;
    this.#byEntry.delete(entry);
    while (node !== none) {
      const next = this.#nextOfEntry[node] as number;
      this.#unlink(node);
      this.#nextOfEntry[node] = this.#free;
      this.#free = node;
      this.#count -= 1;
      node = next;
    }
  }

  #unlink(node: number): void {
    const previous = this.#previousOfLabel[node] as number;
    const next = this.#nextOfLabel[node] as number;
    if (next !== none) this.#previousOfLabel[next] = previous;
    if (previous !== none) this.#nextOfLabel[previous] = next;
    else if (next !== none) this.#byLabel.set(this.#labels[node] as number, next);
    else this.#byLabel.delete(this.#labels[node] as number);
  }

  #take(): number {
    assert(this.#count < this.#nodeCountMax, 'callers ask for room before they add');
    this.#count += 1;
    if (this.#free !== none) {
      const node = this.#free;
      this.#free = this.#nextOfEntry[node] as number;
      return node;
    }
    if (this.#used === this.#labels.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const capacity = Math.min(this.#nodeCountMax, this.#labels.length * 2);
    const float = (from: Float64Array): Float64Array<ArrayBuffer> => {
      const grown = new Float64Array(capacity);
      grown.set(from);
      return grown;
    };
    const int = (from: Int32Array): Int32Array<ArrayBuffer> => {
      const grown = new Int32Array(capacity);
      grown.set(from);
      return grown;
    };
    this.#labels = float(this.#labels);
    this.#entries = float(this.#entries);
    this.#nextOfLabel = int(this.#nextOfLabel);
    this.#previousOfLabel = int(this.#previousOfLabel);
    this.#nextOfEntry = int(this.#nextOfEntry);
  }
}

/** 53 bits of the two hashes of a text. */
export function labelHash(label: string): number {
  const { hash, check } = cacheKey(label);
  return (hash >>> 0) * 0x20_0000 + (check >>> 11);
}
