/** Waits before a worker that died young is started again, so that a crash loop stays cheap. */
const firstMs = 100;
const mostMs = 5_000;
/** A worker that lived so long died of something new. */
const livedLongMs = 30_000;

/** How long to wait before a worker is started again: twice as long for each early death in a row. */
export class RespawnWait {
  #bornMs = 0;
  #earlyDeaths = 0;

  born(nowMs: number): void {
    this.#bornMs = nowMs;
  }

  /** Milliseconds; the first early death waits for nothing. */
  died(nowMs: number): number {
    this.#earlyDeaths = nowMs - this.#bornMs < livedLongMs ? this.#earlyDeaths + 1 : 0;
    return this.#earlyDeaths === 0 ? 0 : Math.min(mostMs, firstMs * 2 ** (this.#earlyDeaths - 1));
  }
}
