import { CutoverError, type ErrorRetry } from '../base/errors.ts';

interface Failure {
  readonly message: string;
  /** `safe`: nothing was done. `never`: it may have been done, so only what is idempotent goes again. */
  readonly retry: ErrorRetry;
}

/** Every way in which a call of the cluster fails, by reason. Codes are `cluster-` and the reason. */
export const clusterFailures = {
  offline: { message: 'no member of the cluster is connected', retry: 'safe' },
  busy: { message: 'too much is under way to the cluster', retry: 'safe' },
  'breaker-open': { message: 'calls of the cluster failed too often just now', retry: 'safe' },
  timeout: { message: 'the cluster did not answer in time', retry: 'never' },
  disconnected: { message: 'the connection broke before the answer came', retry: 'never' },
  minority: { message: 'too few members see each other to write', retry: 'safe' },
  abandoned: { message: 'the read was given up', retry: 'safe' },
  failed: { message: 'a member answered with an error', retry: 'never' },
  stopped: { message: 'the node has left the cluster', retry: 'safe' },
} as const satisfies Readonly<Record<string, Failure>>;

export type ClusterFailure = keyof typeof clusterFailures;

export const clusterFailureReasons = Object.keys(clusterFailures) as readonly ClusterFailure[];

export function clusterError(
  reason: ClusterFailure,
  context: Readonly<Record<string, unknown>>,
  cause?: unknown,
): CutoverError {
  const { message, retry } = clusterFailures[reason];
  const options = { source: 'cluster', retry, context } as const;
  return new CutoverError(`cluster-${reason}`, message, {
    ...options,
    ...(cause === undefined ? {} : { cause }),
  });
}
