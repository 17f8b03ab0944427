/** Length of the window, and of its buckets, which leave it one at a time. */
const windowMs = 10_000;
const bucketCount = 10;
const bucketMs = windowMs / bucketCount;

/** So many repeats a window are always allowed: a share of little traffic would allow none. */
const repeatsMin = 3;

/**
 * How many exchanges of an upstream may be sent again: a share of those sent for the first time
 * within a sliding window, so that retries never multiply the load of an upstream that is failing.
 */
export class RetryBudget {
  readonly #firsts = new Uint32Array(bucketCount);
  readonly #repeats = new Uint32Array(bucketCount);
  #bucket = 0;

  first(nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#bucket % bucketCount;
    this.#firsts[at] = (this.#firsts[at] as number) + 1;
  }

  /** Takes one repeat out of the budget; false: it is used up. */
  take(percent: number, nowMs: number): boolean {
    this.#advance(nowMs);
    const repeats = sum(this.#repeats);
    if (repeats >= repeatsMin && repeats * 100 >= percent * sum(this.#firsts)) return false;
    const at = this.#bucket % bucketCount;
    this.#repeats[at] = (this.#repeats[at] as number) + 1;
    return true;
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / bucketMs);
    const steps = Math.min(bucket - this.#bucket, bucketCount);
    for (let step = 1; step <= steps; step++) {
      const at = (bucket - steps + step) % bucketCount;
      this.#firsts[at] = 0;
      this.#repeats[at] = 0;
    }
    this.#bucket = bucket;
  }
}

function sum(buckets: Uint32Array): number {
  let total = 0;
  for (const count of buckets) total += count;
  return total;
}
