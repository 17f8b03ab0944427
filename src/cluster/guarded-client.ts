import { notTheTrial } from '../base/breaker.ts';
import { after, cancel, every, monotonicMs, type Timer } from '../base/clock.ts';
import { type CutoverError, messageOf } from '../base/errors.ts';
import type { ClientEvent, ClientFigures, ClientState } from '../model/cluster-figures.ts';
import { ClientCounts } from './client-counts.ts';
import { type ClusterFailure, clusterError } from './cluster-error.ts';
import { Life, type LifeLimits, type Place } from './life.ts';
import {
  type ReplacementLimits,
  ReplacementPause,
  type ReplacementReason,
  reasonToReplace,
} from './replacement.ts';
import type { OpenedSession, OpenSession, Session } from './session.ts';

export interface ClientLimits extends LifeLimits {
  /** Of a call that names none. */
  readonly deadlineMs: number;
  /** Bytes that a call counts for beyond what it sends: room for its answer. */
  readonly answerBytes: number;
  readonly replacement: ReplacementLimits;
}

export interface ClientPlan {
  readonly open: OpenSession;
  readonly limits: ClientLimits;
  readonly onEvent: (event: ClientEvent) => void;
}

export interface CallOptions {
  /** Bytes that it sends. */
  readonly bytes?: number | undefined;
  readonly deadlineMs?: number | undefined;
}

/** A read that waits for something new, for as long as it takes. */
export interface Parked<T> {
  readonly result: Promise<T>;
  /** `result` is rejected at once; the read goes on at its member, and counts as overdue here. */
  readonly abandon: () => void;
}

/** How often a client is looked after. */
const lookMs = 1000;

/** A new life gets this long to connect before it takes the place of one that still may work. */
const connectMsMax = 2000;
const connectLookMs = 50;

/** A session that does not end by then is left to itself; 2 ms were measured. */
const closeMsMax = 2000;

/**
 * A client of the cluster that can be trusted, around sessions that cannot: every call is settled by
 * its deadline; what is over a bound, or hopeless, is refused at once; and a session that leaks
 * calls, hangs or gave up is replaced.
 *
 * A call that is overdue keeps its place until its session settles it or is replaced, so the bounds
 * hold for what is really kept in memory.
 */
export class GuardedClient {
  readonly #plan: ClientPlan;
  readonly #counts = new ClientCounts();
  readonly #pause: ReplacementPause;
  #life: Life;
  #state: ClientState = 'offline';
  #problem: string | null = null;
  #told = false;
  #replacing = false;
  #looking: Timer | undefined;

  private constructor(plan: ClientPlan) {
    this.#plan = plan;
    this.#life = new Life(plan.limits);
    this.#pause = new ReplacementPause(plan.limits.replacement, monotonicMs());
  }

