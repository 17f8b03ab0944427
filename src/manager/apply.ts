import { monotonicMs, wallMs } from '../base/clock.ts';
import { CutoverError, messageOf } from '../base/errors.ts';
import type { Definitions } from '../model/definitions.ts';
import { type CacheEffect, type Diff, diffDefinitions } from '../model/diff.ts';
import type { NodeSteps } from '../model/fleet.ts';
import type { AppliedAnswer, Ledger, RejectedAnswer, StagedAnswer } from '../model/orders.ts';
import { type Parsed, parseWritten } from '../model/parse.ts';
import {
  type ApplyReport,
  committed,
  invalid,
  type NodeReport,
  outcomeUnknown,
  refused,
  unkept,
} from './apply-report.ts';
import { effectOnCache } from './cache-effect.ts';
import type { ControlClient } from './control-client.ts';
import { type Fleet, LoneFleet } from './fleet.ts';
import type { History } from './history/history.ts';
import type { Revision } from './history/revision.ts';
import type { Served } from './served.ts';

/** What somebody wants applied. */
export interface ApplyRequest {
  readonly parsed: Parsed;
  readonly validateMs: number;
  readonly author: string;
  readonly note: string;
  readonly waitMs: number;
  /** How many live nodes must be ready before any switches. */
  readonly require: 'all' | 'majority';
  /** True: on this node only, as its cluster is away at its first start. */
  readonly alone?: boolean;
  readonly dryRun: boolean;
  /** Whether a set without routes may take the place of one that has some. */
  readonly allowEmpty: boolean;
  readonly ifMatch: IfMatch | null;
}

/** Tags one of which must be the hash of what is active; `*`: any will do. */
export type IfMatch = '*' | readonly string[];

export interface ApplyParts {
  readonly nodeId: string;
  readonly history: History;
  readonly served: Served;
  readonly fleet: Fleet;
  readonly control: ControlClient;
  readonly activeLedger: () => Ledger | null;
  readonly announce: (event: string, fields: Record<string, unknown>) => void;
}

/**
 * The life of an apply, for people, all of it:
 *
 *   parse → validate → compare → diff → begin → record, stage here and on every other node →
 *   commit → publish here, and as the others hear of it → head moves → answer
 *
 * One at a time in the whole cluster: a second one is told so. What fails, fails before the commit,
 * and before any node switches.
 */
export class Apply {
  readonly #parts: ApplyParts;
  readonly #served: Served;

  constructor(parts: ApplyParts) {
    this.#parts = parts;
    this.#served = parts.served;
  }

  /** The hash of what is active; the `ETag` of the definitions. */
  get hash(): string {
    return this.#served.hash;
  }

  get definitions(): Definitions {
    return this.#served.definitions;
  }

  async apply(request: ApplyRequest): Promise<ApplyReport> {
    await this.#served.restored;
    const { parsed, ifMatch, dryRun, validateMs } = request;
    if (ifMatch !== null && ifMatch !== '*' && !ifMatch.includes(this.hash)) {
      throw new CutoverError(
        'precondition-failed',
        'the definitions have changed since they were read; read them again and apply on top',
        { source: 'operator', context: { current: this.hash } },
      );
    }
    if (!parsed.ok) throw invalid(parsed.problems, parsed.truncated);
    if (!request.allowEmpty) this.#refuseEmpty(parsed.definitions);
    if (dryRun) await this.#parts.control.check(parsed.definitions);
    const diff = diffDefinitions(this.#served.definitions, parsed.definitions);
    const head = this.#parts.history.head;
    if (dryRun || (head !== null && parsed.hash === this.hash)) {
      const outcome = dryRun ? 'dry-run' : 'unchanged';
      const cache = await this.#effectOnCache(parsed.definitions, diff);
      return this.#untouched({ outcome, hash: parsed.hash, validateMs, diff, cache });
    }
    return this.#served.alone(this.#parts.history.nextNumber, () =>
      this.#journey(request, parsed, diff),
    );
  }

