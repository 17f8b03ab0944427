import type { WorkerSwitch } from '../model/orders.ts';
import type { LinkAnswer, WorkerLink } from './worker-link.ts';

type StageMessage = Parameters<WorkerLink['stage']>[0];

/** The node's workers as control knows them, by seat: asked all at once, each with a deadline. */
export class WorkerSet {
  readonly #workerCount: number;
  readonly #links = new Map<number, WorkerLink>();
  /** Workers that wait for their turn: nothing is staged on them until they are attached. */
  readonly #joining = new Map<number, WorkerLink>();
  /** Workers that may serve, in the order in which they came to. */
  #attached: WorkerLink[] = [];

  constructor(workerCount: number) {
    this.#workerCount = workerCount;
  }

  awaitTurn(link: WorkerLink): void {
    this.#joining.set(link.worker, link);
  }

  /** From now on it is asked like the others. False: it died before its turn came. */
  admit(link: WorkerLink): boolean {
    if (this.#joining.get(link.worker) !== link) return false;
    this.#joining.delete(link.worker);
    this.#links.set(link.worker, link);
    return true;
  }

  /** It has attached everything. False: it died meanwhile. */
  attached(link: WorkerLink): boolean {
    if (this.#links.get(link.worker) !== link) return false;
    this.#attached.push(link);
    return true;
  }

  /** The worker that attached everything last and is there still; null: there is none. */
  newest(): WorkerLink | null {
    return this.#attached.at(-1) ?? null;
  }

  lose(seat: number): void {
    for (const links of [this.#links, this.#joining]) {
      links.get(seat)?.lose();
      links.delete(seat);
    }
    this.#attached = this.#attached.filter((link) => link.worker !== seat);
  }

  /** Empty: every worker has attached it. Else what each of the others says. */
  async stage(message: StageMessage, waitMs: number): Promise<string[]> {
    const links = [...this.#links.values()];
    const answers = await Promise.all(links.map((link) => link.stage(message, waitMs)));
    return links.flatMap(({ worker }, index) =>
      describe(this.workerOf(worker), answers[index] as LinkAnswer, waitMs),
    );
  }

  /** Asks every worker whether it uses the slot, and says when each confirmed. */
  async confirm(
    slot: number,
    revision: number,
    { waitMs, since }: { readonly waitMs: number; readonly since: () => number },
  ): Promise<{ switched: WorkerSwitch[]; laggards: number[] }> {
    // A worker that drains beside its successor counts as one with it: the later of the two.
    const switched = new Map<number, WorkerSwitch>();
    const laggards = new Set<number>();
    await Promise.all(
      [...this.#links.values()].map(async (link) => {
        const answer = await link.switchTo(slot, revision, waitMs);
        const id = this.workerOf(link.worker);
        if (answer.kind === 'done') switched.set(id, { id, switchedMs: since() });
        if (answer.kind === 'late') laggards.add(id);
      }),
    );
    const inOrder = [...switched.values()].sort((a, b) => a.id - b.id);
    return { switched: inOrder, laggards: [...laggards] };
  }

  retire(slot: number, dropped: readonly number[]): void {
    for (const link of this.#links.values()) link.retire(slot, dropped);
  }

  /** Links are by seat. */
  workerOf(seat: number): number {
    return seat % this.#workerCount;
  }
}

/** A lost worker does not stop an apply: it attaches everything when it is back. */
function describe(worker: number, answer: LinkAnswer, waitMs: number): string[] {
  if (answer.kind === 'failed') return [`worker ${worker}: ${answer.error}`];
  if (answer.kind === 'late') return [`worker ${worker} did not attach within ${waitMs} ms`];
  return [];
}
