import type { MessagePort } from 'node:worker_threads';
import type { NodeMemory } from '../memory/node-memory.ts';
import type { Settings } from '../model/settings.ts';

/** Everything a worker needs, in one message (`workerData`). */
export interface WorkerStart {
  readonly index: number;
  /** Where its words, ledger and series stand in shared memory. */
  readonly seat: number;
  readonly settings: Settings;
  readonly memory: NodeMemory;
  /** Messages of memory/worker-messages.ts. */
  readonly control: MessagePort;
  /** Log batches go here (base/log-record.ts). */
  readonly logs: MessagePort;
  /** Names this run of the process, for request ids. */
  readonly startId: string;
}

/** From main. */
export type MainToWorker =
  /** Finish what runs within the time, then close the app and answer `closed`. */
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  /** Control was replaced: its messages come through this port from now on. */
  | { readonly kind: 'control'; readonly port: MessagePort }
  /** The manager was replaced: log batches go here from now on. */
  | { readonly kind: 'logs'; readonly port: MessagePort };

/** To main. */
export type WorkerToMain =
  /** The app is up; main may add its descriptor once control says that the worker is attached. */
  | { readonly kind: 'descriptor'; readonly descriptor: unknown }
  /** The app is closed and nothing runs: the thread ends by itself. */
  | { readonly kind: 'closed'; readonly cutOff: number }
  /** The worker met an error that nobody caught; it wants to be drained and replaced. */
  | { readonly kind: 'broken'; readonly message: string };
