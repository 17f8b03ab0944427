import type { MessagePort } from 'node:worker_threads';
import { after, cancel } from '../base/clock.ts';
import { CutoverError } from '../base/errors.ts';
import { createClaim, withdrawClaim } from '../memory/claim.ts';
import type { Bust } from '../model/bust.ts';
import type {
  BustAnswer,
  CacheExplanation,
  CacheListing,
  ExplainRequest,
} from '../model/cache-orders.ts';
import type { Definitions } from '../model/definitions.ts';
import type { FleetAsk, FleetTold } from '../model/fleet.ts';
import type {
  Answer,
  AppliedAnswer,
  CacheAnswer,
  CacheOrder,
  ControlEvent,
  Order,
  PublishOrder,
  RejectedAnswer,
  StagedAnswer,
  StageOrder,
} from '../model/orders.ts';

/** What control gets beyond an apply's own waits, or for another order, before it is withdrawn. */
const marginMs = 10_000;

/** What only adds to an answer is not waited for longer. */
const countMs = 1_000;

const silent = 'the control thread did not answer in time; nothing was applied';

/** An order without what the client gives it. */
type Asked<O extends Order> = O extends Order ? Omit<O, 'id'> : never;
type CacheAnswerOf<Kind extends CacheAnswer['kind']> = Extract<CacheAnswer, { kind: Kind }>;

/** The manager's line to control: orders with answers, and events. */
export class ControlClient {
  #port: MessagePort;
  #nextId = 1;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #onEvent: (event: ControlEvent) => void;

  constructor(port: MessagePort, onEvent: (event: ControlEvent) => void) {
    this.#onEvent = onEvent;
    this.#port = port;
    this.#listen();
  }

  /**
   * Waits for a slot and for workers, each within the order's own wait, and some more for control,
   * which may have workers to attach before; then gives it up.
   */
  async stage(order: Omit<StageOrder, 'kind' | 'id'>): Promise<StagedAnswer | RejectedAnswer> {
    const answer = await this.#ask(
      { kind: 'stage', ...order },
      order.waitMs * 2 + marginMs,
      () => silent,
    );
    if (answer.kind === 'rejected' && answer.code === 'control-silent') {
      void this.abandon(order.revision);
    }
    return answer as StagedAnswer | RejectedAnswer;
  }

  /** When it is late, it is withdrawn. Where control has begun to switch, its answer comes, or its end. */
  publish(
    order: Omit<PublishOrder, 'kind' | 'id' | 'claim'>,
  ): Promise<AppliedAnswer | RejectedAnswer> {
    const claim = createClaim();
    const answer = this.#ask({ kind: 'publish', claim, ...order }, order.waitMs + marginMs, () =>
      withdrawClaim(claim) ? silent : null,
    );
    return answer as Promise<AppliedAnswer | RejectedAnswer>;
  }

  /** What is staged, or is about to be, will not go live. */
  async abandon(revision: number): Promise<void> {
    await this.#ask({ kind: 'abandon', revision }, marginMs, () => silent);
  }

  /** Throws what an apply of these would be refused for on this node before anything is compiled. */
  async check(definitions: Definitions): Promise<void> {
    const answer = await this.#ask(
      { kind: 'check', definitions },
      marginMs,
      () => 'the control thread did not answer in time',
    );
    if (answer.kind !== 'rejected') return;
    throw new CutoverError(answer.code, answer.message, { source: 'internal' });
  }

  /** Resolves when no worker can answer with what was busted. */
  async bust(bust: Bust): Promise<BustAnswer> {
    return (await this.#askCache('busted', { kind: 'bust', bust })).bust;
  }

  async list(url: string): Promise<CacheListing> {
    return (await this.#askCache('listed', { kind: 'list', url })).listing;
  }

  /** Entries of each shape key, in their order; null: there is no cache, or control is busy. */
  async count(shapeKeys: readonly string[]): Promise<readonly number[] | null> {
    const answer = await this.#ask(
      { kind: 'count', shapeKeys },
      countMs,
      () => 'not counted in time',
    );
    return answer.kind === 'counted' ? answer.counts : null;
  }

  /** What an apply asks of the other nodes; what they or the cluster refuse is thrown. */
  async fleet(ask: FleetAsk, waitMs: number): Promise<FleetTold> {
    const late = 'the control thread did not answer in time';
    const answer = await this.#ask({ kind: 'fleet', ...ask }, waitMs + marginMs, () => late);
    if (answer.kind === 'fleet') return answer.told;
    const { code, message } = answer as RejectedAnswer;
    throw new CutoverError(code, message, { source: 'internal' });
  }

  async explain(request: ExplainRequest): Promise<CacheExplanation> {
    return (await this.#askCache('explained', { kind: 'explain', request })).explanation;
  }

  /** Control was replaced: what waited will never be answered. */
  replacePort(port: MessagePort): void {
    this.#port.close();
    this.#port = port;
    for (const id of [...this.#waiting.keys()]) {
      const message = 'the control thread was replaced while it worked on this';
      this.#answered({ kind: 'rejected', id, code: 'control-lost', message });
    }
    this.#listen();
  }

  close(): void {
    this.#port.close();
  }

  /** The answer of that kind; what is rejected is thrown. */
  async #askCache<Kind extends CacheAnswer['kind']>(
    kind: Kind,
    order: Asked<CacheOrder>,
  ): Promise<CacheAnswerOf<Kind>> {
    const answer = await this.#ask(
      order,
      marginMs,
      () => 'the control thread did not answer in time',
    );
    if (answer.kind === kind) return answer as CacheAnswerOf<Kind>;
    const { code, message } = answer as RejectedAnswer;
    throw new CutoverError(code, message, { source: 'internal' });
  }

  /** `lateWith`: what to say when no answer came in time; null: it is under way, so wait on. */
  #ask(order: Asked<Order>, waitMs: number, lateWith: () => string | null): Promise<Answer> {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const timer = after(waitMs, () => {
        const message = lateWith();
        if (message === null) return;
        this.#answered({ kind: 'rejected', id, code: 'control-silent', message });
      });
      this.#waiting.set(id, (answer) => {
        cancel(timer);
        resolve(answer);
      });
      this.#port.postMessage({ id, ...order } satisfies Order);
    });
  }

  #listen(): void {
    this.#port.on('message', (message: Answer | ControlEvent) => {
      if ('id' in message) this.#answered(message);
      else this.#onEvent(message);
    });
  }

  #answered(answer: Answer): void {
    const resolve = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    resolve?.(answer);
  }
}
