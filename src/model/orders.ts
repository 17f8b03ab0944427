/**
 * What the manager asks of its node's control thread, and what control tells the manager.
 * Every order gets exactly one answer with the same `id`; events come on their own.
 */
import type { Bust } from './bust.ts';
import type { BustAnswer, CacheExplanation, CacheListing, ExplainRequest } from './cache-orders.ts';
import type { ClientName, ClusterFigures } from './cluster-figures.ts';
import type { Definitions } from './definitions.ts';
import type { FleetAsk, FleetFigures, FleetRevision, FleetTold, LossReason } from './fleet.ts';

/**
 * Ready this revision on every worker; it goes live with a `publish`. Control looks for a loaded
 * generation of the same hash first.
 */
export interface StageOrder {
  readonly kind: 'stage';
  readonly id: number;
  readonly revision: number;
  readonly hash: string;
  readonly definitions: Definitions;
  /** How long a free slot, and then the workers, may take before the order is rejected. */
  readonly waitMs: number;
  /** Whether the other nodes are told when it is done: the apply is one of theirs. */
  readonly tellsNodes?: boolean;
}

/** Make the revision that was staged last the active one. */
export interface PublishOrder {
  readonly kind: 'publish';
  readonly id: number;
  readonly revision: number;
  /** Taken by control just before it publishes, or withdrawn by the manager (memory/claim.ts). */
  readonly claim: Int32Array<SharedArrayBuffer>;
  /** How long workers may take to confirm before they are laggards. */
  readonly waitMs: number;
  /** As with `StageOrder`. */
  readonly tellsNodes?: boolean;
}

/** What was staged, or is about to be, will not go live. */
export interface AbandonOrder {
  readonly kind: 'abandon';
  readonly id: number;
  readonly revision: number;
}

/** Make what is stored unusable; answered when no worker can answer with it any more. */
export interface BustOrder {
  readonly kind: 'bust';
  readonly id: number;
  readonly bust: Bust;
}

/** What is stored for a URL, all variants. */
export interface ListOrder {
  readonly kind: 'list';
  readonly id: number;
  readonly url: string;
}

/** How many entries the routes with these shape keys have stored. */
export interface CountOrder {
  readonly kind: 'count';
  readonly id: number;
  readonly shapeKeys: readonly string[];
}

/** What the cache would do with a request; a worker answers. */
export interface ExplainOrder {
  readonly kind: 'explain';
  readonly id: number;
  readonly request: ExplainRequest;
}

/** Whether the secrets that a set refers to are there on this node; nothing changes. */
export interface CheckOrder {
  readonly kind: 'check';
  readonly id: number;
  readonly definitions: Definitions;
}

/** Orders about the cache; each is done at once, also while an apply is under way. */
export type CacheOrder = BustOrder | ListOrder | CountOrder | ExplainOrder;

/** The orders of an apply; each waits for the one before it. */
export type ApplyOrder = StageOrder | PublishOrder | AbandonOrder;

/** What an apply asks of the other nodes of the cluster. */
export type FleetOrder = FleetAsk & { readonly kind: 'fleet'; readonly id: number };

export type Order = ApplyOrder | CheckOrder | CacheOrder | FleetOrder;

export interface ApplyTimings {
  /** 0 when a loaded generation was used again. */
  readonly compileMs: number;
  /** From the order to stage until every worker had acknowledged the staged generation. */
  readonly stagedMs: number;
  /** From the order to stage until every worker had confirmed that it uses the new generation. */
  readonly switchedMs: number;
}

export interface WorkerSwitch {
  readonly id: number;
  /** From the order to stage until this worker confirmed. */
  readonly switchedMs: number;
}

