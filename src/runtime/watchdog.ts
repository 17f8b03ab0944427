import { seatCountMax } from '../base/limits.ts';
import type { ControlBlock } from '../memory/control-block.ts';

/** A worker beats every 100 ms; one that has not for so long is stuck in a loop or a lock. */
const wedgedMs = 5_000;

/** Looks at the heartbeats of workers that serve, and tells of one that has stopped. */
export class Watchdog {
  static readonly periodMs = 250;
  readonly #block: ControlBlock;
  readonly #onWedged: (worker: number, silentMs: number) => void;
  readonly #seen: ({ count: number; sinceMs: number } | undefined)[] = [];
  #lookedMs = 0;

  constructor(block: ControlBlock, onWedged: (worker: number, silentMs: number) => void) {
    this.#block = block;
    this.#onWedged = onWedged;
    this.#seen.length = seatCountMax;
  }

  watch(worker: number, nowMs: number): void {
    this.#seen[worker] = { count: this.#block.heartbeat(worker), sinceMs: nowMs };
  }

  forget(worker: number): void {
    this.#seen[worker] = undefined;
  }

  look(nowMs: number): void {
    // When main itself was stopped (a suspended machine), silence proves nothing: count anew.
    const paused = this.#lookedMs > 0 && nowMs - this.#lookedMs > Watchdog.periodMs * 4;
    this.#lookedMs = nowMs;
    for (const [worker, seen] of this.#seen.entries()) {
      if (seen === undefined) continue;
      const count = this.#block.heartbeat(worker);
      if (paused || count !== seen.count) {
        seen.count = count;
        seen.sinceMs = nowMs;
      } else if (nowMs - seen.sinceMs >= wedgedMs) {
        this.#seen[worker] = undefined;
        this.#onWedged(worker, Math.round(nowMs - seen.sinceMs));
      }
    }
  }
}
