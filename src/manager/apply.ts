import { monotonicMs, wallMs } from '../base/clock.ts';
import { CutoverError, messageOf } from '../base/errors.ts';
import type { Definitions } from '../model/definitions.ts';
import { type CacheEffect, type Diff, diffDefinitions } from '../model/diff.ts';
import type { AppliedAnswer, Ledger, RejectedAnswer, WorkerSwitch } from '../model/orders.ts';
import { type Parsed, parseWritten } from '../model/parse.ts';
import type { Problem } from '../model/problem.ts';
import { emptyWritten } from '../model/written.ts';
import { effectOnCache } from './cache-effect.ts';
import type { ControlClient } from './control-client.ts';
import type { History } from './history/history.ts';
import type { Revision } from './history/revision.ts';

/** What somebody wants applied. */
export interface ApplyRequest {
  readonly parsed: Parsed;
  readonly validateMs: number;
  readonly author: string;
  readonly note: string;
  readonly waitMs: number;
  readonly dryRun: boolean;
  /** Whether a set without routes may take the place of one that has some. */
  readonly allowEmpty: boolean;
  readonly ifMatch: IfMatch | null;
}

/** Tags one of which must be the hash of what is active; `*`: any will do. */
export type IfMatch = '*' | readonly string[];

export interface ApplyTimings {
  readonly validateMs: number;
  readonly compileMs: number;
  readonly stagedMs: number;
  readonly switchedMs: number;
}

/** The answer of an apply (docs/admin-interface.md). */
export interface ApplyReport {
  readonly revision: number;
  readonly hash: string;
  readonly outcome: 'applied' | 'unchanged' | 'partial' | 'dry-run';
  readonly timings: ApplyTimings;
  readonly nodes: readonly { readonly id: string; readonly workers: readonly WorkerSwitch[] }[];
  readonly laggards: readonly number[];
  readonly diff: Diff;
  /** Entries of the cache that it kept and re-keyed; null: there is no cache, or it did not say. */
  readonly cache: CacheEffect | null;
  /** What the generation that was replaced had counted when the new one took over. */
  readonly ledger: Ledger | null;
}

export interface ApplyParts {
  readonly nodeId: string;
  readonly history: History;
  readonly control: ControlClient;
  readonly activeLedger: () => Ledger | null;
  readonly announce: (event: string, fields: Record<string, unknown>) => void;
}

const nothing: Definitions = { upstreams: [], routes: [] };

/**
 * The life of an apply, for people, all of it:
 *
 *   parse → validate → compare → diff → record and stage → publish → head moves → answer
 *
 * One at a time: a second one is told so. What fails, fails before the node switches.
 */
export class Apply {
  readonly #parts: ApplyParts;
  #current: Definitions = nothing;
  #currentHash = '';
  #restoring: Promise<void> = Promise.resolve();
  /** The apply that is under way, and a promise that resolves when it is over. */
  #running: { readonly revision: number; readonly over: Promise<void> } | null = null;

  constructor(parts: ApplyParts) {
    this.#parts = parts;
  }

  /** The hash of what is active; the `ETag` of the definitions. */
  get hash(): string {
    return this.#currentHash;
  }

  get definitions(): Definitions {
    return this.#current;
  }

