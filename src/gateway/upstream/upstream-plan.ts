import type { UpstreamT } from '#generated/cutover.js';
import { balanceKind } from '../../memory/shape-kinds.ts';
import { textOf } from '../plan/template.ts';
import { Balancer } from './balancer.ts';
import { hashText } from './consistent-hash.ts';
import type { EndpointRegistry } from './endpoint-registry.ts';
import { RetryBudget } from './retry-budget.ts';

/** An upstream as one generation has it; endpoints are shared with other generations. */
export interface UpstreamPlan {
  readonly name: string;
  /** Identity across generations. */
  readonly number: number;
  readonly balancer: Balancer;
  readonly balance: number;
  readonly hashName: string;
  readonly host: number;
  readonly hostValue: string;
  readonly headersMs: number;
  readonly idleMs: number;
  readonly attempts: number;
  readonly retryOn: number;
  readonly budgetPercent: number;
  readonly budget: RetryBudget;
  /** The generation is the active one: its settings of endpoints hold from now on. */
  activate(): void;
  /** Lets its endpoints go; once, when the generation is retired. */
  release(): void;
}

/** State of an upstream that outlives generations besides its endpoints: by number. */
export class UpstreamMemory {
  readonly #budgets = new Map<number, { budget: RetryBudget; generations: number }>();

  acquire(number: number): RetryBudget {
    const held = this.#budgets.get(number) ?? { budget: new RetryBudget(), generations: 0 };
    held.generations += 1;
    this.#budgets.set(number, held);
    return held.budget;
  }

  release(number: number): void {
    const held = this.#budgets.get(number);
    if (held === undefined) return;
    held.generations -= 1;
    if (held.generations === 0) this.#budgets.delete(number);
  }
}

/** Decodes an upstream and takes hold of its endpoints. */
export function acquireUpstream(
  upstream: UpstreamT,
  registry: EndpointRegistry,
  memory: UpstreamMemory,
  workerIndex: number,
): UpstreamPlan {
  const { number, health, breaker } = upstream;
  const name = textOf(upstream.name);
  const origins = upstream.endpoints.map(({ origin }) => textOf(origin));
  const settings = {
    connections: upstream.connections,
    connectMs: upstream.connectMs,
    breaker:
      breaker === null
        ? null
        : { failuresPercent: breaker.failuresPercent, of: breaker.of, openMs: breaker.openMs },
    health: health === null ? null : { unhealthy: health.unhealthy, healthy: health.healthy },
  };
  const check =
    health === null
      ? null
      : { path: textOf(health.path), intervalMs: health.intervalMs, timeoutMs: health.timeoutMs };
  const uses = origins.map((origin) => registry.acquire({ number, name }, origin, settings, check));
  const endpoints = uses.map(({ endpoint }, index) => ({
    endpoint,
    weight: upstream.endpoints[index]?.weight ?? 1,
  }));
  return {
    name,
    number,
    balancer: new Balancer(upstream.balance, endpoints, hashText(name) + workerIndex),
    balance: upstream.balance,
    hashName: textOf(upstream.hashName),
    host: upstream.host,
    hostValue: textOf(upstream.hostValue),
    headersMs: upstream.headersMs,
    idleMs: upstream.idleMs,
    attempts: upstream.attempts,
    retryOn: upstream.retryOn,
    budgetPercent: upstream.budgetPercent,
    budget: memory.acquire(number),
    activate() {
      for (const use of uses) use.activate();
    },
    release() {
      for (const use of uses) use.release();
      memory.release(number);
    },
  };
}

/** Whether picks of this upstream need a hash of the request. */
export function needsHash(balance: number): boolean {
  return balance >= balanceKind.hashHeader;
}
