import { Breaker, type BreakerSettings } from '../base/breaker.ts';
import type { ClusterFailure } from './cluster-error.ts';
import { InFlight, type InFlightBounds } from './in-flight.ts';
import type { OpenedSession } from './session.ts';

/** A call that holds a place, until it is settled or its life ends. */
export interface Place {
  readonly bytes: number;
  /** Which of the life's connections it was sent on, counted. */
  readonly connection: number;
  /** When its caller was told that it took too long. */
  overdueSinceMs: number | null;
}

export interface LifeLimits {
  readonly inFlight: InFlightBounds;
  readonly breaker: BreakerSettings;
}

/**
 * One session with what is under way on it.
 *
 *   offline    opened, or its connections broke; it goes on trying by itself
 *   connected  calls are sent
 *   closed     it tries no more; another life must take its place
 *
 * Time is passed in, in monotonic milliseconds.
 */
export class Life {
  readonly #limits: LifeLimits;
  #breaker: Breaker;
  #connection = 0;
  readonly inFlight: InFlight;
  readonly #overdue = new Set<Place>();
  readonly #parked = new Set<(reason: ClusterFailure) => void>();
  #opened: OpenedSession | null = null;
  #state: 'offline' | 'connected' | 'closed' = 'offline';
  /** When something was last answered, or could first have been. */
  #answeredMs = 0;
  #failedMs = 0;

  constructor(limits: LifeLimits) {
    this.#limits = limits;
    this.#breaker = new Breaker(limits.breaker);
    this.inFlight = new InFlight(limits.inFlight);
  }

  /** Null until the session is open. */
  get opened(): OpenedSession | null {
    return this.#opened;
  }

  get state(): 'offline' | 'connected' | 'closed' {
    return this.#state;
  }

  get breaker(): Breaker {
    return this.#breaker;
  }

  get answeredMs(): number {
    return this.#answeredMs;
  }

  get failedMs(): number {
    return this.#failedMs;
  }

  get overdueCount(): number {
    return this.#overdue.size;
  }

  get parkedCount(): number {
    return this.#parked.size;
  }

  /** `connected` may have come before it. */
  open(opened: OpenedSession): void {
    this.#opened = opened;
  }

  /** What failed before says nothing of a new connection. True: that closed a breaker that was not. */
  connected(nowMs: number): boolean {
    const wasClosed = this.#breaker.state === 'closed';
    this.#state = 'connected';
    this.#answeredMs = nowMs;
    this.#connection += 1;
    this.#breaker = new Breaker(this.#limits.breaker);
    return !wasClosed;
  }

  disconnected(): void {
    if (this.#state !== 'closed') this.#state = 'offline';
  }

  closed(): void {
    this.#state = 'closed';
  }

  /** Null: it does not fit. */
  begin(bytes: number): Place | null {
    if (!this.inFlight.take(bytes)) return null;
    return { bytes, connection: this.#connection, overdueSinceMs: null };
  }

  end(place: Place): void {
    this.#overdue.delete(place);
    this.inFlight.free(place.bytes);
  }

  /** Its caller waits no more. It keeps its place, since the session still holds it. */
  passed(place: Place, nowMs: number): void {
    place.overdueSinceMs = nowMs;
    this.#overdue.add(place);
  }

  /** Calls that are overdue for so long that they will hardly ever be settled. */
  leakedCount(leakMs: number, nowMs: number): number {
    let count = 0;
    // In the order in which they became overdue: the first young one ends the count.
    for (const { overdueSinceMs } of this.#overdue) {
      if (overdueSinceMs === null || nowMs - overdueSinceMs < leakMs) break;
      count += 1;
    }
    return count;
  }

  /** The outcome of a call. True: the breaker opened or closed with it. */
  ended({ connection }: Place, answered: boolean, nowMs: number, trial: number): boolean {
    if (connection !== this.#connection) return false;
    if (answered) this.#answeredMs = nowMs;
    else this.#failedMs = nowMs;
    return this.#breaker.ended(!answered, nowMs, trial);
  }

  /** `giveUp` is called when the life ends, or is cut off, first; gives what takes it back. */
  park(giveUp: (reason: ClusterFailure) => void): () => void {
    this.#parked.add(giveUp);
    return () => this.#parked.delete(giveUp);
  }

  giveUpParked(reason: ClusterFailure): void {
    for (const giveUp of [...this.#parked]) giveUp(reason);
  }
}