  async apply(request: ApplyRequest): Promise<ApplyReport> {
    await this.#restoring;
    const { parsed, ifMatch, dryRun, validateMs } = request;
    if (ifMatch !== null && ifMatch !== '*' && !ifMatch.includes(this.#currentHash)) {
      throw new CutoverError(
        'precondition-failed',
        'the definitions have changed since they were read; read them again and apply on top',
        { source: 'operator', context: { current: this.#currentHash } },
      );
    }
    if (!parsed.ok) throw invalid(parsed.problems, parsed.truncated);
    if (!request.allowEmpty) this.#refuseEmpty(parsed.definitions);
    const diff = diffDefinitions(this.#current, parsed.definitions);
    const head = this.#parts.history.head;
    if (dryRun || (head !== null && parsed.hash === this.#currentHash)) {
      const outcome = dryRun ? 'dry-run' : 'unchanged';
      const cache = await this.#effectOnCache(parsed.definitions, diff);
      return this.#untouched({ outcome, hash: parsed.hash, validateMs, diff, cache });
    }
    return this.#alone(this.#parts.history.nextNumber, () => this.#journey(request, parsed, diff));
  }

  /** What an apply of these would touch; nothing changes. */
  async compare(
    definitions: Definitions,
  ): Promise<{ readonly diff: Diff; readonly cache: CacheEffect | null }> {
    const diff = diffDefinitions(this.#current, definitions);
    return { diff, cache: await this.#effectOnCache(definitions, diff) };
  }

  #effectOnCache(after: Definitions, diff: Diff): Promise<CacheEffect | null> {
    return effectOnCache(this.#parts.control, this.#current, after, diff);
  }

  /** Applies the content of an earlier revision as a new one. */
  async rollback(revision: number, author: string, note: string): Promise<ApplyReport> {
    const { history } = this.#parts;
    const target = history.get(revision);
    if (target === null || target.state !== 'acknowledged') {
      const message = `there is no acknowledged revision ${revision} to go back to`;
      throw new CutoverError('revision-unknown', message, { source: 'operator' });
    }
    const beganMs = monotonicMs();
    const parsed = parseWritten(target.written, `revision ${revision}`);
    return this.apply({
      parsed,
      validateMs: monotonicMs() - beganMs,
      author,
      note: note === '' ? `rollback to ${revision}` : note,
      waitMs: defaultWaitMs,
      dryRun: false,
      allowEmpty: true,
      ifMatch: null,
    });
  }

  /**
   * Makes the head active again on a node that has nothing loaded: at the start, or a new control.
   * After an apply that is under way, which may move the head; those that come meanwhile wait.
   */
  restore(): Promise<void> {
    const restoring = this.#restoring.then(async () => {
      while (this.#running !== null) await this.#running.over;
      const head = this.#head();
      await this.#alone(head.revision, () => this.#restore(head));
    });
    this.#restoring = restoring.catch(() => {});
    return restoring;
  }

  async #restore(head: Revision): Promise<void> {
    const parsed = parseWritten(head.written, `revision ${head.revision}`);
    if (!parsed.ok) throw invalid(parsed.problems, parsed.truncated);
    const { revision } = head;
    const { hash, definitions } = parsed;
    const order = { revision, hash, definitions, waitMs: startWaitMs };
    const answer = await this.#switch(order, Promise.resolve());
    if (answer.kind === 'rejected') throw refused(answer.code, answer.message);
    this.#current = parsed.definitions;
    this.#currentHash = parsed.hash;
  }

  async #journey(
    { author, note, waitMs, validateMs }: ApplyRequest,
    parsed: Extract<Parsed, { ok: true }>,
    diff: Diff,
  ): Promise<ApplyReport> {
    const { history, announce } = this.#parts;
    const revision: Revision = {
      revision: history.nextNumber,
      parent: history.head?.revision ?? 0,
      hash: parsed.hash,
      author,
      note,
      createdAt: new Date(wallMs()).toISOString(),
      state: 'pending',
      written: parsed.written,
    };
    // Counted before the orders that follow it to control, which do not wait for the count.
    const counting = this.#effectOnCache(parsed.definitions, diff);
    const ledger = this.#parts.activeLedger();
    const { hash, definitions } = parsed;
    const order = { revision: revision.revision, hash, definitions, waitMs };
    const answer = await this.#switch(order, history.begin(revision));
    if (answer.kind === 'rejected') {
      await history.record({ ...revision, state: 'rejected', reason: answer.message });
      announce('rejected', { revision: revision.revision, reason: answer.message });
      throw refused(answer.code, answer.message);
    }
    const timings = { validateMs, ...answer.timings };
    try {
      await history.moveHead({ ...revision, state: 'acknowledged', timings });
    } catch (error) {
      throw await this.#takeBack(revision, messageOf(error));
    }
    this.#current = parsed.definitions;
    this.#currentHash = parsed.hash;
    const cache = await counting;
    const report = this.#report(revision, answer, { timings, diff, cache, ledger });
    announce('applied', { ...report, diff: undefined, ledger: undefined, note, author });
    return report;
  }

  /** Stages it while it is being recorded; goes live once both are done. Throws what recording threw. */
  async #switch(
    order: Parameters<ControlClient['stage']>[0],
    recorded: Promise<void>,
  ): Promise<AppliedAnswer | RejectedAnswer> {
    const { control } = this.#parts;
    const { revision, waitMs } = order;
    const [staged, record] = await Promise.allSettled([control.stage(order), recorded]);
    if (record.status === 'rejected') {
      await control.abandon(revision);
      throw record.reason;
    }
    if (staged.status === 'rejected') throw staged.reason;
    if (staged.value.kind === 'rejected') return staged.value;
    return control.publish({ revision, waitMs });
  }

  /**
   * The node has switched, but a restart would not serve what it serves now: back to the head, so
   * that node, history and answer agree. Returns what to throw.
   */
  async #takeBack(revision: Revision, why: string): Promise<CutoverError> {
    const { history, announce } = this.#parts;
    const reason = `it could not be recorded as the head: ${why}`;
    announce('rejected', { revision: revision.revision, reason });
    await this.#restore(this.#head());
    // The disk may be the trouble still; in memory it is rejected in any case.
    await history.record({ ...revision, state: 'rejected', reason }).catch(() => {});
    const message = `revision ${revision.revision} was taken back: ${reason}`;
    return new CutoverError('record-failed', message, { source: 'internal' });
  }

  #head(): Revision {
    return this.#parts.history.head ?? emptyRevision;
  }

  /** A file that was cut off and a variable that was not set read like a set of nothing. */
  #refuseEmpty({ routes }: Definitions): void {
    const count = this.#current.routes.length;
    if (routes.length > 0 || count === 0) return;
    throw new CutoverError(
      'definitions-empty',
      `the set has no routes and would take all ${count} away; nothing was applied. If that is meant, allow it: ?allowEmpty=true, or --allow-empty`,
      { source: 'operator' },
    );
  }

