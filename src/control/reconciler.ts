import { after, monotonicMs, sleep } from '../base/clock.ts';
import { isWithdrawn, takeClaim } from '../memory/claim.ts';
import { ControlBlock } from '../memory/control-block.ts';
import { isBalanced, readLedger } from '../memory/ledger.ts';
import type { NodeMemory } from '../memory/node-memory.ts';
import type { Answer, ApplyOrder, ControlEvent, WorkerSwitch } from '../model/orders.ts';
import { shapeKeysOf } from '../model/shape-key.ts';
import { compileShape } from './compiler/compile.ts';
import { verifyShape } from './compiler/verify.ts';
import { Generations, type Loaded } from './generations.ts';
import { Identities } from './identities.ts';
import { describe, rejected, rejection, withdrawn } from './rejection.ts';
import { type Environment, readSecrets } from './secrets.ts';
import type { LinkAnswer, WorkerLink } from './worker-link.ts';

/** How often generations that were given up are looked at, while there are any. */
const sweepMs = 10;
/** How often a full set of slots is looked at, while an apply waits for one. */
const slotPollMs = 5;

/**
 * The life of an apply on a node, all of it:
 *
 *   compile → verify → stage on every worker → (all acknowledge) → publish → every worker confirms
 *   → retain the predecessor → drain → retire
 *
 * Everything that can fail, fails before publish and leaves the node as it was. One journey at a
 * time: applies and workers that join wait for each other.
 */
export class Reconciler {
  readonly #memory: NodeMemory;
  readonly #environment: Environment;
  readonly #block: ControlBlock;
  readonly #generations: Generations;
  readonly #identities: Identities;
  readonly #links = new Map<number, WorkerLink>();
  /** Workers that wait for their turn: no apply stages anything on them until they are attached. */
  readonly #joining = new Map<number, WorkerLink>();
  /** Workers that may serve, in the order in which they came to. */
  #attached: WorkerLink[] = [];
  readonly #tell: (event: ControlEvent) => void;
  readonly #onShapesGone: (shapeKeys: readonly string[]) => void;
  #journey: Promise<unknown> = Promise.resolve();
  #sweeping = false;
  /** Numbers up to this one are those of a control that died, and go with its last slot. */
  #inheritedLast: number;
  /** Workers have what is published: it is of this control, or nothing ever was. */
  readonly #published: Promise<void>;
  #onPublished: () => void = () => {};

