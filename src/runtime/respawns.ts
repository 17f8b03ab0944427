/** Waits before a thread that died young is started again, so that a crash loop stays cheap. */
const respawnMs = 100;
const respawnMsMax = 5_000;
/** A thread that lived so long died of something new. */
const livedLongMs = 30_000;

/** When to start the successor of a thread: at once, or later with each early death in a row. */
export class Respawns {
  readonly #bornMs: number[] = [];
  readonly #deaths: number[] = [];

  born(thread: number, nowMs: number): void {
    this.#bornMs[thread] = nowMs;
  }

  /** It died: milliseconds until its successor is to be started. */
  delayMs(thread: number, nowMs: number): number {
    const young = nowMs - (this.#bornMs[thread] ?? 0) < livedLongMs;
    const deaths = young ? (this.#deaths[thread] ?? 0) + 1 : 0;
    this.#deaths[thread] = deaths;
    return deaths === 0 ? 0 : Math.min(respawnMsMax, respawnMs * 2 ** (deaths - 1));
  }
}
