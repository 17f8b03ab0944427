import type { PolicyT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import { wallMs } from '../../base/clock.ts';
import type { LimitTerms } from '../../memory/rate-limits/rate-limiter.ts';
import { limitBy, policyKind } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import { cookieValue, textOf } from '../plan/template.ts';
import type { ProblemCode } from '../problems.ts';

/** The running half of a route's rate limits, in the order in which they were written. */
export class RateLimits {
  readonly #limits: readonly RateLimit[];

  constructor(limits: readonly RateLimit[]) {
    this.#limits = limits;
  }

  /** Counts the exchange in each of its limits, up to one that has no room for it. */
  check(exchange: Exchange): ProblemCode | '' {
    const { worker, beganMs } = exchange;
    const nowMs = wallMs();
    for (const limit of this.#limits) {
      const waitMs = worker.limiter.take(limit, limit.text(exchange), nowMs, beganMs);
      if (waitMs === 0) continue;
      worker.retryAfterSeconds = Math.ceil(waitMs / 1000);
      return 'rate-limited';
    }
    return '';
  }
}

class RateLimit implements LimitTerms {
  readonly identityLow: number;
  readonly identityHigh: number;
  readonly limit: number;
  readonly windowMs: number;
  readonly #by: number;
  readonly #name: string;

  constructor(policy: PolicyT) {
    const decoded = present(policy.rateLimit, 'a rate-limit policy has its limit');
    this.identityLow = decoded.identityLow;
    this.identityHigh = decoded.identityHigh;
    this.limit = decoded.limit;
    this.windowMs = decoded.windowMs;
    this.#by = decoded.by;
    this.#name = textOf(decoded.name);
  }

  /** What callers are told apart by; a request without the field goes by its address. */
  text(exchange: Exchange): string {
    switch (this.#by) {
      case limitBy.route:
        return '';
      case limitBy.header:
        return exchange.headers.joined(this.#name) ?? addressOf(exchange);
      case limitBy.cookie:
        return cookieValue(exchange.headers.joined('cookie'), this.#name) ?? addressOf(exchange);
      default:
        return exchange.clientIp();
    }
  }
}

/** As no header says it, so that nobody can use up what an address has by sending it. */
function addressOf(exchange: Exchange): string {
  return `\n${exchange.clientIp()}`;
}

/** Null: the route has none, which is all that it pays for them. */
export function decodeRateLimits(policies: readonly PolicyT[]): RateLimits | null {
  const limits = policies.filter(({ kind }) => kind === policyKind['rate-limit']);
  return limits.length === 0 ? null : new RateLimits(limits.map((one) => new RateLimit(one)));
}
