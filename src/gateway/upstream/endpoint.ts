import { Breaker, type BreakerSettings, notTheTrial } from '../../base/breaker.ts';
import type { ConnectionPool } from './connection-pool.ts';

/** What is told of an endpoint, for logs, events and metrics. */
export type EndpointChange =
  | 'healthy'
  | 'unhealthy'
  | 'breaker-open'
  | 'breaker-closed'
  /** With its last generation. */
  | 'gone';

export type EndpointListener = (endpoint: Endpoint, change: EndpointChange, reason: string) => void;

export interface EndpointSettings {
  readonly connections: number;
  readonly connectMs: number;
  readonly breaker: BreakerSettings | null;
  /** Failures in a row that make it unhealthy, and good checks that heal it; null: no health block. */
  readonly health: { readonly unhealthy: number; readonly healthy: number } | null;
}

/**
 * One address of an upstream as one worker knows it: its connections, health and breaker. Its
 * identity is the upstream's number with the origin; it outlives generations (endpoint-registry.ts).
 */
export class Endpoint {
  readonly upstreamName: string;
  readonly origin: string;
  /** `host:port`, for the Host header. */
  readonly authority: string;
  readonly pool: ConnectionPool;
  /** Exchanges that run on it or wait for a connection. */
  pending = 0;
  healthy = true;
  #breaker: Breaker | null = null;
  #settings: EndpointSettings;
  /** Failures in a row: of exchanges, and of checks, since neither kind makes up for the other. */
  #failures = 0;
  #failedChecks = 0;
  #successes = 0;
  readonly #listener: EndpointListener;

  constructor(
    upstreamName: string,
    origin: string,
    pool: ConnectionPool,
    settings: EndpointSettings,
    listener: EndpointListener,
  ) {
    this.upstreamName = upstreamName;
    this.origin = origin;
    this.authority = authorityOf(origin);
    this.pool = pool;
    this.#settings = settings;
    this.#listener = listener;
    this.configure(settings);
  }

  /** Hot settings of the newest generation; what was learned stays. */
  configure(settings: EndpointSettings): void {
    this.#settings = settings;
    this.pool.configure(settings.connections, settings.connectMs);
    const wasOpen = this.#isBreakerOpen;
    if (settings.breaker === null) this.#breaker = null;
    else if (this.#breaker === null) this.#breaker = new Breaker(settings.breaker);
    else this.#breaker.configure(settings.breaker);
    if (wasOpen && !this.#isBreakerOpen) {
      this.#listener(this, 'breaker-closed', 'its settings were changed');
    }
    if (settings.health !== null || this.healthy) return;
    this.healthy = true;
    this.#listener(this, 'healthy', 'its health is not asked for any more');
  }

  /** No generation uses it any more. */
  close(): void {
    this.pool.close();
    this.#listener(this, 'gone', 'no loaded generation has it');
  }

  get #isBreakerOpen(): boolean {
    return this.#breaker !== null && this.#breaker.state !== 'closed';
  }

  breakerAllows(nowMs: number): boolean {
    return this.#breaker === null || this.#breaker.allows(nowMs);
  }

  /** Returns what `answered` and `ended` want to know: whether it is the trial of the breaker. */
  began(nowMs: number): number {
    this.pending += 1;
    return this.#breaker?.began(nowMs) ?? notTheTrial;
  }

  /** A good head came: enough for a trial, whose body may take for ever. */
  answered(nowMs: number, trial: number): void {
    if (trial !== notTheTrial) this.#tellBreaker(false, nowMs, trial);
  }

  /** Every `began` has one `ended`. `abandoned`: the client went away, which tells nothing. */
  ended(outcome: 'good' | 'failed' | 'abandoned', nowMs: number, trial: number): void {
    this.pending -= 1;
    if (outcome === 'abandoned') {
      this.#breaker?.abandoned(trial);
      return;
    }
    const failed = outcome === 'failed';
    this.#tellBreaker(failed, nowMs, trial);
    if (!failed) this.#failures = 0;
    else {
      this.#failures += 1;
      this.#weigh('failures of exchanges in a row');
    }
  }

  #tellBreaker(failed: boolean, nowMs: number, trial: number): void {
    if (this.#breaker?.ended(failed, nowMs, trial) !== true) return;
    const change = failed ? 'breaker-open' : 'breaker-closed';
    this.#listener(this, change, failed ? 'too many failures' : 'a trial went well');
  }

  /** The outcome of an active check. */
  checked(good: boolean): void {
    if (!good) {
      this.#successes = 0;
      this.#failedChecks += 1;
      this.#weigh('failed checks in a row');
      return;
    }
    this.#failedChecks = 0;
    if (this.healthy) {
      this.#failures = 0;
      return;
    }
    this.#successes += 1;
    if (this.#settings.health !== null && this.#successes < this.#settings.health.healthy) return;
    this.healthy = true;
    this.#failures = 0;
    this.#successes = 0;
    this.#listener(this, 'healthy', 'checks went well');
  }

  #weigh(what: string): void {
    if (!this.healthy || this.#settings.health === null) return;
    const count = this.#failures + this.#failedChecks;
    if (count < this.#settings.health.unhealthy) return;
    this.healthy = false;
    this.#successes = 0;
    this.#listener(this, 'unhealthy', `${count} ${what}`);
  }
}

function authorityOf(origin: string): string {
  const authority = origin.slice('http://'.length);
  return authority.endsWith(':80') ? authority.slice(0, -':80'.length) : authority;
}
