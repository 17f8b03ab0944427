import { after } from '../base/clock.ts';
import { CutoverError } from '../base/errors.ts';
import type { Definitions } from '../model/definitions.ts';
import type { AppliedAnswer, RejectedAnswer, StagedAnswer } from '../model/orders.ts';
import { type Parsed, parseWritten } from '../model/parse.ts';
import { emptyWritten } from '../model/written.ts';
import { invalid, refused } from './apply-report.ts';
import type { ControlClient } from './control-client.ts';
import type { History } from './history/history.ts';
import type { Revision } from './history/revision.ts';

type Good = Extract<Parsed, { ok: true }>;

const startWaitMs = 60_000;
/** Until the disk is tried again. */
const keepAgainMs = 1_000;
const nothing: Definitions = { upstreams: [], routes: [] };

/**
 * What this node serves, and the steps by which that changes. One change at a time, by whoever wants
 * it: an apply here, one of another node, a start, a new control.
 */
export class Served {
  readonly #history: History;
  readonly #control: ControlClient;
  #definitions: Definitions = nothing;
  #hash = '';
  #restoring: Promise<void> = Promise.resolve();
  /** The change that is under way, and a promise that resolves when it is over. */
  #running: {
    readonly revision: number;
    readonly asked: boolean;
    readonly over: Promise<void>;
  } | null = null;

  constructor(history: History, control: ControlClient) {
    this.#history = history;
    this.#control = control;
  }

  /** The hash of what is active; the `ETag` of the definitions. */
  get hash(): string {
    return this.#hash;
  }

  get definitions(): Definitions {
    return this.#definitions;
  }

  get head(): Revision {
    return this.#history.head ?? emptyRevision;
  }

  /** Resolves when nothing restores the head any more. */
  get restored(): Promise<void> {
    return this.#restoring;
  }

  /** Stages it while it is being recorded. Throws what recording threw; nothing of it is left then. */
  async stage(
    order: Parameters<ControlClient['stage']>[0],
    recorded: Promise<void>,
  ): Promise<StagedAnswer | RejectedAnswer> {
    const [staged, record] = await Promise.allSettled([this.#control.stage(order), recorded]);
    if (record.status === 'rejected') {
      await this.#control.abandon(order.revision);
      throw record.reason;
    }
    if (staged.status === 'rejected') throw staged.reason;
    return staged.value;
  }

  /** What was staged will not go live. */
  abandon(revision: number): Promise<void> {
    return this.#control.abandon(revision);
  }

  /** What was staged goes live on this node. */
  publish(
    revision: number,
    waitMs: number,
    tellsNodes = false,
  ): Promise<AppliedAnswer | RejectedAnswer> {
    return this.#control.publish({ revision, waitMs, tellsNodes });
  }

  /** It is what a restart serves, durably; throws what the disk said. */
  async moveHead(revision: Revision, parsed: Good): Promise<void> {
    // It is served already, whatever the disk says.
    this.#took(parsed);
    await this.#history.moveHead({ ...revision, state: 'acknowledged' });
  }

  /**
   * The same of what the cluster serves whatever this node's disk says: what fails is tried again,
   * until the disk takes it or something else is served.
   */
  async keepHead(revision: Revision, parsed: Good): Promise<void> {
    try {
      await this.moveHead(revision, parsed);
    } catch (error) {
      const again = (): void => {
        const isServed = this.#hash === parsed.hash && this.head.revision < revision.revision;
        if (isServed) void this.whenFree(() => this.keepHead(revision, parsed)).catch(() => {});
      };
      after(keepAgainMs, again);
      throw error;
    }
  }

  /**
   * Makes the head active again on a node that has nothing loaded: at the start, or a new control.
   * After a change that is under way, which may move the head; those that come meanwhile wait.
   */
  restore(): Promise<void> {
    const restoring = this.#restoring.then(() => this.whenFree(() => this.restoreHead()));
    this.#restoring = restoring.catch(() => {});
    return restoring;
  }

  /** The same within a change. */
  async restoreHead(): Promise<void> {
    const { head } = this;
    const parsed = parseWritten(head.written, `revision ${head.revision}`);
    if (!parsed.ok) throw invalid(parsed.problems, parsed.truncated);
    const { revision } = head;
    const { hash, definitions } = parsed;
    const order = { revision, hash, definitions, waitMs: startWaitMs };
    const staged = await this.stage(order, Promise.resolve());
    const answer = staged.kind === 'rejected' ? staged : await this.publish(revision, startWaitMs);
    if (answer.kind === 'rejected') throw refused(answer.code, answer.message);
    this.#took(parsed);
  }

  /** A change that nobody asked of this node, when none is under way; waits for those that are. */
  async whenFree<T>(work: () => Promise<T>): Promise<T> {
    while (this.#running !== null) await this.#running.over;
    return this.#run({ revision: this.head.revision, asked: false }, work);
  }

  /** A change that somebody asked for; throws when another such one is under way. */
  async alone<T>(revision: number, work: () => Promise<T>): Promise<T> {
    while (this.#running?.asked === false) await this.#running.over;
    if (this.#running !== null) {
      const { revision: running } = this.#running;
      throw new CutoverError(
        'apply-in-progress',
        `revision ${running} is being applied; apply again when it is done`,
        { source: 'operator', context: { revision: running } },
      );
    }
    return this.#run({ revision, asked: true }, work);
  }

  async #run<T>(
    what: { readonly revision: number; readonly asked: boolean },
    work: () => Promise<T>,
  ): Promise<T> {
    const result = work();
    const over = result.then(
      () => {},
      () => {},
    );
    this.#running = { ...what, over };
    try {
      return await result;
    } finally {
      this.#running = null;
    }
  }

  #took({ definitions, hash }: Good): void {
    this.#definitions = definitions;
    this.#hash = hash;
  }
}

/** What a node serves before its first apply: nothing, as revision 0, which is not kept. */
const emptyRevision: Revision = {
  revision: 0,
  parent: 0,
  hash: '',
  author: 'start',
  note: 'no definitions yet',
  createdAt: '',
  state: 'acknowledged',
  written: emptyWritten(),
};
