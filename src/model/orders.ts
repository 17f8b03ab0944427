/**
 * What the manager asks of its node's control thread, and what control tells the manager.
 * Every order gets exactly one answer with the same `id`; events come on their own.
 */
import type { Definitions } from './definitions.ts';

/** Bring the node to this revision. Control looks for a loaded generation of the same hash first. */
export interface ApplyOrder {
  readonly kind: 'apply';
  readonly id: number;
  readonly revision: number;
  readonly hash: string;
  readonly definitions: Definitions;
  /** Taken by control just before it publishes, or withdrawn by the manager (memory/claim.ts). */
  readonly claim: Int32Array<SharedArrayBuffer>;
  /** How long workers may take to stage before the apply is rejected. */
  readonly waitMs: number;
}

export type Order = ApplyOrder;

export interface ApplyTimings {
  /** 0 when a loaded generation was used again. */
  readonly compileMs: number;
  /** From the order until every worker had acknowledged the staged generation. */
  readonly stagedMs: number;
  /** From the order until every worker had confirmed that it uses the new generation. */
  readonly switchedMs: number;
}

export interface WorkerSwitch {
  readonly id: number;
  /** From the order until this worker confirmed. */
  readonly switchedMs: number;
}

export interface AppliedAnswer {
  readonly kind: 'applied';
  readonly id: number;
  readonly generation: number;
  /** True: rollback to a generation that was still loaded. */
  readonly reused: boolean;
  readonly timings: ApplyTimings;
  readonly workers: readonly WorkerSwitch[];
  /** Workers that did not confirm in time; they use the new shape from their next exchange on. */
  readonly laggards: readonly number[];
}

/** The node kept its shape; nothing of the refused one is left. */
export interface RejectedAnswer {
  readonly kind: 'rejected';
  readonly id: number;
  readonly code: string;
  readonly message: string;
}

export type Answer = AppliedAnswer | RejectedAnswer;

/** `accepted = completed + aborted + refused + failed`, once nothing is running. */
export interface Ledger {
  readonly accepted: number;
  readonly completed: number;
  readonly aborted: number;
  readonly refused: number;
  readonly failed: number;
  /** Counts above zero only, by reason. */
  readonly refusedBy: Readonly<Record<string, number>>;
  readonly failedBy: Readonly<Record<string, number>>;
}

export type GenerationState = 'staged' | 'active' | 'retained' | 'draining';

export interface RetiredEvent {
  readonly kind: 'retired';
  readonly generation: number;
  readonly revision: number;
  readonly ledger: Ledger;
  /** False: a fault of the gateway, logged as such. */
  readonly balanced: boolean;
}

/** A worker joined or left; `switched` workers serve the active generation. */
export interface WorkerEvent {
  readonly kind: 'worker';
  readonly worker: number;
  readonly state: 'attached' | 'lost';
}

/** The health of an endpoint as one worker sees it changed. */
export interface EndpointEvent {
  readonly kind: 'endpoint';
  readonly worker: number;
  readonly upstream: string;
  readonly origin: string;
  readonly state: 'healthy' | 'unhealthy' | 'breaker-open' | 'breaker-closed';
  readonly reason: string;
}

/** Numbers under which series are kept: given when first seen, dropped with the last generation. */
export interface NamesEvent {
  readonly kind: 'names';
  readonly given: readonly GivenName[];
  readonly dropped: readonly number[];
}

export interface GivenName {
  readonly number: number;
  readonly of: 'route' | 'upstream';
  readonly name: string;
}

export type ControlEvent = RetiredEvent | WorkerEvent | EndpointEvent | NamesEvent;
