/** What the nodes of a cluster tell each other, and what one node tells of all. */

/** What a node tells of itself, once a second and whenever somebody waits for it. */
export interface NodeBeat {
  readonly region: string;
  /** Sequence in the log up to which everything is done on every worker; -1: nothing yet. */
  readonly applied: number;
  /** Of the log that `applied` counts in. */
  readonly epoch: string;
  readonly revision: number;
  readonly hash: string;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly notReady: string;
  /** By worker: from when the last busts came until it could not answer with what they named. */
  readonly droppedMs: readonly number[];
  /** It stops: nobody need wait for it any more. */
  readonly leaving: boolean;
}

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
  /** Heard within the time after which others go on without it. */
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

/** What a node knows of the cluster's log and of the others. */
export interface FleetFigures {
  readonly log: LogFigures;
  /** Sequence up to which everything is done on this node's workers; -1: nothing yet. */
  readonly applied: number;
  /** Busts that wait on disk for the log. */
  readonly queued: number;
  readonly nodes: readonly HeardNode[];
}
