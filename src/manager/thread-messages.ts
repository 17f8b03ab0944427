import type { MessagePort } from 'node:worker_threads';
import type { NodeMemory } from '../memory/node-memory.ts';
import type { Settings } from '../model/settings.ts';

/** Everything the manager's thread needs, in one message (`workerData`). */
export interface ManagerStart {
  readonly settings: Settings;
  /** File or folder given by `--definitions`. */
  readonly definitionsPath: string | null;
  readonly memory: NodeMemory;
  /** Orders go out, answers and events come in (model/orders.ts). */
  readonly control: MessagePort;
}

/** From main. */
export type ToManager =
  /** Batches of log records (base/log-record.ts) from one worker come through this port. */
  | { readonly kind: 'log-port'; readonly port: MessagePort }
  /** What `/readyz` says besides what the manager knows itself. */
  | { readonly kind: 'node-state'; readonly state: 'starting' | 'serving' | 'draining' }
  /** Control was replaced after it died: apply the head revision to it again. */
  | { readonly kind: 'control-port'; readonly port: MessagePort }
  /** Refuse new applies, finish what runs, close the admin interface, answer `stopped`. */
  | { readonly kind: 'stop' };

/** To main. */
export type FromManager =
  /** The admin interface listens. */
  | { readonly kind: 'listening'; readonly host: string; readonly port: number }
  /** The first revision is active on every worker (0: the empty one); main may open the door. */
  | { readonly kind: 'active'; readonly revision: number }
  /** The node cannot start; main prints the lines on standard error and exits with 1. */
  | { readonly kind: 'refused'; readonly lines: readonly string[] }
  | { readonly kind: 'stopped' };
