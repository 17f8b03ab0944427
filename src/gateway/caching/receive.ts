import { wallMs } from '../../base/clock.ts';
import type { Exchange } from '../exchange.ts';
import { HeaderList } from '../header-list.ts';
import type { ParsedHead } from '../upstream/response-parser.ts';
import { cacheStatus } from './cache-status.ts';
import { answerCondition } from './conditions.ts';
import type { Fill } from './fill.ts';
import { invalidates } from './invalidating.ts';
import { isDebugged } from './lookup.ts';
import { cacheHost } from './record.ts';
import { parseHead } from './stored-answer.ts';
import { judgeResponse, type StoreVerdict } from './storing.ts';
import type { CacheTicket } from './ticket.ts';
import { confirms, freshen } from './updating.ts';
import type { WorkerCache } from './worker-cache.ts';

/** What the cache makes of the head that the origin sent. */
export interface CacheReception {
  /**
   * `relay`: the client gets the response as it comes. `later`: it is answered out of the cache when
   * control has renewed the stored response. `not-modified`: the client has it already; the rest is
   * for the cache alone.
   */
  readonly client: 'relay' | 'later' | 'not-modified';
  /** Our member of Cache-Status. */
  readonly status: string;
}

/** The head of a response to an exchange that has a ticket. */
export function receiveForCache(
  exchange: Exchange,
  ticket: CacheTicket,
  received: ParsedHead,
): CacheReception {
  const { fill } = ticket;
  if (fill === null) return { client: 'relay', status: forwarded(exchange, received, '') };
  if (received.status === 304 && fill.stale !== null) {
    if (renew(exchange, fill, received)) return { client: 'later', status: '' };
  }
  const headers = new HeaderList([...received.names], [...received.values]);
  const verdict = judge(exchange, ticket, received.status, headers);
  if (!verdict.store) {
    if (received.status >= 500) fill.letGo();
    else fill.pass();
    return { client: 'relay', status: forwarded(exchange, received, verdict.reason) };
  }
  applyConstantPolicies(exchange, verdict.headers);
  if (!fill.store(verdict, received.status, verdict.headers, received.contentLength)) {
    fill.pass();
    return { client: 'relay', status: forwarded(exchange, received, 'too-large') };
  }
  const { etag, lastModified } = verdict;
  const stored = { status: received.status, etag, lastModified };
  const condition = answerCondition(exchange.method, exchange.headers, stored);
  return {
    client: condition === 'not-modified' ? 'not-modified' : 'relay',
    status: forwarded(exchange, received, '', verdict.freshnessMs - verdict.ageMs),
  };
}

/** What an unsafe method changed is not answered out of the cache any more (RFC 9111, 4.4). */
export function invalidateFor(exchange: Exchange, cache: WorkerCache, received: ParsedHead): void {
  const { method, headers, path, query } = exchange;
  const url = { scheme: 'http', host: headers.host, path, query } as const;
  const fields = new HeaderList(received.names, received.values);
  const invalid = invalidates(method, received.status, url, fields);
  if (invalid === null) return;
  const host = cacheHost(headers.host);
  cache.invalidate(
    invalid.targets.map((one) => one.host + one.path + (one.query === '' ? '' : `?${one.query}`)),
    invalid.groups.map((group) => `${host} ${group}`),
  );
}

/** A 304 that confirms what is stored. False: it is about something else. */
function renew(exchange: Exchange, fill: Fill, received: ParsedHead): boolean {
  const { stale } = fill;
  const ticket = exchange.ticket as CacheTicket;
  if (stale === null) return false;
  const update = new HeaderList(received.names, received.values);
  if (!confirms(stale, update)) return false;
  const headers = freshen(parseHead(stale.head).headers, update);
  const verdict = judge(exchange, ticket, stale.status, headers);
  if (!verdict.store) return false;
  applyConstantPolicies(exchange, verdict.headers);
  fill.refresh(verdict, verdict.headers);
  return true;
}

function judge(
  exchange: Exchange,
  ticket: CacheTicket,
  status: number,
  headers: HeaderList,
): StoreVerdict {
  const { plan, fill } = ticket;
  const ttlMs = plan.ttlMs(exchange, status, ticket.body);
  return judgeResponse(
    {
      // A POST that the route caches is a safe one: it asks, as a GET does.
      method: 'GET',
      requestHeaders: exchange.headers,
      status,
      headers,
      requestTimeMs: fill?.requestedWallMs ?? wallMs(),
      responseTimeMs: wallMs(),
    },
    {
      ttlMs,
      negativeTtlMs: plan.negativeTtlMs,
      override: plan.override,
      staleWhileRevalidateMs: plan.staleWhileRevalidateMs,
      staleIfErrorMs: plan.staleIfErrorMs,
      setCookie: plan.setCookie,
      heuristics: true,
      allowAuthorized: plan.variesByConsumer,
    },
  );
}

/** Policies that come out the same each time are part of what is stored. */
function applyConstantPolicies(exchange: Exchange, headers: HeaderList): void {
  const { plan } = exchange;
  if (plan === null || plan.cache?.constantResponse !== true) return;
  for (const policy of plan.responsePolicies) policy.onResponse(exchange, headers);
}

function forwarded(
  exchange: Exchange,
  { status }: ParsedHead,
  reason: string,
  ttlMs?: number,
): string {
  const ticket = exchange.ticket as CacheTicket;
  return cacheStatus({
    fwd: ticket.forward ?? 'miss',
    fwdStatus: status,
    ...(ttlMs === undefined ? {} : { stored: true, ttlMs }),
    ...(ticket.waited ? { collapsed: false } : {}),
    ...(reason === '' ? {} : { detail: reason }),
    ...(isDebugged(exchange, ticket) ? { key: ticket.key.text } : {}),
  });
}
