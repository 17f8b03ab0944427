/** The two clients of a node: what is sent through one keeps its order and never waits for the other. */
export const clientNames = ['log', 'bodies'] as const;
export type ClientName = (typeof clientNames)[number];

export type ClientState = 'offline' | 'connected' | 'stopped';

/** What one client of the cluster did since the start of its thread, and how it is now. */
export interface ClientFigures {
  readonly state: ClientState;
  /** Members that it is connected to. */
  readonly connections: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  readonly breakerOpened: number;
  readonly answered: number;
  /** By the reasons of docs/errors.md. */
  readonly failed: Readonly<Record<string, number>>;
  /** Answers that came after their caller was told `timeout`, or had given up. */
  readonly late: number;
  readonly inFlight: number;
  readonly inFlightBytes: number;
  /** Of those in flight: reads that wait for something new, and calls whose callers wait no more. */
  readonly parked: number;
  readonly overdue: number;
  /** Sessions that another took the place of: `closed`, `leaked`, `stuck`. */
  readonly replaced: Readonly<Record<string, number>>;
  /** The client's own words for what troubles it; null while it is connected. */
  readonly problem: string | null;
}

export type ClusterFigures = Readonly<Record<ClientName, ClientFigures>>;

/** What changed with a client of the cluster. */
export type ClientEvent =
  | { readonly kind: 'state'; readonly state: ClientState; readonly problem: string | null }
  | { readonly kind: 'breaker'; readonly state: 'closed' | 'open' }
  | { readonly kind: 'replaced'; readonly reason: string };
