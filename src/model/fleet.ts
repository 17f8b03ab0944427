/** What the nodes of a cluster tell each other, and what one node tells of all. */

/** Sums of a node's cache since its start, by which caches of nodes are added up. */
export const cacheSums = [
  'lookups',
  'hits',
  'misses',
  'stored',
  'evicted',
  'present',
  'presentBytes',
] as const;
export type CacheSums = Readonly<Record<(typeof cacheSums)[number], number>>;

export function cacheSumsOf(sumOf: (name: (typeof cacheSums)[number]) => number): CacheSums {
  return {
    lookups: sumOf('lookups'),
    hits: sumOf('hits'),
    misses: sumOf('misses'),
    stored: sumOf('stored'),
    evicted: sumOf('evicted'),
    present: sumOf('present'),
    presentBytes: sumOf('presentBytes'),
  };
}

export interface NodeWorker {
  readonly state: string;
  readonly generation: number;
  readonly revision: number;
}

/** How a node is, as its manager sees it once a second. */
export interface NodeState {
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly notReady: string;
  readonly workers: readonly NodeWorker[];
  /** Null: it has none. */
  readonly cache: CacheSums | null;
}

/** What a node tells of itself, once a second and whenever somebody waits for it. */
export interface NodeBeat extends NodeState {
  readonly region: string;
  /** Sequence in the log up to which everything is done on every worker; -1: nothing yet. */
  readonly applied: number;
  /** Of the log that `applied` counts in. */
  readonly epoch: string;
  readonly revision: number;
  readonly hash: string;
  /** By worker: from when the last busts came until it could not answer with what they named. */
  readonly droppedMs: readonly number[];
  /** It stops: nobody need wait for it any more. */
  readonly leaving: boolean;
}

/** A revision as nodes tell each other of it; what it holds is found by its hash. */
export interface FleetRevision {
  readonly revision: number;
  readonly parent: number;
  readonly hash: string;
  readonly author: string;
  readonly note: string;
  readonly createdAt: string;
}

/** What the manager asks of the cluster, through control. */
export type FleetAsk = ApplyAsk | NodeAsk;

/** About this node among the others. */
export type NodeAsk =
  /** What the others are told of this node. */
  | { readonly ask: 'state'; readonly state: NodeState }
  /** Takes what other nodes use most, before this one is ready. */
  | { readonly ask: 'warm'; readonly budgetMs: number; readonly bytesMax: number };

/** What an apply asks of the other nodes. */
export type ApplyAsk =
  /** A number for a revision on top of this node's head, and the right to apply; `content` is stored. */
  | {
      readonly ask: 'begin';
      readonly parent: number;
      readonly numberMin: number;
      readonly hash: string;
      readonly content: Uint8Array;
    }
  /** Every other live node readies it. */
  | { readonly ask: 'offer'; readonly revision: FleetRevision; readonly waitMs: number }
  /** It is what all serve from now on. */
  | { readonly ask: 'commit'; readonly revision: FleetRevision }
  /** Every other node that readied it has switched. */
  | { readonly ask: 'applied'; readonly revision: number; readonly waitMs: number }
  /** It will not go live. */
  | { readonly ask: 'abandon'; readonly revision: FleetRevision }
  /** This node followed another one's order. */
  | { readonly ask: 'tell'; readonly step: NodeStep }
  | { readonly ask: 'content'; readonly hash: string }
  /** What all serve; waits until the cluster can say. */
  | { readonly ask: 'head'; readonly waitMs: number }
  /** The cluster has no head, or an older one: this node's is it. */
  | { readonly ask: 'seed'; readonly revision: FleetRevision; readonly content: Uint8Array };

/** What a node took from the others before it was ready. */
export interface WarmReport {
  readonly entries: number;
  readonly bytes: number;
  readonly tookMs: number;
  /** Keys that were not asked for any more, as time or bytes ran out. */
  readonly leftOut: number;
}

export interface NodeSteps {
  readonly nodes: readonly (NodeStep & { readonly id: string })[];
  /** Live nodes that did not tell in time. */
  readonly late: readonly string[];
}

export type FleetTold =
  | { readonly told: 'number'; readonly revision: number }
  | ({ readonly told: 'steps' } & NodeSteps)
  /** Null: it is not there, or not by this cluster's key. */
  | { readonly told: 'content'; readonly content: Uint8Array | null }
  /** `reached`: the cluster said; null: it has none. */
  | { readonly told: 'head'; readonly reached: boolean; readonly revision: FleetRevision | null }
  | ({ readonly told: 'warmed' } & WarmReport)
  | { readonly told: 'done' };

/** How a node followed an order of an apply. */
export interface NodeStep {
  readonly revision: number;
  readonly outcome: 'staged' | 'applied' | 'rejected';
  /** Of a rejection; else empty. */
  readonly code: string;
  readonly message: string;
  readonly compileMs: number;
  readonly stagedMs: number;
  readonly switchedMs: number;
  /** By worker: from its node's order until it had switched; negative: it lags. */
  readonly workers: readonly number[];
}

/** A node as another one heard of it last. */
export interface HeardNode extends NodeBeat {
  readonly id: string;
  /** Since it was heard. */
  readonly silentMs: number;
  /** Not known to be silent for the time after which others go on without it. */
  readonly live: boolean;
}

/** Why nothing that was stored before can be proven fresh any more. */
export type LossReason =
  /** The node was away for longer than the log is long. */
  | 'overrun'
  /** The log has lost what the node had read: all members that had it died. */
  | 'ring-lost'
  /** Another history than the one that the node followed. */
  | 'new-history'
  /** What the node had read is not what is there: it was on the smaller side of a split. */
  | 'diverged';

export interface LogFigures {
  /** Which history of the log is followed; empty: none yet. */
  readonly epoch: string;
  /** Of the last item that was delivered; -1: none. */
  readonly sequence: number;
  /** Items that the last probe saw and that were not delivered yet. */
  readonly lag: number;
  /** Whether it was proven just now that nothing was missed. */
  readonly proven: boolean;
  /** Items that were not by this cluster's key, or of a later release. */
  readonly unsigned: number;
  readonly unknown: number;
  readonly lost: Readonly<Record<LossReason, number>>;
}

/** What became of reads and writes of the responses that nodes share. */
export interface SecondLevelFigures {
  readonly hits: number;
  readonly misses: number;
  /** Not there in time: the origin was asked. */
  readonly late: number;
  readonly failed: number;
  readonly written: number;
  /** Too large, fetched too long ago, or the cluster could not take it. */
  readonly notWritten: number;
  /** Read and not used: not by this cluster's key; of another history; busted since; past its time. */
  readonly unusable: {
    readonly foreign: number;
    readonly history: number;
    readonly busted: number;
    readonly expired: number;
  };
}

/** What a node knows of the cluster's log and of the others. */
export interface FleetFigures {
  readonly log: LogFigures;
  /** Sequence up to which everything is done on this node's workers; -1: nothing yet. */
  readonly applied: number;
  /** Busts that wait on disk for the log. */
  readonly queued: number;
  readonly secondLevel: SecondLevelFigures;
  /** What all are to serve; 0: the cluster has none. */
  readonly headRevision: number;
  /** For how long this node has served something else; 0: it does not. */
  readonly behindMs: number;
  readonly nodes: readonly HeardNode[];
}
