import type { Bust } from '../../model/bust.ts';

/** One place in the order of all busts; the clock of the cache. Starts at 1 and only grows. */
export type Position = number;

/**
 * The order in which busts happen, the same for every node. The embedded one below is that of a
 * node alone; a cluster has one for all its nodes.
 */
export interface InvalidationLog {
  /** The position of the last item. */
  readonly head: Position;
  /** Resolves when the item has its place and was delivered on this node. */
  append(bust: Bust): Promise<Position>;
}

export type DeliverBust = (bust: Bust, position: Position) => void;

/** The log of one node: an item is delivered as it is appended. */
export class MemoryLog implements InvalidationLog {
  #head: Position;
  readonly #deliver: DeliverBust;

  constructor(head: Position, deliver: DeliverBust) {
    this.#head = head;
    this.#deliver = deliver;
  }

  get head(): Position {
    return this.#head;
  }

  async append(bust: Bust): Promise<Position> {
    this.#head += 1;
    this.#deliver(bust, this.#head);
    return this.#head;
  }
}
