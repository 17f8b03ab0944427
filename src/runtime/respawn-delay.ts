import { monotonicMs } from '../base/clock.ts';

/** Waits before a worker that died young is started again, so that a crash loop stays cheap. */
const respawnMs = 100;
const respawnMsMax = 5_000;
/** A worker that lived so long died of something new. */
const livedLongMs = 30_000;

/** How long to wait for the successor of a worker that died: doubled with each that died young. */
export class RespawnDelay {
  readonly #bornMs: number[] = [];
  readonly #deaths: number[] = [];

  born(index: number): void {
    this.#bornMs[index] = monotonicMs();
  }

  /** In ms; 0 after one that lived long. Counts the death. */
  afterDeath(index: number): number {
    const young = monotonicMs() - (this.#bornMs[index] ?? 0) < livedLongMs;
    const deaths = young ? (this.#deaths[index] ?? 0) + 1 : 0;
    this.#deaths[index] = deaths;
    return deaths === 0 ? 0 : Math.min(respawnMsMax, respawnMs * 2 ** (deaths - 1));
  }
}
