import { every, monotonicMs } from '../base/clock.ts';
import { seatCountMax } from '../base/limits.ts';
import type { ControlBlock } from '../memory/control-block.ts';

/** A worker beats every 100 ms; one that has not for so long is stuck in a loop or a lock. */
export const workerWedgedMs = 5_000;
/** Control may work for seconds on the largest sets; no request waits for it meanwhile. */
export const controlWedgedMs = 30_000;

/** Looks at the heartbeats of threads that run, and tells of one that has stopped. */
export class Watchdog {
  static readonly periodMs = 250;
  readonly #heartbeat: (seat: number) => number;
  readonly #wedgedMs: number;
  readonly #onWedged: (seat: number, silentMs: number) => void;
  readonly #seen: ({ count: number; sinceMs: number } | undefined)[] = [];
  #lookedMs = 0;

  /** `heartbeat`: a count that moves while the thread in that seat is not stuck. */
  constructor(
    heartbeat: (seat: number) => number,
    wedgedMs: number,
    onWedged: (seat: number, silentMs: number) => void,
  ) {
    this.#heartbeat = heartbeat;
    this.#wedgedMs = wedgedMs;
    this.#onWedged = onWedged;
    this.#seen.length = seatCountMax;
  }

  watch(seat: number, nowMs: number): void {
    this.#seen[seat] = { count: this.#heartbeat(seat), sinceMs: nowMs };
  }

  forget(seat: number): void {
    this.#seen[seat] = undefined;
  }

  look(nowMs: number): void {
    // When main itself was stopped (a suspended machine), silence proves nothing: count anew.
    const paused = this.#lookedMs > 0 && nowMs - this.#lookedMs > Watchdog.periodMs * 4;
    this.#lookedMs = nowMs;
    for (const [seat, seen] of this.#seen.entries()) {
      if (seen === undefined) continue;
      const count = this.#heartbeat(seat);
      if (paused || count !== seen.count) {
        seen.count = count;
        seen.sinceMs = nowMs;
      } else if (nowMs - seen.sinceMs >= this.#wedgedMs) {
        this.#seen[seat] = undefined;
        this.#onWedged(seat, Math.round(nowMs - seen.sinceMs));
      }
    }
  }
}

/** The two of a node, looking from now on; control is watched at once, workers when they serve. */
export function startWatchdogs(
  block: ControlBlock,
  listener: {
    workerWedged(seat: number, silentMs: number): void;
    controlWedged(silentMs: number): void;
  },
): { ofWorkers: Watchdog; ofControl: Watchdog } {
  const ofWorkers = new Watchdog(
    (seat) => block.heartbeat(seat),
    workerWedgedMs,
    (seat, silentMs) => listener.workerWedged(seat, silentMs),
  );
  const ofControl = new Watchdog(
    () => block.controlBeat(),
    controlWedgedMs,
    (_, silentMs) => listener.controlWedged(silentMs),
  );
  ofControl.watch(0, monotonicMs());
  every(Watchdog.periodMs, () => {
    for (const one of [ofWorkers, ofControl]) one.look(monotonicMs());
  });
  return { ofWorkers, ofControl };
}
