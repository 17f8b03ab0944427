import { monotonicMs } from '../base/clock.ts';
import { Follower } from './follower.ts';
import type { ItemCodec, LogItem } from './log-item.ts';
import type { Ring } from './ring.ts';
import type { RingItem } from './session.ts';

/** So many of the newest items are read by who comes: a beat of each node is among them. */
const firstCount = 200;
/** Nothing came for so long, though this node's own items should: the place is asked for anew. */
const silentMsMax = 3_000;
const deadlineMs = 1_000;

/**
 * What nodes tell of themselves, each to all, in a ring of its own: an item that is lost is followed
 * by the next one, so what was overwritten or lost is not missed.
 */
export class NodesRing {
  readonly #ring: Ring;
  readonly #codec: ItemCodec;
  readonly #follower: Follower;
  #heardMs = Number.NEGATIVE_INFINITY;
  #placing = false;
  /** The last item that was there when the place was asked for; null: no place yet. */
  #tailThen: number | null = null;

  constructor(ring: Ring, codec: ItemCodec, hear: (item: LogItem) => void) {
    this.#ring = ring;
    this.#codec = codec;
    this.#follower = new Follower({
      ring,
      deliver: (items) => {
        for (const item of this.#decoded(items)) hear(item);
      },
      // The next item of this node's own asks again, should this fail.
      broken: () => void this.#place().catch(() => {}),
    });
  }

  /** Whether what nodes had told before this one came is heard. */
  get isHeard(): boolean {
    const { next } = this.#follower;
    return this.#tailThen !== null && next !== null && next > this.#tailThen;
  }

  /** Rejects when it is not sure that the item is there. */
  async tell(item: LogItem): Promise<void> {
    await this.#ring.add(this.#codec.encode(item), { deadlineMs });
    if (monotonicMs() - this.#heardMs > silentMsMax) await this.#place();
  }

  stop(): void {
    this.#follower.stop();
  }

  *#decoded(items: readonly RingItem[]): Generator<LogItem> {
    this.#heardMs = monotonicMs();
    for (const { value } of items) {
      const item = this.#codec.decode(value);
      if (typeof item !== 'string') yield item;
    }
  }

  async #place(): Promise<void> {
    if (this.#placing) return;
    this.#placing = true;
    try {
      const { head, tail } = await this.#ring.bounds({ deadlineMs });
      this.#heardMs = monotonicMs();
      this.#follower.begin(Math.max(head, tail + 1 - firstCount));
      this.#tailThen ??= tail;
    } finally {
      this.#placing = false;
    }
  }
}
