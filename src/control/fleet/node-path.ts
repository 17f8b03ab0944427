import { CutoverError } from '../../base/errors.ts';
import type { Bust } from '../../model/bust.ts';
import type { BustAnswer } from '../../model/cache-orders.ts';
import type { FleetAsk, FleetTold } from '../../model/fleet.ts';
import type { CacheKeeper } from '../cache/cache-keeper.ts';

/** How busts and applies go: through one node, or through all of a cluster. */
export interface NodePath {
  /** Makes entries unusable; resolves when no worker can answer with them any more. */
  bust(bust: Bust): Promise<BustAnswer>;
  /** A client made them unusable; resolves when they are so on this node. */
  invalidate(bust: Bust): Promise<void>;
  /** What an apply asks of the other nodes. */
  ask(ask: FleetAsk): Promise<FleetTold>;
  /** It has begun to serve. */
  serves(): void;
  /** Others need not wait for this node any more. */
  leave(): Promise<void>;
}

/** The cluster of one node, whose log is its own clock. */
export class LoneNode implements NodePath {
  readonly #nodeId: string;
  readonly #keeper: CacheKeeper | null;

  constructor(nodeId: string, keeper: CacheKeeper | null) {
    this.#nodeId = nodeId;
    this.#keeper = keeper;
  }

  async bust(bust: Bust): Promise<BustAnswer> {
    if (this.#keeper === null) throw cacheOff();
    const { position, entries, workers, droppedMs } = await this.#keeper.bust(bust);
    const nodes = [{ id: this.#nodeId, workers, droppedMs }];
    return { position, entries, droppedMs, nodes, late: [], queued: false };
  }

  async invalidate(bust: Bust): Promise<void> {
    this.#keeper?.deliver(bust);
  }

  /** The manager of a node on its own asks nothing. */
  async ask(): Promise<FleetTold> {
    return { told: 'done' };
  }

  serves(): void {}

  async leave(): Promise<void> {}
}

export function cacheOff(): CutoverError {
  const message = 'this node has no cache: its setting cache.memory is 0';
  return new CutoverError('cache-off', message, { source: 'operator' });
}
