import { type ClusterFailure, clusterFailureReasons } from './cluster-error.ts';
import type { Life } from './life.ts';
import { type ReplacementReason, replacementReasons } from './replacement.ts';

export type ClientState = 'offline' | 'connected' | 'stopped';

/** What one client of the cluster did since the start of its thread, and how it is now. */
export interface ClientFigures {
  readonly state: ClientState;
  /** Members that it is connected to. */
  readonly connections: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly breakerOpened: number;
  readonly answered: number;
  readonly failed: Readonly<Record<ClusterFailure, number>>;
  /** Answers that came after their caller was told `timeout`, or had given up. */
  readonly late: number;
  readonly inFlight: number;
  readonly inFlightBytes: number;
  /** Of those in flight: reads that wait for something new, and calls whose callers wait no more. */
  readonly parked: number;
  readonly overdue: number;
  readonly replaced: Readonly<Record<ReplacementReason, number>>;
  /** The client's own words for what troubles it; null while it is connected. */
  readonly problem: string | null;
}

/** Counts over all lives of a client. */
export class ClientCounts {
  answered = 0;
  late = 0;
  breakerOpened = 0;
  readonly failed: Record<ClusterFailure, number> = zeros(clusterFailureReasons);
  readonly replaced: Record<ReplacementReason, number> = zeros(replacementReasons);

  figures(life: Life, state: ClientState, problem: string | null): ClientFigures {
    return {
      state,
      connections: state === 'stopped' ? 0 : (life.opened?.session.connectionCount ?? 0),
      breaker: life.breaker.state,
      breakerOpened: this.breakerOpened,
      answered: this.answered,
      failed: { ...this.failed },
      late: this.late,
      inFlight: life.inFlight.calls,
      inFlightBytes: life.inFlight.bytes,
      parked: life.parkedCount,
      overdue: life.overdueCount,
      replaced: { ...this.replaced },
      problem: state === 'connected' ? null : problem,
    };
  }
}

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
