import { sleep } from '../base/clock.ts';
import type { Parked } from './guarded-client.ts';
import { type Ring, ringReadCountMax } from './ring.ts';
import type { RingItem } from './session.ts';

/** After a read that failed; shorter ones took 3.4 % of a core with the cluster away. */
const retryMs = 250;
/** While it has no place to read from. */
const idleMs = 50;

export interface FollowerParts {
  readonly ring: Pick<Ring, 'park'>;
  /** The items that follow those before, in order. */
  readonly deliver: (items: readonly RingItem[]) => void;
  /** What was read does not follow what was read before; nothing is read until `begin`. */
  readonly broken: (first: number) => void;
}

/**
 * Follows a ring by its own position, one parked read at a time. It tells when what it reads does not
 * follow; what to do then, and that a ring which is silent is a ring that works, is for its owner.
 */
export class Follower {
  readonly #parts: FollowerParts;
  #next: number | null = null;
  #parked: Parked<readonly RingItem[]> | null = null;
  #halted = false;
  #stopped = false;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
    void this.#follow();
  }

  /** The sequence that follows what was delivered; null: it has no place yet. */
  get next(): number | null {
    return this.#next;
  }

  /** Goes on from another place. */
  begin(next: number): void {
    this.#next = next;
    this.#halted = false;
    this.nudge();
  }

  /** Gives up a read that does not come back, and asks again. */
  nudge(): void {
    this.#parked?.abandon();
  }

  stop(): void {
    this.#stopped = true;
    this.nudge();
  }

  async #follow(): Promise<void> {
    while (!this.#stopped) {
      const next = this.#halted ? null : this.#next;
      const items = next === null ? null : await this.#read(next);
      if (next === null || items === null) await sleep(next === null ? idleMs : retryMs);
      else if (this.#next === next) this.#take(next, items);
    }
  }

  /** Null: it failed, or was given up. */
  async #read(next: number): Promise<readonly RingItem[] | null> {
    this.#parked = this.#parts.ring.park(next, ringReadCountMax);
    try {
      return await this.#parked.result;
    } catch {
      // The client counts it, and the owner's probe finds out what is the matter.
      return this.#next === next ? null : [];
    } finally {
      this.#parked = null;
    }
  }

  #take(next: number, items: readonly RingItem[]): void {
    const [first] = items;
    const last = items.at(-1);
    if (first === undefined || last === undefined) return;
    if (first.sequence !== next) {
      this.#halted = true;
      this.#parts.broken(first.sequence);
      return;
    }
    this.#next = last.sequence + 1;
    this.#parts.deliver(items);
  }
}