/** Every worker has attached it. */
export interface StagedAnswer {
  readonly kind: 'staged';
  readonly id: number;
  readonly generation: number;
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

/** The order was not done. After one of an apply: the node kept its shape, nothing of the refused one is left. */
export interface RejectedAnswer {
  readonly kind: 'rejected';
  readonly id: number;
  readonly code: string;
  readonly message: string;
}

export type CacheAnswer =
  | { readonly kind: 'busted'; readonly id: number; readonly bust: BustAnswer }
  | { readonly kind: 'listed'; readonly id: number; readonly listing: CacheListing }
  /** In the order of the shape keys that were asked for. */
  | { readonly kind: 'counted'; readonly id: number; readonly counts: readonly number[] }
  | { readonly kind: 'explained'; readonly id: number; readonly explanation: CacheExplanation };

export interface AbandonedAnswer {
  readonly kind: 'abandoned';
  readonly id: number;
}

export interface FleetAnswer {
  readonly kind: 'fleet';
  readonly id: number;
  readonly told: FleetTold;
}

export interface CheckedAnswer {
  readonly kind: 'checked';
  readonly id: number;
}

export type Answer =
  | StagedAnswer
  | AppliedAnswer
  | AbandonedAnswer
  | CheckedAnswer
  | CacheAnswer
  | FleetAnswer
  | RejectedAnswer;

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

/** A rollback makes a loaded generation active as another revision. */
export interface ReusedEvent {
  readonly kind: 'reused';
  readonly generation: number;
  /** That it was loaded under until now. */
  readonly revision: number;
  /** What the generation has counted until now. */
  readonly ledger: Ledger;
}

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
  /** That of the worker's thread: a worker that drains and its successor have two. */
  readonly seat: number;
  readonly upstream: string;
  readonly origin: string;
  readonly state: 'healthy' | 'unhealthy' | 'breaker-open' | 'breaker-closed';
  readonly reason: string;
}

/** What was told of endpoints holds no more. */
export interface EndpointGoneEvent {
  readonly kind: 'endpoint-gone';
  readonly seat: number;
  /** Null: all that this seat told, as its thread is gone. */
  readonly endpoint: { readonly upstream: string; readonly origin: string } | null;
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

/** What became of the cache's snapshot at a start or a stop. */
export interface SnapshotEvent {
  readonly kind: 'snapshot';
  readonly what: 'read' | 'written';
  readonly entries: number;
  readonly bytes: number;
  /** Why it was dropped or not written; null: nothing to say. */
  readonly problem: string | null;
}

/** Something changed with one of the node's clients of the cluster. */
export interface ClusterEvent {
  readonly kind: 'cluster';
  readonly client: ClientName;
  readonly what: 'state' | 'breaker' | 'replaced';
  readonly state?: string;
  readonly reason?: string;
  /** The client's own words while it is offline. */
  readonly problem?: string | null;
}

/** What became of what this node and the others share. */
export interface ClusterLogEvent {
  readonly kind: 'cluster-log';
  /**
   * `lost`: nothing stored can be proven fresh, and was dropped; `delivered`: queued busts were added;
   * `unkept`: what is queued could not be written to disk.
   */
  readonly what: 'lost' | 'delivered' | 'unkept';
  readonly reason?: LossReason;
  readonly count?: number;
  /** Null would say nothing to say, as with other events. */
  readonly problem?: string;
}

/** Another node's apply reached this one: what the manager is to do about it. */
export interface FollowEvent {
  readonly kind: 'follow';
  /** `head`: it is what all serve, and this node does not; null there: the cluster has none. */
  readonly order: 'stage' | 'commit' | 'abandon' | 'head';
  readonly revision: FleetRevision | null;
  readonly waitMs: number;
  /** Of `stage`: what the revision holds, where the cluster has it. */
  readonly content: Uint8Array | null;
}

/** How the clients of the cluster, its log and the other nodes are, once a second. */
export interface ClusterFiguresEvent {
  readonly kind: 'cluster-figures';
  readonly figures: ClusterFigures;
  readonly fleet: FleetFigures;
}

export type ControlEvent =
  | SnapshotEvent
  | ReusedEvent
  | RetiredEvent
  | WorkerEvent
  | EndpointEvent
  | EndpointGoneEvent
  | NamesEvent
  | ClusterEvent
  | ClusterLogEvent
  | FollowEvent
  | ClusterFiguresEvent;
