import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Reconciler } from '../../src/control/reconciler.ts';
import { WorkerLink } from '../../src/control/worker-link.ts';
import { createClaim } from '../../src/memory/claim.ts';
import { ControlBlock, WorkerWords } from '../../src/memory/control-block.ts';
import { LedgerWriter } from '../../src/memory/ledger.ts';
import { createNodeMemory } from '../../src/memory/node-memory.ts';
import type { ShapeBytes } from '../../src/memory/shape.ts';
import type { ToWorker } from '../../src/memory/worker-messages.ts';
import type { Answer, ControlEvent, PublishOrder, StageOrder } from '../../src/model/orders.ts';
import { parseWritten } from '../../src/model/parse.ts';

/** A worker that attaches and confirms, unless it is told not to. */
export class SimulatedWorker {
  /** What it has attached, by slot: the number of the generation. */
  readonly attached = new Map<number, number>();
  /** Every generation that it was asked to attach, in order. */
  readonly asked: number[] = [];
  readonly words: WorkerWords;
  readonly ledger: LedgerWriter;
  /** The shape that it was last told to attach. */
  lastBytes: ShapeBytes | null = null;
  stageError: string | null = null;
  answersStage = true;
  answersSwitch = true;
  readonly #port: MessagePort;
  #unanswered: object | null = null;

  constructor(node: SimulatedNode, index: number, port: MessagePort) {
    this.words = new WorkerWords(node.memory.control, index);
    this.ledger = new LedgerWriter(node.memory.ledgers, index);
    this.#port = port;
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'retire') {
        this.attached.delete(message.slot);
        return;
      }
      const answer = { ...message, bytes: undefined, worker: index };
      if (message.kind === 'stage') {
        this.asked.push(message.generation);
        this.lastBytes = message.bytes;
        if (this.stageError === null) this.attached.set(message.slot, message.generation);
        const staged = { ...answer, kind: 'staged', error: this.stageError };
        if (this.answersStage) port.postMessage(staged);
        else this.#unanswered = staged;
      } else if (this.answersSwitch) {
        port.postMessage({ ...answer, kind: 'switched' });
      }
    });
  }

  /** Answers the question that it had left without an answer. */
  acknowledge(): void {
    this.#port.postMessage(this.#unanswered);
  }

  close(): void {
    this.#port.close();
  }
}

/** Control as it is, between workers and a manager that are not. */
export class SimulatedNode {
  readonly memory;
  readonly block;
  readonly events: ControlEvent[] = [];
  reconciler: Reconciler;
  readonly workers: SimulatedWorker[] = [];
  readonly #environment: Readonly<Record<string, string>>;
  #orders = 0;

  constructor(workerCount: number, environment: Readonly<Record<string, string>> = {}) {
    this.memory = createNodeMemory(workerCount);
    this.block = new ControlBlock(this.memory.control);
    this.#environment = environment;
    this.reconciler = this.#newControl();
  }

  /** Control died: the next one begins, with nothing but what is in shared memory. */
  replaceControl(): void {
    this.reconciler = this.#newControl();
  }

  /** A worker comes up; true when it has attached everything. */
  join(index: number): Promise<boolean> {
    const { port1, port2 } = new MessageChannel();
    this.workers[index] = new SimulatedWorker(this, index, port2);
    return this.reconciler.join(
      new WorkerLink(index, port1, { onEvent: () => {}, onCache: () => {} }),
    );
  }

  /** Staged, and published when every worker has attached it. */
  async apply(written: unknown, waitMs = 10_000): Promise<Answer> {
    const order = this.order(written, waitMs);
    const staged = await this.reconciler.stage(order);
    if (staged.kind !== 'staged') return staged;
    return this.reconciler.publish(publishOrder(order));
  }

  /** The next revision, as the manager asks for it. */
  order(written: unknown, waitMs = 10_000): StageOrder {
    const parsed = parseWritten(written, 'test');
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
    this.#orders += 1;
    const { definitions, hash } = parsed;
    const [id, revision] = [this.#orders, this.#orders];
    return { kind: 'stage', id, revision, hash, definitions, waitMs };
  }

  #newControl(): Reconciler {
    return new Reconciler(this.memory, this.#environment, (event) => this.events.push(event));
  }

  eventsOf<K extends ControlEvent['kind']>(kind: K): Extract<ControlEvent, { kind: K }>[] {
    return this.events.filter(
      (one): one is Extract<ControlEvent, { kind: K }> => one.kind === kind,
    );
  }

  close(): void {
    for (const worker of this.workers) worker?.close();
  }
}

export function publishOrder(
  { id, revision, waitMs }: Pick<StageOrder, 'id' | 'revision' | 'waitMs'>,
  claim = createClaim(),
): PublishOrder {
  return { kind: 'publish', id, revision, claim, waitMs };
}
