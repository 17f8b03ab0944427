import { wallMs } from '../../base/clock.ts';
import { methodBits } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import { HeaderList } from '../header-list.ts';
import { listedNames } from '../hop-by-hop.ts';
import type { ParsedHead } from '../upstream/response-parser.ts';
import { answerCondition } from './conditions.ts';
import type { Fill } from './fill.ts';
import { invalidates } from './invalidating.ts';
import { forwardedMember } from './member.ts';
import { fieldsOfOrigin, originLines } from './origin-fields.ts';
import { cacheHost, responseRecord, type StorableResponse } from './record.ts';
import type { StaleStored } from './stale-stored.ts';
import { parseHead } from './stored-head.ts';
import { judgeResponse, type StoreAcceptance, type StoreVerdict } from './storing.ts';
import type { CacheTicket, ToldOf } from './ticket.ts';
import { confirms, freshen, judgeHead, refreshed } from './updating.ts';
import type { WorkerCache } from './worker-cache.ts';

/** What the cache makes of the head that the origin sent. */
export interface CacheReception {
  /**
   * `relay`: the client gets the response as it comes. `later`: it is answered out of the cache when
   * control has renewed the stored response. `again`: what was stored was not confirmed, so the
   * whole is to be fetched. `not-modified`: the client has it already; the rest is for the cache.
   */
  readonly client: 'relay' | 'later' | 'again' | 'not-modified';
  /** Our member of Cache-Status. */
  readonly status: string;
}

/** The head of a response to an exchange that has a ticket. */
export function receiveForCache(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  received: ParsedHead,
): CacheReception {
  const { fill } = ticket;
  const relayed = (reason: string, ttlMs?: number): CacheReception => ({
    client: 'relay',
    status: forwardedMember(exchange, ticket, received.status, reason, ttlMs),
  });
  if (fill === null) {
    if (exchange.method === 'HEAD' && ticket.told !== null) {
      receiveHead(exchange, cache, ticket, ticket.told, received);
    }
    return relayed('');
  }
  if (!fill.active) {
    // Control was lost meanwhile. What is stored may go any time now: the whole is asked for.
    if (received.status !== 304 || fill.stale === null) return relayed('');
    fill.askWhole();
    return { client: 'again', status: '' };
  }
  if (received.status === 304 && fill.stale !== null) {
    if (renew(exchange, ticket, fill, fill.stale, received)) return { client: 'later', status: '' };
    fill.askWhole();
    return { client: 'again', status: '' };
  }
  const verdict = judge(exchange, ticket, received.status, allFields(received));
  const refusal = verdict.store
    ? fill.store(storable(exchange, verdict, received))
    : verdict.reason;
  if (refusal !== '' || !verdict.store) {
    letPass(fill, received.status, refusal);
    return relayed(refusal);
  }
  const { etag, lastModified } = verdict;
  const validators = { status: received.status, etag, lastModified };
  const condition = answerCondition(exchange.method, exchange.headers, validators);
  return {
    ...relayed('', verdict.freshnessMs - verdict.ageMs),
    client: condition === 'not-modified' ? 'not-modified' : 'relay',
  };
}

/** What an unsafe method changed is not answered out of the cache any more (RFC 9111, 4.4). */
export function invalidateFor(exchange: Exchange, cache: WorkerCache, received: ParsedHead): void {
  const { method, headers, path, query, plan } = exchange;
  // A POST that the route caches asks, as a GET does, also when it went past the cache.
  if (((methodBits[method] ?? 0) & (plan?.cache?.methodMask ?? 0)) !== 0) return;
  const url = { scheme: 'http', host: headers.host, path, query } as const;
  const invalid = invalidates(method, received.status, url, endToEnd(received));
  if (invalid === null) return;
  const host = cacheHost(headers.host);
  cache.invalidate(
    invalid.targets.map((one) => one.host + one.path + (one.query === '' ? '' : `?${one.query}`)),
    invalid.groups.map((group) => `${host} ${group}`),
  );
}

/** What caching is judged by: a response is private also where Connection lists Cache-Control. */
function allFields({ names, values }: ParsedHead): HeaderList {
  return new HeaderList([...names], [...values]);
}

/** A copy without what concerns the origin's connection alone; hop-by-hop fields are not stored. */
function endToEnd(received: ParsedHead): HeaderList {
  return withoutListed(allFields(received), received);
}

function withoutListed(headers: HeaderList, { connection }: ParsedHead): HeaderList {
  const listed = connection === '' ? null : listedNames(connection);
  if (listed !== null) for (const name of listed) headers.remove(name);
  return headers;
}

/**
 * No mark where it is the request, or an error, that keeps the response from being stored: the next
 * one may be.
 */
