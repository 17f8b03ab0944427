import { type Ring, ringReadCountMax } from './ring.ts';
import type { RingItem } from './session.ts';

/** As many of the items that were found the same are compared again after a doubt. */
const sameCount = 64;
/** Items that wait to be compared: 1,000 a second while a silent member is given up, some 3 MB. */
const openCountMax = 10_000;

/**
 * What a node has read of the log, to be found out whether it is there. A log that its owner's death or a
 * split sets back goes on with others in the same places; a reader that goes on too would miss those.
 * So each item is read twice: what came since the last comparison is open until the next one.
 */
export class ReadItems {
  /** The newest of those that were found the same. */
  #same: readonly RingItem[] = [];
  #open: RingItem[] = [];
  #tooMany = false;

  /** `past`: nothing depends on it, so it need not be compared but as the last that was read. */
  add(item: RingItem, past: boolean): void {
    if (past) this.#same = [...this.#same, item].slice(-sameCount);
    else if (this.#open.length < openCountMax) this.#open.push(item);
    else this.#tooMany = true;
  }

  clear(): void {
    this.#same = [];
    this.#open = [];
    this.#tooMany = false;
  }

  /**
   * Whether the ring holds what was read. `doubted`: the ring may be another one than it was, so what
   * cannot be compared any more counts as different. Rejects when the ring does not answer.
   */
  async areIn(
    ring: Pick<Ring, 'read'>,
    { head, doubted, deadlineMs }: { head: number; doubted: boolean; deadlineMs: number },
  ): Promise<boolean> {
    const open = [...this.#open];
    const first = open[0] ?? this.#same.at(-1);
    if (doubted && (this.#tooMany || (first !== undefined && first.sequence < head))) return false;
    const all = [...(doubted ? this.#same : this.#same.slice(-1)), ...open];
    const there = all.filter(({ sequence }) => sequence >= head);
    for (let at = 0; at < there.length; at += ringReadCountMax) {
      const some = there.slice(at, at + ringReadCountMax);
      if (!(await holds(ring, some, deadlineMs))) return false;
    }
    this.#same = [...this.#same, ...open].slice(-sameCount);
    this.#open = this.#open.slice(open.length);
    this.#tooMany = false;
    return true;
  }
}

/** Whether these, which follow one another, are in the ring as they were read. */
async function holds(
  ring: Pick<Ring, 'read'>,
  items: readonly RingItem[],
  deadlineMs: number,
): Promise<boolean> {
  const [first] = items;
  if (first === undefined) return true;
  const read = await ring.read(first.sequence, items.length, { deadlineMs });
  const values = new Map(read.map(({ sequence, value }) => [sequence, value]));
  return items.every(({ sequence, value }) => values.get(sequence)?.equals(value) === true);
}
