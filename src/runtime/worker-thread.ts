import { type MessagePort, Worker } from 'node:worker_threads';
import { sleep } from '../base/clock.ts';
import { connectionsAreCut, cutConnections } from '../base/native.ts';
import type { MainToWorker, WorkerStart, WorkerToMain } from '../gateway/start-message.ts';
import { endableLimits } from './endable-threads.ts';

/** A worker beats every 100 ms; one that runs no JavaScript for so long reads no request either. */
const cutMsMax = 500;
const cutStepMs = 5;

/** What main learns of a worker thread. */
export interface WorkerListener {
  onDescriptor(thread: WorkerThread): void;
  onBroken(thread: WorkerThread, message: string): void;
  /** The thread has ended, as was wanted or not. */
  onEnd(thread: WorkerThread, error: Error | null): void;
}

/** A worker as main holds it. Lives from spawn to the end of its thread; never used again. */
export class WorkerThread {
  readonly index: number;
  readonly seat: number;
  /** Known once its app is up. */
  descriptor: unknown = null;
  /** Whether the acceptor deals connections to it. */
  dealt = false;
  /** Main wants it to end. */
  ending = false;
  readonly ended: Promise<void>;
  readonly #thread: Worker;

  constructor(start: WorkerStart, transfer: MessagePort[], listener: WorkerListener) {
    this.index = start.index;
    this.seat = start.seat;
    this.#thread = new Worker(new URL('../gateway/thread.js', import.meta.url), {
      workerData: start,
      transferList: transfer,
      name: `worker-${start.index}`,
      resourceLimits: endableLimits,
    });
    let error: Error | null = null;
    this.#thread.on('error', (thrown) => {
      error = thrown instanceof Error ? thrown : new Error(String(thrown));
    });
    this.#thread.on('message', (message: WorkerToMain) => {
      if (message.kind === 'descriptor') {
        this.descriptor = message.descriptor;
        listener.onDescriptor(this);
      } else if (message.kind === 'broken') {
        listener.onBroken(this, message.message);
      }
    });
    this.ended = new Promise((resolve) => {
      this.#thread.on('exit', () => {
        resolve();
        listener.onEnd(this, error);
      });
    });
  }

  send(message: MainToWorker, transfer: MessagePort[] = []): void {
    this.#thread.postMessage(message, transfer);
  }

  /** Ends the thread wherever it is; its connections are lost. */
  kill(): void {
    this.ending = true;
    void this.#end();
  }

  async #end(): Promise<void> {
    if (cutConnections(this.seat)) {
      for (let ms = 0; ms < cutMsMax && !connectionsAreCut(this.seat); ms += cutStepMs) {
        await sleep(cutStepMs);
      }
    }
    await this.#thread.terminate();
  }
}
