import type { FleetRevision } from '../../model/fleet.ts';
import type { ApplyTimings, Ledger } from '../../model/orders.ts';
import type { WrittenDefinitions } from '../../model/written.ts';

/**
 * States of a revision. `pending`: recorded, not yet known to be active; after a crash it stays
 * so and is never served. `acknowledged`: it was active and its apply was, or is about to be,
 * answered. `rejected`: the node refused it and kept its shape.
 */
export type RevisionState = 'pending' | 'acknowledged' | 'rejected';

export interface Revision extends FleetRevision {
  readonly state: RevisionState;
  /** All nodes of the cluster were to serve it; else it is this node's own. */
  readonly cluster?: true;
  /** Why it was rejected. */
  readonly reason?: string;
  readonly written: WrittenDefinitions;
  readonly timings?: ApplyTimings & { readonly validateMs: number };
  /** Final counts, once its generation was retired or became another revision's. */
  readonly ledger?: Ledger;
  readonly balanced?: boolean;
}

/** A revision without its content, for lists. */
export type RevisionSummary = Omit<Revision, 'written'>;

export function summaryOf({ written: _written, ...summary }: Revision): RevisionSummary {
  return summary;
}