function letPass(fill: Fill, status: number, reason: string): void {
  const ofRequest = reasonsOfRequest.has(reason);
  if (ofRequest || status >= 500) fill.letGo();
  else fill.pass();
}

const reasonsOfRequest: ReadonlySet<string> = new Set([
  'authorization',
  'request-no-store',
  'key-too-long',
]);

function storable(
  exchange: Exchange,
  verdict: StoreAcceptance,
  head: ParsedHead,
): StorableResponse {
  const { status, contentLength } = head;
  const received = allFields(head);
  const headers = policied(exchange, withoutListed(verdict.headers, head));
  const dated = received.has('date') ? received : verdict.headers;
  const date = dated.joined('date');
  headers.remove('date');
  if (date !== undefined) received.set('date', date);
  const origin = originLines(received, headers);
  return { verdict, status, headers, origin, bodyBytes: contentLength };
}

/** False: a 304 that does not confirm what is stored, or after which it may not be stored. */
function renew(
  exchange: Exchange,
  ticket: CacheTicket,
  fill: Fill,
  stale: StaleStored,
  received: ParsedHead,
): boolean {
  if (!confirms(stale, allFields(received))) return false;
  const response = renewed(exchange, ticket, stale, received);
  if (response === null) return false;
  fill.refresh(stale.entry, response);
  return true;
}

/** A stored response after an update (RFC 9111, section 3.2); null: it may not be stored so. */
function renewed(
  exchange: Exchange,
  ticket: CacheTicket,
  stale: StaleStored,
  update: ParsedHead,
): StorableResponse | null {
  const received = freshen(fieldsOfOrigin(stale.head, stale.origin), allFields(update));
  const verdict = judge(exchange, ticket, stale.status, received);
  if (!verdict.store) return null;
  // Under other names it would need another key.
  if (verdict.vary.some((name) => !ticket.varyNames.includes(name))) return null;
  const whole = policied(exchange, withoutListed(verdict.headers, update));
  const headers = refreshed(parseHead(stale.head).headers, whole, endToEnd(update));
  const origin = originLines(received, headers);
  return { verdict, status: stale.status, headers, origin, bodyBytes: stale.bodyBytes };
}

/** The answer to a HEAD renews what is stored for GET, or shows that it is another by now. */
function receiveHead(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  told: ToldOf,
  received: ParsedHead,
): void {
  const { stale } = told;
  const length = received.contentLength;
  const says = judgeHead(stale, stale.bodyBytes, received.status, allFields(received), length);
  if (says === 'nothing') return;
  const response = says === 'update' ? renewed(exchange, ticket, stale, received) : null;
  if (response === null) {
    cache.send({ kind: 'cache-stale', entry: stale.entry });
    return;
  }
  const record = responseRecord(exchange, ticket, told, response);
  cache.send({ kind: 'cache-refresh', fetch: 0, entry: stale.entry, record });
}

function judge(
  exchange: Exchange,
  ticket: CacheTicket,
  status: number,
  headers: HeaderList,
): StoreVerdict {
  const { plan, fill } = ticket;
  const verdict = judgeResponse(
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
      ttlMs: plan.ttlMs(exchange, status, ticket.body),
      negativeTtlMs: plan.negativeTtlMs,
      override: plan.override,
      staleWhileRevalidateMs: plan.staleWhileRevalidateMs,
      staleIfErrorMs: plan.staleIfErrorMs,
      setCookie: plan.setCookie,
      heuristics: true,
      ignoreRequest: !plan.honoursRequest,
    },
  );
  if (verdict.store && isVaryHidden(exchange, ticket, verdict.vary)) {
    return { store: false, reason: 'vary-changed' };
  }
  return verdict;
}

/**
 * Whether the gateway writes a selecting field anew, for itself or by a request policy that goes by
 * what it finds in the request: then the client's own fields, by which variants are told apart, do
 * not say which one the origin chose.
 */
function isVaryHidden(
  { plan, headers, worker }: Exchange,
  { asked }: CacheTicket,
  names: readonly string[],
): boolean {
  if (names.some((name) => worker.forwarded.owns(name))) return true;
  if (asked === headers || names.length === 0) return false;
  if (plan === null || plan.requestPolicies.every((policy) => policy.constantRequest)) return false;
  return names.some((name) => asked.joined(name) !== headers.joined(name));
}

/** Policies that come out the same each time are part of what is stored. */
function policied(exchange: Exchange, fields: HeaderList): HeaderList {
  const headers = new HeaderList([...fields.names], [...fields.values]);
  const { plan } = exchange;
  if (plan === null || plan.cache?.constantResponse !== true) return headers;
  for (const policy of plan.responsePolicies) policy.onResponse(exchange, headers);
  return headers;
}