  /** `onShapesGone`: no loaded generation has a route of these shape keys any more. */
  constructor(
    memory: NodeMemory,
    environment: Environment,
    tell: (event: ControlEvent) => void,
    onShapesGone: (shapeKeys: readonly string[]) => void = () => {},
  ) {
    this.#memory = memory;
    this.#environment = environment;
    this.#block = new ControlBlock(memory.control);
    this.#generations = new Generations(this.#block);
    this.#inheritedLast = this.#block.lastNumber();
    this.#identities = new Identities(this.#inheritedLast);
    this.#tell = tell;
    this.#onShapesGone = onShapesGone;
    this.#published = new Promise((resolve) => {
      this.#onPublished = resolve;
    });
    if (!this.#block.isPublished) this.#onPublished();
  }

  /** Brings the node to a revision. Never throws: what goes wrong is in the answer. */
  apply(order: ApplyOrder): Promise<Answer> {
    return this.#inTurn(async () => {
      try {
        return await this.#apply(order);
      } catch (error) {
        return rejection(order.id, error);
      }
    });
  }

  /** Tells a manager that is new what the one before it had been told. */
  introduce(): void {
    this.#tell({ kind: 'names', given: this.#identities.given(), dropped: [] });
  }

  /**
   * A worker is up: it attaches what is loaded. Resolves to true when it may serve: after a control
   * that died it has nothing to serve with before the first apply of this one.
   */
  async join(link: WorkerLink): Promise<boolean> {
    this.#joining.set(link.worker, link);
    if (!(await this.#inTurn(() => this.#attach(link)))) return false;
    await this.#published;
    if (this.#links.get(link.worker) !== link) return false;
    this.#attached.push(link);
    this.#tell({ kind: 'worker', worker: this.#workerOf(link.worker), state: 'attached' });
    return true;
  }

  /** A worker's thread has ended; main has cleared its pins. */
  lose(worker: number): void {
    for (const links of [this.#links, this.#joining]) {
      links.get(worker)?.lose();
      links.delete(worker);
    }
    this.#attached = this.#attached.filter((link) => link.worker !== worker);
    this.#tell({ kind: 'worker', worker: this.#workerOf(worker), state: 'lost' });
    this.#sweep();
  }

  /** The worker that attached everything last and is there still; null: there is none. */
  newestLink(): WorkerLink | null {
    return this.#attached.at(-1) ?? null;
  }

  async #apply(order: ApplyOrder): Promise<Answer> {
    const beganMs = monotonicMs();
    const since = (): number => monotonicMs() - beganMs;
    if (isWithdrawn(order.claim)) return withdrawn(order);
    const known = this.#generations.withHash(order.hash);
    let compileMs = 0;
    let loaded = known;
    if (loaded === null) {
      const slot = await this.#freeSlot(order.waitMs);
      if (slot === null) return rejected(order, 'slots-exhausted', this.#slotsMessage());
      loaded = this.#compile(order, slot);
      compileMs = since();
      const refusal = await this.#stage(order, loaded);
      if (refusal !== null) return refusal;
    }
    const stagedMs = since();
    if (!takeClaim(order.claim)) {
      if (known === null) this.#unstage(loaded);
      return withdrawn(order);
    }
    this.#generations.publish(loaded, order.revision);
    this.#onPublished();
    const workers = await this.#confirm(loaded, order, since);
    this.#sweep();
    return {
      kind: 'applied',
      id: order.id,
      generation: loaded.number,
      reused: known !== null,
      timings: { compileMs, stagedMs, switchedMs: since() },
      workers: workers.switched,
      laggards: workers.laggards,
    };
  }

  #compile(order: ApplyOrder, slot: number): Loaded {
    const { definitions, revision, hash } = order;
    const secret = readSecrets(definitions, this.#environment);
    const shapeKeys = shapeKeysOf(definitions);
    const previousShapeKeys = this.#generations.active()?.shapeKeys ?? new Map();
    const routes = definitions.routes.map(({ id }) => id);
    const upstreams = definitions.upstreams.map(({ name }) => name);
    const identities = this.#identities;
    const given = [
      ...identities.acquire('route', routes),
      ...identities.acquire('upstream', upstreams),
    ];
    this.#block.setLastNumber(identities.last);
    try {
      const bytes = compileShape(definitions, {
        revision,
        hash,
        numbering: {
          route: (id) => identities.number('route', id),
          upstream: (name) => identities.number('upstream', name),
        },
        previousShapeKeys,
        secret,
      });
      verifyShape(bytes);
      if (given.length > 0) this.#tell({ kind: 'names', given, dropped: [] });
      const number = this.#generations.nextNumber();
      return { number, slot, hash, bytes, routes, upstreams, shapeKeys };
    } catch (error) {
      identities.release('route', routes);
      identities.release('upstream', upstreams);
      throw error;
    }
  }

  /** Null: every worker has attached it. Else nobody keeps it. */
  async #stage(order: ApplyOrder, loaded: Loaded): Promise<Answer | null> {
    this.#generations.staged(loaded, order.revision);
    const links = [...this.#links.values()];
    const answers = await Promise.all(
      links.map((link) => link.stage(stageMessage(loaded, order.revision), order.waitMs)),
    );
    const failures = links.flatMap(({ worker }, index) =>
      describe(this.#workerOf(worker), answers[index] as LinkAnswer, order.waitMs),
    );
    if (failures.length === 0) return null;
    this.#unstage(loaded);
    return rejected(order, 'stage-failed', failures.join('; '));
  }

  #unstage(loaded: Loaded): void {
    const dropped = this.#forget(loaded);
    for (const link of this.#links.values()) link.retire(loaded.slot, dropped);
    this.#generations.dropped(loaded);
  }

  /** Asks every worker, and says when each confirmed. */
  async #confirm(
    loaded: Loaded,
    { revision, waitMs }: ApplyOrder,
    since: () => number,
  ): Promise<{ switched: WorkerSwitch[]; laggards: number[] }> {
    // A worker that drains beside its successor counts as one with it: the later of the two.
    const switched = new Map<number, WorkerSwitch>();
    const laggards = new Set<number>();
    await Promise.all(
      [...this.#links.values()].map(async (link) => {
        const answer = await link.switchTo(loaded.slot, revision, waitMs);
        const id = this.#workerOf(link.worker);
        if (answer.kind === 'done') switched.set(id, { id, switchedMs: since() });
        if (answer.kind === 'late') laggards.add(id);
      }),
    );
    const inOrder = [...switched.values()].sort((a, b) => a.id - b.id);
    return { switched: inOrder, laggards: [...laggards] };
  }

  async #attach(link: WorkerLink): Promise<boolean> {
    const waitMs = 30_000;
    if (this.#joining.get(link.worker) !== link) return false;
    this.#joining.delete(link.worker);
    this.#links.set(link.worker, link);
    for (const loaded of this.#generations.attachable()) {
      const revision = this.#block.revision(loaded.slot);
      const answer = await link.stage(stageMessage(loaded, revision), waitMs);
      if (answer.kind !== 'done') return false;
    }
    const active = this.#generations.active();
    if (active !== null) {
      const revision = this.#block.revision(active.slot);
      if ((await link.switchTo(active.slot, revision, waitMs)).kind !== 'done') return false;
    }
    return true;
  }

  /** Links are by seat. */
  #workerOf(seat: number): number {
    return seat % this.#memory.workerCount;
  }

  async #freeSlot(waitMs: number): Promise<number | null> {
    const untilMs = monotonicMs() + waitMs;
    for (;;) {
      const slot = this.#generations.freeSlot();
      if (slot !== null || monotonicMs() >= untilMs) return slot;
      await sleep(slotPollMs);
    }
  }

  #slotsMessage(): string {
    return (
      'exchanges still run on every loaded generation; wait for the longest of them, or see ' +
      'GET /v1/nodes for which generations are pinned'
    );
  }

  /** Retires what was given up as soon as its last exchange is done. */
  #sweep(): void {
    for (const loaded of this.#generations.retired()) this.#retire(loaded);
    this.#sweepOrphans();
    if (this.#sweeping || !this.#generations.draining) return;
    this.#sweeping = true;
    after(sweepMs, () => {
      this.#sweeping = false;
      this.#sweep();
    });
  }

  #sweepOrphans(): void {
    const freed = this.#generations.freeOrphans();
    if (freed.length === 0) return;
    const last = this.#generations.hasOrphans ? 0 : this.#inheritedLast;
    const dropped = Array.from({ length: last }, (_, index) => index + 1);
    for (const link of this.#links.values()) {
      for (const [index, slot] of freed.entries()) link.retire(slot, index === 0 ? dropped : []);
    }
    if (last === 0) return;
    this.#inheritedLast = 0;
    this.#tell({ kind: 'names', given: [], dropped });
  }

  #retire(loaded: Loaded): void {
    const { ledgers, seatCount } = this.#memory;
    const ledger = readLedger(ledgers, seatCount, loaded.slot, loaded.number);
    const revision = this.#block.revision(loaded.slot);
    const dropped = this.#forget(loaded);
    for (const link of this.#links.values()) link.retire(loaded.slot, dropped);
    this.#generations.free(loaded);
    void this.#dropShapes([...loaded.shapeKeys.values()]);
    this.#tell({
      kind: 'retired',
      generation: loaded.number,
      revision,
      ledger,
      balanced: isBalanced(ledger),
    });
  }

  /**
   * Lets go of what the cache holds for shapes that went with a generation. What its last exchanges
   * sent to be stored stands in the queues of the ports by now: a turn later it is stored, too.
   */
  async #dropShapes(shapeKeys: readonly string[]): Promise<void> {
    await sleep(0);
    const loaded = this.#generations.shapeKeys();
    const gone = shapeKeys.filter((shapeKey) => !loaded.has(shapeKey));
    if (gone.length > 0) this.#onShapesGone(gone);
  }

  #forget(loaded: Loaded): number[] {
    const dropped = [
      ...this.#identities.release('route', loaded.routes),
      ...this.#identities.release('upstream', loaded.upstreams),
    ];
    if (dropped.length > 0) this.#tell({ kind: 'names', given: [], dropped });
    return dropped;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#journey.then(work);
    this.#journey = turn.catch(() => undefined);
    return turn;
  }
}

function stageMessage(
  { slot, number, bytes }: Loaded,
  revision: number,
): Parameters<WorkerLink['stage']>[0] {
  return { kind: 'stage', slot, generation: number, revision, bytes };
}
