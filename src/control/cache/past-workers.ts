import { monotonicMs, sleep } from '../../base/clock.ts';
import type { CacheMemory } from '../../memory/cache/cache-memory.ts';
import { Epochs } from '../../memory/cache/epochs.ts';
import type { WorkerDrop } from '../../model/cache-orders.ts';

export interface PastWorkersParts {
  readonly memory: CacheMemory;
  readonly workerCount: number;
  readonly seatCount: number;
}

/** Waits until no worker is inside a lookup that could still see what was unlinked before. */
export class PastWorkers {
  readonly #parts: PastWorkersParts;
  readonly #epochs: Epochs;

  constructor(parts: PastWorkersParts) {
    this.#parts = parts;
    this.#epochs = new Epochs(parts.memory);
  }

  /** When each worker had left them: in both of its seats, since one that drains still answers. */
  async wait(beganMs: number): Promise<WorkerDrop[]> {
    const { workerCount, seatCount } = this.#parts;
    const epoch = this.#epochs.close();
    const droppedMs = new Array<number>(workerCount).fill(0);
    for (let seat = 0; seat < seatCount; seat++) {
      // A lookup lasts microseconds: this waits only for a worker that is in one right now.
      while (!this.#epochs.isPast(seat, epoch)) await sleep(0);
      droppedMs[seat % workerCount] = monotonicMs() - beganMs;
    }
    return droppedMs.map((ms, id) => ({ id, droppedMs: ms }));
  }
}
