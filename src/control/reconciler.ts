import { after, monotonicMs, sleep } from '../base/clock.ts';
import type { Environment } from '../base/secret-text.ts';
import { takeClaim } from '../memory/claim.ts';
import { ControlBlock } from '../memory/control-block.ts';
import { isBalanced, type LedgerCounts, readLedger } from '../memory/ledger.ts';
import type { NodeMemory } from '../memory/node-memory.ts';
import type { Answer, ControlEvent, PublishOrder, StageOrder } from '../model/orders.ts';
import { shapeKeysOf } from '../model/shape-key.ts';
import { compileShape } from './compiler/compile.ts';
import { verifyShape } from './compiler/verify.ts';
import { Generations, type Loaded, stageMessage } from './generations.ts';
import { Identities } from './identities.ts';
import { rejected, rejection } from './rejection.ts';
import { readSecrets } from './secrets.ts';
import type { WorkerLink } from './worker-link.ts';
import { WorkerSet } from './worker-set.ts';

/** How often generations that were given up are looked at, while there are any. */
const sweepMs = 10;
/** How often a full set of slots is looked at, while an apply waits for one. */
const slotPollMs = 5;
const attachMsMax = 30_000;

/** A generation that every worker has attached and that waits for the word to go live. */
interface Prepared {
  readonly loaded: Loaded;
  readonly revision: number;
  /** True: it was loaded already, and stays so when this comes to nothing. */
  readonly reused: boolean;
  readonly beganMs: number;
  readonly compileMs: number;
  readonly stagedMs: number;
}

/**
 * The life of an apply on a node, in two orders:
 *
 *   stage      compile → verify → stage on every worker → (all acknowledge)
 *   publish    publish → every worker confirms → retain the predecessor → drain → retire
 *
 * Everything that can fail, fails in the first and leaves the node as it was. What was staged last
 * waits for its `publish`, and goes when it is abandoned or another one is staged. One order at a
 * time: stages, publishes and workers that join wait for each other.
 */
