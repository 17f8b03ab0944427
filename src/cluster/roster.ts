import { after, cancel, every, monotonicMs, type Timer } from '../base/clock.ts';
import { nodeForgottenMs, nodeLiveMs } from '../base/limits.ts';
import type { HeardNode, NodeBeat } from '../model/fleet.ts';
import type { LogItem } from './log-item.ts';

/** How often it is looked whether somebody who is waited for has died. */
const lookMs = 100;

interface Heard {
  readonly boot: string;
  readonly beat: NodeBeat;
  readonly heardMs: number;
}

/** What a wait for other nodes came to. */
export interface Waited<T> {
  /** By node: what it told, and when. */
  readonly done: ReadonlyMap<string, { readonly told: T; readonly afterMs: number }>;
  /** Live nodes that had not told when the time was up. */
  readonly late: readonly string[];
}

/**
 * The other nodes, by what they tell of themselves. Time is this node's own, from when it heard:
 * clocks of nodes are never compared.
 */
export class Roster {
  readonly #self: string;
  readonly #heard = new Map<string, Heard>();
  readonly #waits = new Set<() => void>();
  /** When anything was heard last, also of this node itself: who hears nothing cannot tell who is dead. */
  #lastMs = Number.NEGATIVE_INFINITY;
  readonly #looking: Timer;

  constructor(self: string) {
    this.#self = self;
    this.#looking = every(lookMs, () => this.look());
  }

  hear({ node, boot, matter }: LogItem): void {
    this.#lastMs = monotonicMs();
    if (matter.kind === 'beat' && node !== this.#self) {
      if (matter.beat.leaving) this.#heard.delete(node);
      else this.#heard.set(node, { boot, beat: matter.beat, heardMs: this.#lastMs });
    }
    for (const [id, { heardMs }] of this.#heard) {
      if (this.#lastMs - heardMs > nodeForgottenMs) this.#heard.delete(id);
    }
    this.look();
  }

  /** All that were heard within the last hour and did not leave. */
  nodes(): HeardNode[] {
    const nowMs = monotonicMs();
    return [...this.#heard]
      .map(([id, { beat, heardMs }]) => {
        const silentMs = nowMs - heardMs;
        return { id, ...beat, silentMs, live: this.#lastMs - heardMs < nodeLiveMs };
      })
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  live(): HeardNode[] {
    return this.nodes().filter(({ live }) => live);
  }

  /**
   * Waits until every other live node has told something. One that dies meanwhile, or leaves, is
   * not waited for; one that comes is.
   *
   * `told`: what it told; undefined: not yet. `among`: only these are waited for.
   */
  all<T>(
    waitMs: number,
    told: (node: HeardNode) => T | undefined,
    among: (id: string) => boolean = () => true,
  ): Promise<Waited<T>> {
    const beganMs = monotonicMs();
    const done = new Map<string, { told: T; afterMs: number }>();
    return new Promise((resolve) => {
      const look = (late: boolean): void => {
        const open = this.live().filter((node) => {
          if (done.has(node.id) || !among(node.id)) return false;
          const what = told(node);
          if (what === undefined) return true;
          done.set(node.id, { told: what, afterMs: monotonicMs() - beganMs });
          return false;
        });
        if (open.length > 0 && !late) return;
        cancel(timer);
        this.#waits.delete(wait);
        resolve({ done, late: open.map(({ id }) => id) });
      };
      const wait = (): void => look(false);
      const timer = after(waitMs, () => look(true));
      this.#waits.add(wait);
      wait();
    });
  }

  /** Waits for something of this node's own; false: the time was up. */
  until(waitMs: number, done: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (came: boolean): void => {
        cancel(timer);
        this.#waits.delete(wait);
        resolve(came);
      };
      const wait = (): void => {
        if (done()) end(true);
      };
      const timer = after(waitMs, () => end(done()));
      this.#waits.add(wait);
      wait();
    });
  }

  /** Something was told that somebody may wait for. */
  look(): void {
    for (const wait of [...this.#waits]) wait();
  }

  stop(): void {
    cancel(this.#looking);
  }
}
