import { present } from '../../base/assert.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Endpoint, type EndpointListener, type EndpointSettings } from './endpoint.ts';
import { HealthCheck, type HealthCheckSettings } from './health-check.ts';

interface Held {
  readonly endpoint: Endpoint;
  readonly check: HealthCheck;
  generations: number;
}

/**
 * Endpoints by identity (upstream number and origin), counted by the generations that use them:
 * made for the first, closed with the last. The newest generation's settings hold for all.
 */
export class EndpointRegistry {
  readonly #held = new Map<string, Held>();
  readonly #listener: EndpointListener;

  constructor(listener: EndpointListener) {
    this.#listener = listener;
  }

  get size(): number {
    return this.#held.size;
  }

  acquire(
    upstream: { readonly number: number; readonly name: string },
    origin: string,
    settings: EndpointSettings,
    check: HealthCheckSettings | null,
  ): Endpoint {
    const key = keyOf(upstream.number, origin);
    let held = this.#held.get(key);
    if (held === undefined) {
      const pool = new ConnectionPool(origin);
      const endpoint = new Endpoint(upstream.name, origin, pool, settings, this.#listener);
      held = { endpoint, check: new HealthCheck(endpoint), generations: 0 };
      this.#held.set(key, held);
    } else {
      held.endpoint.configure(settings);
    }
    held.generations += 1;
    held.check.configure(check);
    return held.endpoint;
  }

  release(upstreamNumber: number, origin: string): void {
    const key = keyOf(upstreamNumber, origin);
    const held = present(this.#held.get(key), 'an endpoint is released only after it was acquired');
    held.generations -= 1;
    if (held.generations > 0) return;
    this.#held.delete(key);
    held.check.configure(null);
    held.endpoint.pool.close();
  }
}

function keyOf(upstreamNumber: number, origin: string): string {
  return `${upstreamNumber} ${origin}`;
}
