import type { LookupOutcome } from '../../memory/series.ts';
import { methodBits } from '../../memory/shape-kinds.ts';
import { requestBit } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import { type CacheStatusFacts, cacheStatus, hitStatus } from './cache-status.ts';
import type { CacheTicket } from './ticket.ts';

/**
 * Our member of Cache-Status (RFC 9211) for each way in which an exchange of a cached route ends.
 */

/** For an answer out of the cache. */
export function storedMember(
  exchange: Exchange,
  ticket: CacheTicket,
  outcome: LookupOutcome,
  ttlMs: number,
): string {
  if (outcome === 'hit' && ticket.plan.debugToken === null) return hitStatus(ttlMs);
  const key = keyFact(exchange, ticket);
  if (outcome === 'revalidated') {
    return cacheStatus({ fwd: 'stale', fwdStatus: 304, stored: true, ttlMs, ...key });
  }
  if (outcome === 'collapsed') {
    const fwd = ticket.forward ?? 'uri-miss';
    return cacheStatus({ fwd, collapsed: true, ttlMs, ...key });
  }
  if (outcome === 'second-level')
    return cacheStatus({ hit: true, ttlMs, detail: 'second-level', ...key });
  const detail = ticket.acceptsStale || ticket.originFailed ? { detail: 'stale-if-error' } : {};
  return cacheStatus({ hit: true, ttlMs, ...detail, ...key });
}

/** For an answer of the origin's. `reason`: why it is not stored, or empty. */
export function forwardedMember(
  exchange: Exchange,
  ticket: CacheTicket,
  status: number,
  reason: string,
  storedTtlMs?: number,
): string {
  return cacheStatus({
    fwd: ticket.forward ?? 'miss',
    fwdStatus: status,
    ...(storedTtlMs === undefined ? {} : { stored: true, ttlMs: storedTtlMs }),
    ...(reason === '' ? {} : { detail: reason }),
    ...keyFact(exchange, ticket),
  });
}

/**
 * For an answer of the origin's (`status`) to an exchange that goes past the cache; null: its route
 * is not cached.
 */
export function passedMember(exchange: Exchange, status: number): string | null {
  const facts = passedFacts(exchange);
  return facts === null ? null : cacheStatus({ ...facts, fwdStatus: status });
}

/** For a problem that is answered instead; null: its route is not cached. */
export function problemMember(exchange: Exchange, code: string): string | null {
  const { ticket } = exchange;
  if (code === 'not-in-cache') return cacheStatus({ detail: 'only-if-cached' });
  if (ticket !== null) return cacheStatus({ fwd: ticket.forward ?? 'miss', detail: code });
  const facts = passedFacts(exchange);
  return facts === null ? null : cacheStatus({ ...facts, detail: code });
}

function passedFacts({ plan, worker, method, headers }: Exchange): CacheStatusFacts | null {
  const cache = plan?.cache ?? null;
  if (cache === null || worker.cache === null) return null;
  if (((methodBits[method] ?? 0) & cache.methodMask) === 0) return { fwd: 'method' };
  if ((headers.cacheBits & requestBit.precondition) !== 0) {
    return { fwd: 'request', detail: 'precondition' };
  }
  return { fwd: 'bypass' };
}

/** The key, for a request that may see what the cache did: it knows the route's token. */
function keyFact({ headers }: Exchange, { plan, key }: CacheTicket): { readonly key?: string } {
  if (plan.debugToken === null || headers.get('x-cutover-debug') !== plan.debugToken) return {};
  return { key: key.text };
}
