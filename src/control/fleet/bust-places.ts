import { CutoverError, messageOf } from '../../base/errors.ts';
import { type LogMatter, newItemId } from '../../cluster/log-item.ts';
import type { Bust } from '../../model/bust.ts';
import type { ControlEvent } from '../../model/orders.ts';
import type { LogClock } from './log-clock.ts';
import type { Outbox } from './outbox.ts';

type BustMatter = Extract<LogMatter, { kind: 'bust' }>;

export interface BustPlacesPlan {
  readonly outbox: Outbox;
  readonly clock: LogClock;
  /** Into the log, for all nodes; resolves to its sequence. */
  readonly append: (id: string, matter: LogMatter) => Promise<number>;
  /** Resolves when this node has read up to there, or follows another history. */
  readonly hasRead: (sequence: number) => Promise<void>;
  readonly tell: (event: ControlEvent) => void;
}

/**
 * Gives the busts of this node their places in the log. One that the log cannot take waits on disk.
 * They hold on this node before that, and until it has read them in the log, what other nodes had
 * stored before they knew of them must not come back through the second level:
 *
 *   here → held → (the outbox →) the log → read here → not held any more
 */
export class BustPlaces {
  readonly #plan: BustPlacesPlan;

  constructor(plan: BustPlacesPlan) {
    this.#plan = plan;
  }

  /** Null: the log cannot take it now; it is queued, durably. */
  async place(matter: BustMatter): Promise<number | null> {
    const id = newItemId();
    const release = this.#plan.clock.hold(matter.bust);
    try {
      return await this.#append(id, matter, release);
    } catch {
      const queued = this.#plan.outbox.put({ id, bust: matter.bust });
      // What is queued holds back all.
      release();
      await queued.catch((error) => {
        throw outboxFailed(error);
      });
      return null;
    }
  }

  /** The same, where nobody waits for it. */
  invalidate(bust: Bust): void {
    void this.place({ kind: 'bust', bust, asks: false }).catch((error) => this.#unkept(error));
  }

  /** The log takes items again: those that waited for it, in their order. */
  async drain(): Promise<void> {
    const { outbox, clock, tell } = this.#plan;
    try {
      const count = await outbox.drain(async ({ id, bust }) => {
        const release = clock.hold(bust);
        // One that is not taken stays in the outbox.
        await this.#append(id, { kind: 'bust', bust, asks: false }, release).catch((error) => {
          release();
          throw error;
        });
      });
      if (count > 0) tell({ kind: 'cluster-log', what: 'delivered', count });
    } catch (error) {
      this.#unkept(error);
    }
  }

  async #append(id: string, matter: BustMatter, release: () => void): Promise<number> {
    const { append, hasRead } = this.#plan;
    const sequence = await append(id, matter);
    void hasRead(sequence).then(release);
    return sequence;
  }

  /** The disk of the outbox fails: what is queued is in memory alone. */
  #unkept(error: unknown): void {
    this.#plan.tell({ kind: 'cluster-log', what: 'unkept', problem: messageOf(error) });
  }
}

/** A bust that could neither go to the cluster nor be written down. */
function outboxFailed(cause: unknown): CutoverError {
  const message = `it holds on this node and waits for the cluster, but in memory alone: the outbox cannot be written (${messageOf(cause)}); make room in the data folder and bust again`;
  return new CutoverError('outbox-failed', message, { source: 'internal', cause });
}
