import { present } from '../../base/assert.ts';
import { ConnectionPool } from './connection-pool.ts';
import { Endpoint, type EndpointListener, type EndpointSettings } from './endpoint.ts';
import { HealthCheck, type HealthCheckSettings } from './health-check.ts';

/** The settings that one generation has for an endpoint. */
interface Use {
  readonly settings: EndpointSettings;
  readonly check: HealthCheckSettings | null;
}

interface Held {
  readonly endpoint: Endpoint;
  readonly check: HealthCheck;
  /** One per generation that uses it, in the order in which they became active; never empty. */
  readonly uses: Use[];
}

/** An endpoint as one generation holds it. */
export interface EndpointUse {
  readonly endpoint: Endpoint;
  /** The generation is the active one: its settings hold from now on. */
  activate(): void;
  /** The generation is retired. Its settings hold no longer; those that held before it do. */
  release(): void;
}

/**
 * Endpoints by identity (upstream number and origin), counted by the generations that use them:
 * made for the first, closed with the last. The settings of the generation that became active last
 * hold for all; one that is attached but not active yet changes nothing.
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
  ): EndpointUse {
    const key = keyOf(upstream.number, origin);
    const use: Use = { settings, check };
    let held = this.#held.get(key);
    if (held === undefined) {
      const pool = new ConnectionPool(origin);
      const endpoint = new Endpoint(upstream.name, origin, pool, settings, this.#listener);
      held = { endpoint, check: new HealthCheck(endpoint), uses: [use] };
      this.#held.set(key, held);
      held.check.configure(check);
    } else {
      held.uses.unshift(use);
    }
    const { endpoint } = held;
    return {
      endpoint,
      activate: () => this.#activate(key, use),
      release: () => this.#release(key, use),
    };
  }

  #activate(key: string, use: Use): void {
    const { uses } = present(this.#held.get(key), 'an endpoint that is used is held');
    const before = uses.at(-1);
    uses.splice(uses.indexOf(use), 1);
    uses.push(use);
    if (before !== use) this.#apply(key);
  }

  #release(key: string, use: Use): void {
    const held = present(this.#held.get(key), 'an endpoint is released only after it was acquired');
    const inForce = held.uses.at(-1) === use;
    held.uses.splice(held.uses.indexOf(use), 1);
    if (held.uses.length > 0) {
      if (inForce) this.#apply(key);
      return;
    }
    this.#held.delete(key);
    held.check.configure(null);
    held.endpoint.close();
  }

  #apply(key: string): void {
    const { endpoint, check, uses } = present(this.#held.get(key), 'settings have their endpoint');
    const use = present(uses.at(-1), 'an endpoint that is held is used');
    endpoint.configure(use.settings);
    check.configure(use.check);
  }
}

function keyOf(upstreamNumber: number, origin: string): string {
  return `${upstreamNumber} ${origin}`;
}
