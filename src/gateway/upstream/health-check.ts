import { after, cancel, type Timer } from '../../base/clock.ts';
import type { Endpoint } from './endpoint.ts';
import { waitedInVain } from './retry-rule.ts';

export interface HealthCheckSettings {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/**
 * Asks one endpoint again and again whether it is well: a GET that answers 2xx or 3xx in time. One
 * check at a time, over the endpoint's own connections; every worker checks for itself, since a
 * worker's view of the network is its own.
 */
export class HealthCheck {
  readonly #endpoint: Endpoint;
  #settings: HealthCheckSettings | null = null;
  #timer: Timer | undefined;
  #running = false;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  /** Null stops it. A new interval counts from now; the first check comes within one interval. */
  configure(settings: HealthCheckSettings | null): void {
    const before = this.#settings;
    this.#settings = settings;
    if (settings === null) {
      cancel(this.#timer);
      return;
    }
    if (before !== null && before.intervalMs === settings.intervalMs) return;
    if (!this.#running) this.#schedule(Math.random() * settings.intervalMs);
  }

  #schedule(ms: number): void {
    cancel(this.#timer);
    this.#timer = after(ms, () => this.#check());
    this.#timer.unref();
  }

  #check(): void {
    const settings = this.#settings;
    if (settings === null) return;
    this.#running = true;
    let status = 0;
    // Null: the check had no connection, which tells nothing of the endpoint.
    const done = (good: boolean | null): void => {
      this.#running = false;
      if (this.#settings === null) return;
      if (good !== null) this.#endpoint.checked(good);
      this.#schedule(this.#settings.intervalMs);
    };
    const call = this.#endpoint.pool.send(
      {
        method: 'GET',
        head: `GET ${settings.path} HTTP/1.1\r\nhost: ${this.#endpoint.authority}\r\nuser-agent: cutover-health\r\n`,
        body: null,
        headersMs: settings.timeoutMs,
        idleMs: settings.timeoutMs,
      },
      {
        onHead: (head) => {
          status = head.status;
        },
        onChunk: () => true,
        onEnd: () => done(status >= 200 && status < 400),
        onFailure: (failure, sent) => done(waitedInVain(failure, sent) ? null : false),
      },
    );
    if (call === null) done(null);
  }
}