export class Reconciler {
  readonly #memory: NodeMemory;
  readonly #environment: Environment;
  readonly #block: ControlBlock;
  readonly #generations: Generations;
  readonly #identities: Identities;
  readonly #workers: WorkerSet;
  readonly #tell: (event: ControlEvent) => void;
  readonly #onShapesGone: (shapeKeys: readonly string[]) => void;
  #prepared: Prepared | null = null;
  /** Workers have what is published: it is of this control, or nothing ever was. */
  readonly #published: Promise<void>;
  #onPublished: () => void = () => {};
  #journey: Promise<unknown> = Promise.resolve();
  #sweeping = false;
  /** Numbers up to this one are those of a control that died, and go with its last slot. */
  #inheritedLast: number;

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
    this.#workers = new WorkerSet(memory.workerCount);
    this.#tell = tell;
    this.#onShapesGone = onShapesGone;
    this.#published = new Promise((resolve) => {
      this.#onPublished = resolve;
    });
    if (!this.#block.isPublished) this.#onPublished();
  }

  /** Readies a revision on every worker. Never throws: what goes wrong is in the answer. */
  stage(order: StageOrder): Promise<Answer> {
    return this.#answerInTurn(order.id, () => this.#stage(order));
  }

  /** Makes the revision that was staged the active one. Never throws. */
  publish(order: PublishOrder): Promise<Answer> {
    return this.#answerInTurn(order.id, () => this.#publish(order));
  }

  /** The revision that was staged, or is about to be, will not go live. */
  abandon(revision: number): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#prepared?.revision === revision) this.#abandon();
    });
  }

  /** Tells a manager that is new what the one before it had been told. What that had staged goes. */
  introduce(): void {
    this.#tell({ kind: 'names', given: this.#identities.given(), dropped: [] });
    void this.#inTurn(async () => this.#abandon());
  }

  /**
   * A worker is up: it attaches what is loaded. Resolves to true when it may serve: after a control
   * that died it has nothing to serve with before the first apply of this one.
   */
  async join(link: WorkerLink): Promise<boolean> {
    this.#workers.awaitTurn(link);
    if (!(await this.#inTurn(() => this.#attach(link)))) return false;
    await this.#published;
    if (!this.#workers.attached(link)) return false;
    const worker = this.#workers.workerOf(link.worker);
    this.#tell({ kind: 'worker', worker, state: 'attached' });
    return true;
  }

  /** A worker's thread has ended; main has cleared its pins. */
  lose(seat: number): void {
    this.#workers.lose(seat);
    this.#tell({ kind: 'worker', worker: this.#workers.workerOf(seat), state: 'lost' });
    this.#sweep();
  }

  /** The worker that attached everything last and is there still; null: there is none. */
  newestLink(): WorkerLink | null {
    return this.#workers.newest();
  }

  /** The generation that most exchanges begin on; null: nothing was applied yet. */
  active(): (Pick<Loaded, 'hash' | 'shapeKeys'> & { readonly revision: number }) | null {
    const active = this.#generations.active();
    return active === null ? null : { ...active, revision: this.#block.revision(active.slot) };
  }

  async #stage(order: StageOrder): Promise<Answer> {
    const { id, revision, waitMs } = order;
    const beganMs = monotonicMs();
    this.#abandon();
    let loaded = this.#generations.withHash(order.hash);
    const reused = loaded !== null;
    let compileMs = 0;
    if (loaded === null) {
      const slot = await this.#freeSlot(waitMs);
      if (slot === null) return rejected(id, 'slots-exhausted', slotsMessage);
      loaded = this.#compile(order, slot);
      compileMs = monotonicMs() - beganMs;
      this.#generations.staged(loaded, revision);
      const failures = await this.#workers.stage(stageMessage(loaded), waitMs);
      if (failures.length > 0) {
        this.#unstage(loaded);
        return rejected(id, 'stage-failed', failures.join('; '));
      }
    }
    const stagedMs = monotonicMs() - beganMs;
    this.#prepared = { loaded, revision, reused, beganMs, compileMs, stagedMs };
    return { kind: 'staged', id, generation: loaded.number };
  }

  async #publish({ id, revision, claim, waitMs }: PublishOrder): Promise<Answer> {
    const prepared = this.#prepared;
    if (prepared?.revision !== revision) {
      const message = `revision ${revision} is not staged here any more; apply it again`;
      return rejected(id, 'control-lost', message);
    }
    if (!takeClaim(claim)) {
      this.#abandon();
      return rejected(id, 'control-silent', 'the apply was given up before the node switched');
    }
    this.#prepared = null;
    const { loaded, reused, compileMs, stagedMs } = prepared;
    const since = (): number => monotonicMs() - prepared.beganMs;
    if (reused) this.#tellReuse(loaded, revision);
    this.#generations.publish(loaded, revision);
    this.#onPublished();
    const { switched, laggards } = await this.#workers.confirm(loaded.slot, revision, {
      waitMs,
      since,
    });
    this.#sweep();
    return {
      kind: 'applied',
      id,
      generation: loaded.number,
      reused,
      timings: { compileMs, stagedMs, switchedMs: since() },
      workers: switched,
      laggards,
    };
  }

  /** What was staged last and is not live goes. */
  #abandon(): void {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared !== null && !prepared.reused) this.#unstage(prepared.loaded);
  }

  #compile(order: StageOrder, slot: number): Loaded {
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

  #unstage(loaded: Loaded): void {
    this.#workers.retire(loaded.slot, this.#forget(loaded));
    this.#generations.dropped(loaded);
  }

  async #attach(link: WorkerLink): Promise<boolean> {
    if (!this.#workers.admit(link)) return false;
    for (const loaded of this.#generations.attachable()) {
      const answer = await link.stage(stageMessage(loaded), attachMsMax);
      if (answer.kind !== 'done') return false;
    }
    const active = this.#generations.active();
    if (active !== null) {
      const revision = this.#block.revision(active.slot);
      const answer = await link.switchTo(active.slot, revision, attachMsMax);
      if (answer.kind !== 'done') return false;
    }
    return true;
  }

  async #freeSlot(waitMs: number): Promise<number | null> {
    const untilMs = monotonicMs() + waitMs;
    for (;;) {
      const slot = this.#generations.freeSlot();
      if (slot !== null || monotonicMs() >= untilMs) return slot;
      await sleep(slotPollMs);
    }
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
    for (const [index, slot] of freed.entries()) {
      this.#workers.retire(slot, index === 0 ? dropped : []);
    }
    if (last === 0) return;
    this.#inheritedLast = 0;
    this.#tell({ kind: 'names', given: [], dropped });
  }

  #ledgerOf({ slot, number }: Loaded): LedgerCounts {
    return readLedger(this.#memory.ledgers, this.#memory.seatCount, slot, number);
  }

  /** Before the switch, so that what comes after it counts for the new revision. */
  #tellReuse(loaded: Loaded, next: number): void {
    const revision = this.#block.revision(loaded.slot);
    if (revision === next) return;
    const ledger = this.#ledgerOf(loaded);
    this.#tell({ kind: 'reused', generation: loaded.number, revision, ledger });
  }

  #retire(loaded: Loaded): void {
    const { number: generation, slot, shapeKeys } = loaded;
    const ledger = this.#ledgerOf(loaded);
    const revision = this.#block.revision(slot);
    this.#workers.retire(slot, this.#forget(loaded));
    this.#generations.free(loaded);
    void this.#dropShapes([...shapeKeys.values()]);
    this.#tell({ kind: 'retired', generation, revision, ledger, balanced: isBalanced(ledger) });
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

  #answerInTurn(id: number, work: () => Promise<Answer>): Promise<Answer> {
    return this.#inTurn(work).catch((error) => rejection(id, error));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#journey.then(work);
    this.#journey = turn.catch(() => undefined);
    return turn;
  }
}

const slotsMessage =
  'exchanges still run on every loaded generation; wait for the longest of them, or see ' +
  'GET /v1/nodes for which generations are pinned';
