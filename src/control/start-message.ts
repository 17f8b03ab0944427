import type { MessagePort } from 'node:worker_threads';
import type { NodeMemory } from '../memory/node-memory.ts';
import type { ClusterSettings } from '../model/settings.ts';

/** Everything control needs, in one message (`workerData`). */
export interface ControlStart {
  readonly memory: NodeMemory;
  /** Orders come in, answers and events go out (model/orders.ts). */
  readonly manager: MessagePort;
  /** Where secrets that definitions refer to by `env` are. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the cache's snapshot is written at a stop and taken at the start; null: nowhere. */
  readonly snapshotFile: string | null;
  /** Where busts wait that the cluster could not take; null: in memory. */
  readonly outboxFile: string | null;
  /** What others in the cluster, and its members' logs, call this node. */
  readonly node: { readonly id: string; readonly region: string };
  readonly cluster: ClusterSettings;
  /** Signs what this node writes into the cluster; null: none is set. */
  readonly clusterKey: string | null;
}

/** From main. Workers are told apart by their seats (memory/node-memory.ts). */
export type MainToControl =
  /** A worker is up; its messages (memory/worker-messages.ts) come through this port. */
  | { readonly kind: 'join'; readonly worker: number; readonly port: MessagePort }
  /** A worker's thread has ended and its pins are cleared. */
  | { readonly kind: 'lost'; readonly worker: number }
  /** Workers are drained: write the snapshot, then answer `stopped`. */
  | { readonly kind: 'stop' }
  /** The manager was replaced. */
  | { readonly kind: 'manager'; readonly port: MessagePort };

/** To main. */
export type ControlToMain =
  /** The worker has attached everything: connections may be dealt to it. */
  | { readonly kind: 'attached'; readonly worker: number }
  /** The snapshot is written, or there is none to write. */
  | { readonly kind: 'stopped' };
