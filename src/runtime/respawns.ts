/**
 * Starts of a thread that keeps dying are so far apart, twice as far with each early death in a
 * row. A start takes about 0.2 s of one core: at the most, a crash loop has a fifth of it.
 */
const respawnMs = 100;
const respawnMsMax = 1_000;
/** A thread that lived so long died of something new. */
const livedLongMs = 30_000;

/** When to start the successor of a thread: at once, unless its starts come too fast. */
export class Respawns {
  readonly #bornMs: number[] = [];
  readonly #deaths: number[] = [];

  born(thread: number, nowMs: number): void {
    this.#bornMs[thread] = nowMs;
  }

  /** It died: milliseconds until its successor is to be started. */
  delayMs(thread: number, nowMs: number): number {
    const livedMs = nowMs - (this.#bornMs[thread] ?? 0);
    const deaths = livedMs < livedLongMs ? (this.#deaths[thread] ?? 0) + 1 : 0;
    this.#deaths[thread] = deaths;
    if (deaths === 0) return 0;
    return Math.max(0, Math.min(respawnMsMax, respawnMs * 2 ** (deaths - 1)) - livedMs);
  }
}