  #report(
    { revision, hash }: Revision,
    answer: AppliedAnswer,
    parts: Pick<ApplyReport, 'timings' | 'diff' | 'cache' | 'ledger'>,
  ): ApplyReport {
    return {
      revision,
      hash,
      outcome: answer.laggards.length === 0 ? 'applied' : 'partial',
      nodes: [{ id: this.#parts.nodeId, workers: answer.workers }],
      laggards: answer.laggards,
      ...parts,
    };
  }

  #untouched({
    validateMs,
    ...parts
  }: Pick<ApplyReport, 'outcome' | 'hash' | 'diff' | 'cache'> & {
    readonly validateMs: number;
  }): ApplyReport {
    return {
      revision: this.#parts.history.head?.revision ?? 0,
      timings: { validateMs, compileMs: 0, stagedMs: 0, switchedMs: 0 },
      nodes: [{ id: this.#parts.nodeId, workers: [] }],
      laggards: [],
      ledger: null,
      ...parts,
    };
  }

  async #alone<T>(revision: number, work: () => Promise<T>): Promise<T> {
    if (this.#running !== null) {
      const { revision: running } = this.#running;
      throw new CutoverError(
        'apply-in-progress',
        `revision ${running} is being applied; apply again when it is done`,
        { source: 'operator', context: { revision: running } },
      );
    }
    const result = work();
    const over = result.then(
      () => {},
      () => {},
    );
    this.#running = { revision, over };
    try {
      return await result;
    } finally {
      this.#running = null;
    }
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

export const defaultWaitMs = 5_000;
const startWaitMs = 60_000;

function invalid(problems: readonly Problem[], truncated: number): CutoverError {
  const count = problems.length + truncated;
  return new CutoverError(
    'definitions-invalid',
    `${count} ${count === 1 ? 'problem' : 'problems'} in the definitions; nothing was applied`,
    { source: 'operator', context: { problems, truncated } },
  );
}

function refused(code: string, message: string): CutoverError {
  return new CutoverError(code, message, { source: 'internal' });
}
