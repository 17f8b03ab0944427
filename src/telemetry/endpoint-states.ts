import type { Upstream } from '../model/definitions.ts';
import type { EndpointEvent } from '../model/orders.ts';

/** How one worker sees an endpoint. What is unhealthy may have an open breaker too. */
export interface EndpointView {
  /** The worker. */
  readonly id: number;
  readonly state: 'healthy' | 'unhealthy' | 'breaker-open';
  /** Null while it is healthy. */
  readonly reason: string | null;
}

export interface UpstreamFigures {
  readonly name: string;
  readonly endpoints: readonly {
    readonly origin: string;
    readonly workers: readonly EndpointView[];
  }[];
}

/** Why it is out, by what put it out; null: that has not. */
interface Trouble {
  readonly unhealthy: string | null;
  readonly breaker: string | null;
}

/** What workers said last of endpoints that are not well; the others are healthy. By seat. */
export class EndpointStates {
  readonly #bySeat = new Map<number, Map<string, Trouble>>();

  learn({ seat, upstream, origin, state, reason }: Omit<EndpointEvent, 'kind' | 'worker'>): void {
    const troubles = this.#bySeat.get(seat) ?? new Map<string, Trouble>();
    this.#bySeat.set(seat, troubles);
    const key = keyOf(upstream, origin);
    const before = troubles.get(key) ?? { unhealthy: null, breaker: null };
    const out = state === 'unhealthy' || state === 'breaker-open' ? reason : null;
    const ofHealth = state === 'healthy' || state === 'unhealthy';
    const now = ofHealth ? { ...before, unhealthy: out } : { ...before, breaker: out };
    if (now.unhealthy === null && now.breaker === null) troubles.delete(key);
    else troubles.set(key, now);
  }

  /** No loaded generation has it any more in the worker of that seat; null: the worker is gone. */
  forget(seat: number, endpoint: { readonly upstream: string; readonly origin: string } | null) {
    if (endpoint === null) this.#bySeat.delete(seat);
    else this.#bySeat.get(seat)?.delete(keyOf(endpoint.upstream, endpoint.origin));
  }

  /** `seats`: that of each worker. */
  of(upstreams: readonly Upstream[], seats: readonly number[]): UpstreamFigures[] {
    return upstreams.map(({ name, endpoints }) => ({
      name,
      endpoints: endpoints.map(({ origin }) => ({
        origin,
        workers: seats.map((seat, id) => ({ id, ...this.#view(seat, keyOf(name, origin)) })),
      })),
    }));
  }

  #view(seat: number, key: string): Omit<EndpointView, 'id'> {
    const { unhealthy = null, breaker = null } = this.#bySeat.get(seat)?.get(key) ?? {};
    if (unhealthy !== null) return { state: 'unhealthy', reason: unhealthy };
    if (breaker !== null) return { state: 'breaker-open', reason: breaker };
    return { state: 'healthy', reason: null };
  }
}

function keyOf(upstream: string, origin: string): string {
  return `${upstream} ${origin}`;
}
