import { balanceKind } from '../../memory/shape-kinds.ts';
import { Maglev } from './consistent-hash.ts';
import type { Endpoint } from './endpoint.ts';

export interface WeightedEndpoint {
  readonly endpoint: Endpoint;
  readonly weight: number;
}

/** Why no endpoint can be used. */
export type NoEndpoint = 'breaker-open' | 'no-endpoint';

/**
 * Chooses an endpoint for an exchange. Unhealthy ones are passed over while there is a healthy one;
 * when all are unhealthy, all are tried, since a wrong health check must not take a site down. An
 * open breaker is never passed. Endpoints that the exchange has tried come last.
 */
export class Balancer {
  readonly #kind: number;
  readonly #endpoints: readonly WeightedEndpoint[];
  readonly #maglev: Maglev | null;
  /** Smooth weighted round robin: the current weights (the scheme that nginx made known). */
  readonly #current: Float64Array;
  #turn: number;

  /** `start`: where round robin begins, so that workers do not all begin with the same endpoint. */
  constructor(kind: number, endpoints: readonly WeightedEndpoint[], start: number) {
    this.#kind = kind;
    this.#endpoints = endpoints;
    this.#current = new Float64Array(endpoints.length);
    this.#turn = start;
    for (let i = 0; i < start % Math.max(1, endpoints.length); i++) this.#roundRobin(any);
    this.#maglev = isHash(kind)
      ? new Maglev(endpoints.map(({ endpoint, weight }) => ({ name: endpoint.origin, weight })))
      : null;
  }

  /** `hash` matters to consistent hashing alone. */
  pick(hash: number, tried: readonly Endpoint[], nowMs: number): Endpoint | NoEndpoint {
    if (this.#endpoints.length === 0) return 'no-endpoint';
    for (let level = tried.length > 0 ? 0 : 1; level <= 3; level++) {
      const chosen = this.#choose(hash, level, tried, nowMs);
      if (chosen !== null) return chosen;
    }
    return 'breaker-open';
  }

  /** Level 0: healthy and untried; 1: healthy; 2: untried; 3: any. Open breakers never. */
  #usable(index: number, level: number, tried: readonly Endpoint[], nowMs: number): boolean {
    const { endpoint } = this.#endpoints[index] as WeightedEndpoint;
    if (!endpoint.breakerAllows(nowMs)) return false;
    if (level <= 1 && !endpoint.healthy) return false;
    return level % 2 === 1 || !tried.includes(endpoint);
  }

  #choose(hash: number, level: number, tried: readonly Endpoint[], nowMs: number): Endpoint | null {
    let usableCount = 0;
    let only = -1;
    for (let i = 0; i < this.#endpoints.length; i++) {
      if (!this.#usable(i, level, tried, nowMs)) continue;
      only = i;
      usableCount += 1;
    }
    if (usableCount === 0) return null;
    if (usableCount === 1) return this.#at(only);
    const usable = (index: number): boolean => this.#usable(index, level, tried, nowMs);
    if (this.#maglev !== null) return this.#at(this.#maglev.pick(hash, usable));
    if (this.#kind === balanceKind.leastRequests) return this.#at(this.#leastRequests(usable));
    const all = usableCount === this.#endpoints.length;
    return this.#at(this.#roundRobin(all ? any : usable));
  }

  #at(index: number): Endpoint {
    return (this.#endpoints[index] as WeightedEndpoint).endpoint;
  }

  /** One turn among the usable, of which there is one at least; the others take no part in it. */
  #roundRobin(usable: (index: number) => boolean): number {
    let total = 0;
    let best = -1;
    for (let i = 0; i < this.#endpoints.length; i++) {
      if (!usable(i)) continue;
      const { weight } = this.#endpoints[i] as WeightedEndpoint;
      this.#current[i] = (this.#current[i] as number) + weight;
      total += weight;
      if (best < 0 || (this.#current[i] as number) > (this.#current[best] as number)) best = i;
    }
    this.#current[best] = (this.#current[best] as number) - total;
    return best;
  }

  #leastRequests(usable: (index: number) => boolean): number {
    const count = this.#endpoints.length;
    this.#turn = (this.#turn + 1) % count;
    let best = -1;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let step = 0; step < count; step++) {
      const index = (this.#turn + step) % count;
      if (!usable(index)) continue;
      const { endpoint, weight } = this.#endpoints[index] as WeightedEndpoint;
      const load = (endpoint.pending + 1) / weight;
      if (load < bestLoad) {
        best = index;
        bestLoad = load;
      }
    }
    return best;
  }
}

function any(): boolean {
  return true;
}

function isHash(kind: number): boolean {
  return (
    kind === balanceKind.hashHeader ||
    kind === balanceKind.hashCookie ||
    kind === balanceKind.hashIp
  );
}
