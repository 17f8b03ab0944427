import type { CachePolicyT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import type { Exchange } from '../exchange.ts';
import { decodeInput } from './cache-condition.ts';
import { readJson } from './json-value.ts';

/**
 * Statuses that the rules of `ttl` are for: of those that a cache may keep unasked (RFC 9110,
 * section 15.1) the ones that have not failed and are whole. Others, such as a temporary redirect,
 * are cached by `status-ttl` or `negative` only, so that no outage is remembered for an hour.
 */
const ruledStatuses = new Set([200, 203, 204, 300, 301, 308]);

/** The TTL that a route states for an answer, in ms; -1: none. Statuses go first, then the rules. */
export function decodeTtl({
  ttl,
  statusTtl,
}: CachePolicyT): (exchange: Exchange, status: number, body: Buffer | null) => number {
  const rules = ttl.map(({ condition, ttlMs }) => ({
    ...decodeInput(present(condition, 'a rule has its condition')),
    ttlMs,
  }));
  const readsBody = rules.some((rule) => rule.readsBody);
  const statuses = statusTtl.map(({ first, last, ttlMs }) => ({ first, last, ttlMs }));
  return (exchange, status, body) => {
    for (const { first, last, ttlMs } of statuses) {
      if (first <= status && status <= last) return ttlMs;
    }
    if (!ruledStatuses.has(status)) return -1;
    const json = readsBody && body !== null ? (readJson(body) ?? undefined) : undefined;
    return rules.find((rule) => rule.holds(exchange, json))?.ttlMs ?? -1;
  };
}
