/** When a breaker opens, and for how long. */
export interface BreakerSettings {
  readonly failuresPercent: number;
  readonly of: number;
  readonly openMs: number;
}

/** What `began` says of an exchange that is no trial. */
export const notTheTrial = 0;

/**
 * A circuit breaker over the latest outcomes of one endpoint, or of a client of the cluster.
 *
 *   closed     outcomes are counted; opens when the last `of` hold the share of failures
 *   open       nothing is sent until `openMs` have passed
 *   half-open  one exchange or call is let through; its outcome alone closes or opens it again
 *
 * Time is passed in, in monotonic milliseconds.
 */
export class Breaker {
  #settings: BreakerSettings;
  #outcomes: Uint8Array;
  #next = 0;
  #seen = 0;
  #failures = 0;
  #openUntilMs = 0;
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  #trialRuns = false;
  /** Counts the trials, so that no other exchange, nor an earlier trial, is taken for one. */
  #trial = 0;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
    this.#outcomes = new Uint8Array(settings.of);
  }

  get state(): 'closed' | 'open' | 'half-open' {
    return this.#state;
  }

  /** Settings that did not change keep the window; others start a new one. */
  configure(settings: BreakerSettings): void {
    const { failuresPercent, of, openMs } = this.#settings;
    if (
      settings.failuresPercent === failuresPercent &&
      settings.of === of &&
      settings.openMs === openMs
    ) {
      return;
    }
    this.#settings = settings;
    this.#outcomes = new Uint8Array(settings.of);
    this.#close();
  }

  /** Whether an exchange may be sent now; asks only, so that a balancer may look at many. */
  allows(nowMs: number): boolean {
    if (this.#state === 'closed') return true;
    if (this.#state === 'open') return nowMs >= this.#openUntilMs;
    return !this.#trialRuns;
  }

  /** An exchange is sent: after `openMs` it is the trial, whose number is returned; else 0. */
  began(nowMs: number): number {
    if (this.#state === 'open' && nowMs >= this.#openUntilMs) this.#state = 'half-open';
    if (this.#state !== 'half-open' || this.#trialRuns) return notTheTrial;
    this.#trialRuns = true;
    this.#trial += 1;
    return this.#trial;
  }

  /** The outcome of an exchange, with what `began` said. True: the breaker opened or closed with it. */
  ended(failed: boolean, nowMs: number, trial: number): boolean {
    if (this.#state === 'half-open') {
      if (trial !== this.#trial) return false;
      this.#trialRuns = false;
      if (failed) this.#open(nowMs);
      else this.#close();
      return true;
    }
    if (this.#state === 'open') return false;
    this.#count(failed);
    const { of, failuresPercent } = this.#settings;
    if (this.#seen < of || this.#failures * 100 < failuresPercent * of) return false;
    this.#open(nowMs);
    return true;
  }

  /** An exchange that told nothing of the endpoint, such as one that its client gave up. */
  abandoned(trial: number): void {
    if (trial === this.#trial) this.#trialRuns = false;
  }

  #count(failed: boolean): void {
    this.#failures += (failed ? 1 : 0) - (this.#outcomes[this.#next] as number);
    this.#outcomes[this.#next] = failed ? 1 : 0;
    this.#next = (this.#next + 1) % this.#outcomes.length;
    if (this.#seen < this.#outcomes.length) this.#seen += 1;
  }

  #open(nowMs: number): void {
    this.#state = 'open';
    this.#openUntilMs = nowMs + this.#settings.openMs;
  }

  #close(): void {
    this.#state = 'closed';
    this.#outcomes.fill(0);
    this.#next = 0;
    this.#seen = 0;
    this.#failures = 0;
    this.#trialRuns = false;
  }
}