  /** Settles at once, whether or not a member is there. */
  static async start(plan: ClientPlan): Promise<GuardedClient> {
    const client = new GuardedClient(plan);
    await client.#open(client.#life);
    client.#looking = every(lookMs, () => client.#look());
    return client;
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Whether a call would be sent now: what a path asks that can do without the cluster. */
  get isUsable(): boolean {
    return this.#state === 'connected' && this.#life.breaker.allows(monotonicMs());
  }

  get figures(): ClientFigures {
    return this.#counts.figures(this.#life, this.#state, this.#problem);
  }

  /** Rejected with a `CutoverError` whose code is one of those in cluster-error.ts. */
  call<T>(work: (session: Session) => Promise<T>, options: CallOptions = {}): Promise<T> {
    const { deadlineMs = this.#plan.limits.deadlineMs, bytes = 0 } = options;
    return this.#run(work, bytes, deadlineMs).result;
  }

  /** A read without a deadline. It says nothing about the cluster's health: probe beside it. */
  park<T>(work: (session: Session) => Promise<T>): Parked<T> {
    return this.#run(work, 0, null);
  }

  /** Calls from now on are refused; those under way are rejected as their session ends. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    cancel(this.#looking);
    this.#become('stopped');
    this.#life.giveUpParked('stopped');
    await this.#close(this.#life);
  }

  #run<T>(
    work: (session: Session) => Promise<T>,
    bytes: number,
    deadlineMs: number | null,
  ): Parked<T> {
    const life = this.#life;
    const begun = this.#begin(life, bytes);
    if ('refusal' in begun) return { result: Promise.reject(begun.refusal), abandon: () => {} };
    const { place, opened } = begun;
    const trial = deadlineMs === null ? notTheTrial : life.breaker.began(monotonicMs());
    const tell = (answered: boolean): void => {
      if (deadlineMs !== null) this.#ended(life, place, answered, trial);
    };
    let waited = true;
    let leave = (): void => {};
    let giveUp = (_: ClusterFailure): void => {};
    const result = new Promise<T>((resolve, reject) => {
      const fail = (reason: ClusterFailure, error?: unknown): void => {
        waited = false;
        leave();
        tell(reason === 'minority');
        reject(this.#failure(reason, deadlineMs === null ? {} : { deadlineMs }, error));
      };
      giveUp = (reason) => {
        if (!waited) return;
        life.passed(place, monotonicMs());
        fail(reason);
      };
      if (deadlineMs === null) leave = life.park(giveUp);
      else {
        const timer = after(deadlineMs, () => giveUp('timeout'));
        leave = () => cancel(timer);
      }
      const settle = (): boolean => {
        life.end(place);
        if (!waited) this.#counts.late += 1;
        return waited;
      };
      attempt(work, opened.session).then(
        (value) => {
          if (!settle()) return;
          waited = false;
          leave();
          this.#counts.answered += 1;
          tell(true);
          resolve(value);
        },
        (error: unknown) => {
          if (settle()) fail(opened.failureOf(error), error);
        },
      );
    });
    return { result, abandon: () => giveUp('abandoned') };
  }

  #begin(
    life: Life,
    bytes: number,
  ): { place: Place; opened: OpenedSession } | { refusal: CutoverError } {
    const refuse = (reason: ClusterFailure, context = {}) => ({
      refusal: this.#failure(reason, context),
    });
    const { opened } = life;
    if (this.#state === 'stopped') return refuse('stopped');
    if (this.#state === 'offline' || opened === null) return refuse('offline');
    if (!life.breaker.allows(monotonicMs())) return refuse('breaker-open');
    const place = life.begin(bytes + this.#plan.limits.answerBytes);
    const { calls, bytes: held } = life.inFlight;
    return place === null ? refuse('busy', { calls, bytes: held }) : { place, opened };
  }

  #failure(reason: ClusterFailure, context: Readonly<Record<string, unknown>>, cause?: unknown) {
    this.#counts.failed[reason] += 1;
    return clusterError(reason, context, cause);
  }

  #ended(life: Life, place: Place, answered: boolean, trial: number): void {
    if (!life.ended(place, answered, monotonicMs(), trial)) return;
    const state = life.breaker.state === 'closed' ? 'closed' : 'open';
    if (state === 'open') this.#counts.breakerOpened += 1;
    if (life === this.#life) this.#plan.onEvent({ kind: 'breaker', state });
  }

  async #open(life: Life): Promise<void> {
    const changed = (): void => this.#follow(life);
    try {
      const opened = await this.#plan.open({
        connected: () => {
          const closed = life.connected(monotonicMs());
          changed();
          if (closed && life === this.#life)
            this.#plan.onEvent({ kind: 'breaker', state: 'closed' });
        },
        disconnected: () => {
          life.disconnected();
          changed();
        },
        closed: () => {
          life.closed();
          changed();
        },
        warned: (message) => {
          this.#problem = message;
        },
      });
      life.open(opened);
    } catch (error) {
      this.#problem = messageOf(error);
      life.closed();
    }
    changed();
  }

  /** The client is what its present life is. */
  #follow(life: Life): void {
    if (life !== this.#life || this.#state === 'stopped') return;
    const connected = life.state === 'connected' && life.opened !== null;
    if (!connected) life.giveUpParked('disconnected');
    this.#become(connected ? 'connected' : 'offline');
  }

  #become(state: ClientState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'connected') this.#problem = null;
    this.#tellState();
  }

  #tellState(): void {
    this.#told = true;
    this.#plan.onEvent({ kind: 'state', state: this.#state, problem: this.#problem });
  }

  #look(): void {
    // No member was there at the start.
    if (!this.#told) this.#tellState();
    if (this.#state === 'connected') this.#life.opened?.session.tend();
    const nowMs = monotonicMs();
    const reason = reasonToReplace(this.#life, this.#plan.limits.replacement, nowMs);
    if (reason === null || this.#replacing || !this.#pause.isOver(nowMs)) return;
    this.#replacing = true;
    void this.#replace(reason).finally(() => {
      this.#replacing = false;
    });
  }

  /** The next life is started whole before it takes the place of this one. */
  async #replace(reason: ReplacementReason): Promise<void> {
    const old = this.#life;
    const next = new Life(this.#plan.limits);
    await this.#open(next);
    await connectedOrLate(next);
    this.#pause.replaced(old.answeredMs, monotonicMs());
    if (this.#state === 'stopped') {
      await this.#close(next);
      return;
    }
    this.#life = next;
    this.#counts.replaced[reason] += 1;
    this.#plan.onEvent({ kind: 'replaced', reason });
    old.giveUpParked('disconnected');
    this.#follow(next);
    await this.#close(old);
  }

  async #close({ opened }: Life): Promise<void> {
    if (opened === null) return;
    const closed = opened.session.close().catch((error: unknown) => {
      this.#problem = messageOf(error);
    });
    await new Promise<void>((resolve) => {
      const timer = after(closeMsMax, resolve);
      void closed.then(() => {
        cancel(timer);
        resolve();
      });
    });
  }
}

/** What throws instead of rejecting is a failed call too. */
async function attempt<T>(work: (session: Session) => Promise<T>, session: Session): Promise<T> {
  return work(session);
}

async function connectedOrLate(life: Life): Promise<void> {
  const untilMs = monotonicMs() + connectMsMax;
  while (life.state === 'offline' && monotonicMs() < untilMs) {
    await new Promise<void>((resolve) => {
      after(connectLookMs, resolve);
    });
  }
}
