import type { CachePolicyT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import type { Exchange } from '../exchange.ts';
import { InputCondition } from './cache-condition.ts';
import { readJson } from './json-value.ts';

/**
 * Statuses that the rules of `ttl` are for: of those that a cache may keep unasked (RFC 9110,
 * section 15.1) the ones that have not failed and are whole. Others, such as a temporary redirect,
 * are cached by `status-ttl` or `negative` only, so that no outage is remembered for an hour.
 */
const ruledStatuses = new Set([200, 203, 204, 300, 301, 308]);

/** The TTLs that a route states. */
export class TtlPlan {
  readonly #rules: readonly { readonly condition: InputCondition; readonly ttlMs: number }[];
  readonly #readsBody: boolean;
  readonly #statuses: readonly {
    readonly first: number;
    readonly last: number;
    readonly ttlMs: number;
  }[];

  constructor({ ttl, statusTtl }: Pick<CachePolicyT, 'ttl' | 'statusTtl'>) {
    this.#rules = ttl.map(({ condition, ttlMs }) => ({
      condition: new InputCondition(present(condition, 'a rule has its condition')),
      ttlMs,
    }));
    this.#readsBody = this.#rules.some(({ condition }) => condition.readsBody);
    this.#statuses = statusTtl.map(({ first, last, ttlMs }) => ({ first, last, ttlMs }));
  }

  /** That of an answer, in ms; -1: none. Statuses go first, then the rules. */
  of(exchange: Exchange, status: number, body: Buffer | null): number {
    for (const { first, last, ttlMs } of this.#statuses) {
      if (first <= status && status <= last) return ttlMs;
    }
    if (!ruledStatuses.has(status)) return -1;
    const json = this.#readsBody && body !== null ? (readJson(body) ?? undefined) : undefined;
    for (const { condition, ttlMs } of this.#rules) {
      if (condition.holds(exchange, json)) return ttlMs;
    }
    return -1;
  }
}
