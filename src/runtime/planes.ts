import { type MessagePort, Worker } from 'node:worker_threads';
import { monotonicMs, sleep } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { Respawns } from './respawns.ts';

const names = ['control', 'manager'] as const;

/** The threads of which there is one each: started, and replaced when they end by themselves. */
export class Planes {
  readonly #log: Log;
  readonly #isStopping: () => boolean;
  readonly #respawns = new Respawns();

  constructor(log: Log, isStopping: () => boolean) {
    this.#log = log;
    this.#isStopping = isStopping;
  }

  /** `replace`: its thread has ended, though the node goes on; called later when it died young. */
  start(
    name: (typeof names)[number],
    start: object,
    transfer: MessagePort[],
    replace: () => void,
  ): Worker {
    const index = names.indexOf(name);
    this.#respawns.born(index, monotonicMs());
    const thread = new Worker(new URL(`../${name}/thread.js`, import.meta.url), {
      workerData: start,
      transferList: transfer,
      name,
    });
    thread.on('error', (error) => this.#log.error({ detail: messageOf(error) }, `${name} died`));
    thread.on('exit', () => {
      if (this.#isStopping()) return;
      void sleep(this.#respawns.delayMs(index, monotonicMs())).then(() => {
        if (!this.#isStopping()) replace();
      });
    });
    return thread;
  }
}
