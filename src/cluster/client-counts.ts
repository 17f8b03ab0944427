import type { ClientFigures, ClientState } from '../model/cluster-figures.ts';
import { type ClusterFailure, clusterFailureReasons } from './cluster-error.ts';
import type { Life } from './life.ts';
import { type ReplacementReason, replacementReasons } from './replacement.ts';

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
