/** Of each kind. */
const remarkCountMax = 8;

/** What was seen from outside while a fault lasted, and until all was well again. */
export class Counts {
  requests = 0;
  /** Not answered, or with another status than 200, on any route. */
  failed = 0;
  /** Answers older than what was confirmed to be busted before they were asked for. */
  oldStrict = 0;
  oldOthers = 0;
  /** Of those, after the fleet had recovered. */
  oldAfter = 0;
  bustsConfirmed = 0;
  bustsQueued = 0;
  /** Told to have failed, or not told at all: nothing was promised. */
  bustsRefused = 0;
  bustsLost = 0;
  appliesDone = 0;
  appliesRefused = 0;
  appliesLost = 0;
  /** The longest time in which no bust was confirmed. */
  silentMs = 0;
  /** Until busts were confirmed again while the fault lasted; null: they cannot be. */
  duringMs: number | null = null;
  /** Until busts through every node were confirmed by all, and all nodes ready, from its end. */
  afterMs = 0;
  readyMs = 0;
  /** The first things of each kind that were not as they should be, with the second of each. */
  readonly remarks: string[] = [];
  readonly #kinds = new Map<string, number>();
  readonly #beganMs = performance.now();

  remark(kind: string, text: string): void {
    const count = (this.#kinds.get(kind) ?? 0) + 1;
    this.#kinds.set(kind, count);
    if (count > remarkCountMax) return;
    const seconds = (performance.now() - this.#beganMs) / 1000;
    this.remarks.push(`${seconds.toFixed(1)} s: ${kind}: ${text}`);
  }
}