  /** What an apply of these would touch; nothing changes. */
  async compare(
    definitions: Definitions,
  ): Promise<{ readonly diff: Diff; readonly cache: CacheEffect | null }> {
    const diff = diffDefinitions(this.#served.definitions, definitions);
    return { diff, cache: await this.#effectOnCache(definitions, diff) };
  }

  #effectOnCache(after: Definitions, diff: Diff): Promise<CacheEffect | null> {
    return effectOnCache(this.#parts.control, this.#served.definitions, after, diff);
  }

  /** Applies the content of an earlier revision as a new one. */
  async rollback(
    revision: number,
    { author, note, ifMatch }: Pick<ApplyRequest, 'author' | 'note' | 'ifMatch'>,
  ): Promise<ApplyReport> {
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
      require: 'all',
      dryRun: false,
      allowEmpty: true,
      ifMatch,
    });
  }

  async #journey(
    request: ApplyRequest,
    parsed: Extract<Parsed, { ok: true }>,
    diff: Diff,
  ): Promise<ApplyReport> {
    const { history, announce } = this.#parts;
    const fleet = request.alone === true ? new LoneFleet() : this.#parts.fleet;
    const { author, note, waitMs, validateMs } = request;
    const parent = history.head?.revision ?? 0;
    const revision: Revision = {
      revision: await fleet.begin(parent, history.nextNumber, parsed),
      parent,
      hash: parsed.hash,
      author,
      note,
      createdAt: new Date(wallMs()).toISOString(),
      state: 'pending',
      ...(fleet.isCluster ? { cluster: true } : {}),
      written: parsed.written,
    };
    // Counted before the orders that follow it to control, which do not wait for the count.
    const counting = this.#effectOnCache(parsed.definitions, diff);
    const ledger = this.#parts.activeLedger();
    await this.#stageEverywhere(fleet, revision, parsed, request);
    const answer = await this.#commitEverywhere(fleet, revision, waitMs);
    const timings = { validateMs, ...answer.timings };
    // While the others switch.
    const [others] = await Promise.all([
      fleet.applied(revision.revision, waitMs),
      this.#moveHead(fleet, { ...revision, timings }, parsed),
    ]);
    const nodes = nodeReports(others);
    const cache = await counting;
    const report = this.#report(revision, answer, nodes, { timings, diff, cache, ledger });
    announce('applied', { ...report, diff: undefined, ledger: undefined, note, author });
    return report;
  }

  /** Throws, with nothing of it left anywhere, unless all, or as many as are required, are ready. */
  async #stageEverywhere(
    fleet: Fleet,
    revision: Revision,
    { hash, definitions }: Extract<Parsed, { ok: true }>,
    { waitMs, require }: ApplyRequest,
  ): Promise<void> {
    const { history } = this.#parts;
    const order = { revision: revision.revision, hash, definitions, waitMs };
    const [here, others] = await Promise.allSettled([
      this.#served.stage(order, history.begin(revision)),
      fleet.offer(revision, waitMs),
    ]);
    const refusal = refusalOf(here, others, require);
    if (refusal === null) return;
    await this.#giveUp(fleet, revision, refusal);
    throw refusal;
  }

  /** From the moment that the cluster has it, it is applied: what lags is told, and follows. */
  async #commitEverywhere(
    fleet: Fleet,
    revision: Revision,
    waitMs: number,
  ): Promise<AppliedAnswer> {
    try {
      await fleet.commit(revision);
    } catch (error) {
      const unknown = outcomeUnknown(revision.revision, error);
      if (unknown !== null) {
        await this.#parts.control.abandon(revision.revision);
        throw unknown;
      }
      await this.#giveUp(fleet, revision, error as Error);
      throw error;
    }
    const answer = await this.#served.publish(revision.revision, waitMs);
    if (answer.kind === 'applied') return answer;
    if (fleet.isCluster) throw refused(answer.code, committed(revision, answer.message));
    const refusal = refused(answer.code, answer.message);
    await this.#giveUp(fleet, revision, refusal);
    throw refusal;
  }

  /** The revision is kept as rejected, with why; nothing that was staged for it is left. */
  async #giveUp(fleet: Fleet, revision: Revision, why: Error): Promise<void> {
    const { history, control, announce } = this.#parts;
    await Promise.all([fleet.abandon(revision), control.abandon(revision.revision)]);
    const reason = why.message;
    await history.record({ ...revision, state: 'rejected', reason });
    announce('rejected', { revision: revision.revision, reason });
  }

  async #moveHead(
    fleet: Fleet,
    revision: Revision,
    parsed: Extract<Parsed, { ok: true }>,
  ): Promise<void> {
    try {
      if (fleet.isCluster) await this.#served.keepHead(revision, parsed);
      else await this.#served.moveHead(revision, parsed);
    } catch (error) {
      if (!fleet.isCluster) throw await this.#takeBack(revision, messageOf(error));
      throw new CutoverError('record-failed', unkept(revision, messageOf(error)), {
        source: 'internal',
      });
    }
  }

  /**
   * The node has switched, but a restart would not serve what it serves now: back to the head, so
   * that node, history and answer agree. Returns what to throw.
   */
  async #takeBack(revision: Revision, why: string): Promise<CutoverError> {
    const { history, announce } = this.#parts;
    const reason = `it could not be recorded as the head: ${why}`;
    announce('rejected', { revision: revision.revision, reason });
    await this.#served.restoreHead();
    // The disk may be the trouble still; in memory it is rejected in any case.
    await history.record({ ...revision, state: 'rejected', reason }).catch(() => {});
    const message = `revision ${revision.revision} was taken back: ${reason}`;
    return new CutoverError('record-failed', message, { source: 'internal' });
  }

  /** A file that was cut off and a variable that was not set read like a set of nothing. */
  #refuseEmpty({ routes }: Definitions): void {
    const count = this.#served.definitions.routes.length;
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
    others: readonly NodeReport[],
    parts: Pick<ApplyReport, 'timings' | 'diff' | 'cache' | 'ledger'>,
  ): ApplyReport {
    const whole =
      answer.laggards.length === 0 && others.every(({ problem }) => problem === undefined);
    return {
      revision,
      hash,
      outcome: whole ? 'applied' : 'partial',
      nodes: [{ id: this.#parts.nodeId, workers: answer.workers }, ...others],
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
}

export const defaultWaitMs = 5_000;

/** Null: enough nodes are ready. */
function refusalOf(
  here: PromiseSettledResult<StagedAnswer | RejectedAnswer>,
  others: PromiseSettledResult<NodeSteps>,
  require: ApplyRequest['require'],
): Error | null {
  if (here.status === 'rejected') return here.reason as Error;
  if (here.value.kind === 'rejected') return refused(here.value.code, here.value.message);
  if (others.status === 'rejected') return others.reason as Error;
  const { nodes, late } = others.value;
  const ready = nodes.filter(({ outcome }) => outcome === 'staged').length;
  const count = 1 + nodes.length + late.length;
  const enough = require === 'all' ? ready + 1 === count : (ready + 1) * 2 > count;
  if (enough) return null;
  const problems = nodeReports(others.value).flatMap(({ id, problem }) =>
    problem === undefined ? [] : [`${id}: ${problem}`],
  );
  return refused('node-refused', `${problems.join('; ')}; nothing was applied on any node`);
}

function nodeReports({ nodes, late }: NodeSteps): NodeReport[] {
  const told = nodes.map(({ id, outcome, message, workers }) => {
    const switched = workers.map((switchedMs, worker) => ({ id: worker, switchedMs }));
    const laggards = switched.filter(({ switchedMs }) => switchedMs < 0).map((one) => one.id);
    const lag = laggards.length === 0 ? {} : { problem: `workers ${laggards.join(', ')} lag` };
    const problem = outcome === 'rejected' ? { problem: message } : lag;
    return { id, workers: switched.filter(({ switchedMs }) => switchedMs >= 0), ...problem };
  });
  const silent = late.map((id) => ({ id, workers: [], problem: 'it did not answer in time' }));
  return [...told, ...silent];
}
