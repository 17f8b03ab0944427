import { CutoverError } from '../base/errors.ts';
import type { CacheEffect, Diff } from '../model/diff.ts';
import type { Ledger, WorkerSwitch } from '../model/orders.ts';
import type { Problem } from '../model/problem.ts';

export interface ApplyTimings {
  readonly validateMs: number;
  readonly compileMs: number;
  readonly stagedMs: number;
  readonly switchedMs: number;
}

/** What an apply came to on one node. */
export interface NodeReport {
  readonly id: string;
  readonly workers: readonly WorkerSwitch[];
  /** Why it did not switch: what it said, or that it said nothing in time. */
  readonly problem?: string;
}

/** The answer of an apply (docs/admin-interface.md). */
export interface ApplyReport {
  readonly revision: number;
  readonly hash: string;
  readonly outcome: 'applied' | 'unchanged' | 'partial' | 'dry-run';
  readonly timings: ApplyTimings;
  readonly nodes: readonly NodeReport[];
  /** Workers of this node that did not confirm in time. */
  readonly laggards: readonly number[];
  readonly diff: Diff;
  /** Entries of the cache that it kept and re-keyed; null: there is no cache, or it did not say. */
  readonly cache: CacheEffect | null;
  /** What the generation that was replaced had counted when the new one took over. */
  readonly ledger: Ledger | null;
}

export function invalid(problems: readonly Problem[], truncated: number): CutoverError {
  const count = problems.length + truncated;
  return new CutoverError(
    'definitions-invalid',
    `${count} ${count === 1 ? 'problem' : 'problems'} in the definitions; nothing was applied`,
    { source: 'operator', context: { problems, truncated } },
  );
}

export function refused(code: string, message: string): CutoverError {
  return new CutoverError(code, message, { source: 'internal' });
}

/** Ways in which a commit ends without saying whether the cluster has it. */
const unknownOutcomes = [
  'cluster-timeout',
  'cluster-disconnected',
  'cluster-failed',
  'control-lost',
];

/**
 * Null: it was not done. Else it is neither acknowledged nor rejected: where the cluster has it, this
 * node follows it as one that missed it.
 */
export function outcomeUnknown(revision: number, error: unknown): CutoverError | null {
  if (!(error instanceof CutoverError) || !unknownOutcomes.includes(error.code)) return null;
  const message = `it is not known whether the cluster serves revision ${revision} (${error.message}); all nodes agree on it within seconds: see GET /v1/nodes before you apply again`;
  return new CutoverError(error.code, message, { source: 'cluster', cause: error });
}

/** The cluster has it, so this node follows it, as one that missed it. */
export function committed({ revision }: Named, why: string): string {
  return `the cluster serves revision ${revision} from now on; this node did not switch (${why}) and follows within seconds`;
}

/** The same of one that serves it. */
export function unkept({ revision }: Named, why: string): string {
  return `the cluster serves revision ${revision} from now on, and this node too, but its disk did not take it (${why}): a restart without the cluster would serve the one before; it is tried again`;
}

interface Named {
  readonly revision: number;
}
