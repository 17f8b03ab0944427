import { cacheKey } from '../../memory/cache/cache-key.ts';
import type { LookupOutcome } from '../../memory/series.ts';
import { methodBits } from '../../memory/shape-kinds.ts';
import { requestBit } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import { requestDirectives } from './cache-control.ts';
import { type CacheStatusFacts, cacheStatus, hitStatus } from './cache-status.ts';
import { cacheHost, Fill, type StaleStored } from './fill.ts';
import { judgeReuse, mayServeOnError } from './reusing.ts';
import { answerStored } from './stored-answer.ts';
import { CacheTicket } from './ticket.ts';
import type { WorkerCache } from './worker-cache.ts';

/** What a lookup leads to. */
export type LookupStep =
  /** The response is out, whole. */
  | 'answered'
  /** The response goes out over later turns. */
  | 'sending'
  /** To the origin. */
  | 'forward'
  /** Another exchange fetches it; `wake` looks it up again. */
  | 'waits'
  /** The request wants a stored response or none (RFC 9111, section 5.2.1.7). */
  | 'not-in-cache';

/** Whether the exchange is looked up at all; its ticket says how. Once per exchange. */
export function openTicket(exchange: Exchange, body: Buffer | null): CacheTicket | null {
  const plan = exchange.plan?.cache ?? null;
  if (plan === null) return null;
  if (((methodBits[exchange.method] ?? 0) & plan.methodMask) === 0) return null;
  if ((exchange.headers.cacheBits & requestBit.precondition) !== 0) return null;
  if (plan.bypasses(exchange)) return null;
  const text = plan.keyText(exchange, body);
  if (text === null) return null;
  const asks = (exchange.headers.cacheBits & requestBit.control) !== 0;
  const directives = asks ? requestDirectives(exchange.headers) : null;
  const ticket = new CacheTicket(plan, cacheKey(text), directives);
  ticket.body = body;
  exchange.ticket = ticket;
  return ticket;
}

/** Looks an exchange up, the first time or again, and answers it if what is stored may be used. */
export function lookUp(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): LookupStep {
  const { reader } = cache;
  reader.enter();
  let stale: StaleStored | null = null;
  let step: LookupStep | null = null;
  try {
    if (find(exchange, cache, ticket)) {
      step = use(exchange, cache, ticket);
      if (step === null) stale = staleOf(cache, ticket);
    } else ticket.outcome ??= missed(exchange, cache, ticket);
  } finally {
    reader.leave();
  }
  if (ticket.behind !== null) cache.hooks.forward(ticket.behind);
  ticket.behind = null;
  if (step !== null) return step;
  if (ticket.acceptsStale) return 'forward';
  if (ticket.plan.honoursRequest && ticket.directives?.onlyIfCached === true) return 'not-in-cache';
  return fetchOrWait(exchange, cache, ticket, stale);
}

/** Sets the reader's entry to the response for this request, its Vary followed. */
function find(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): boolean {
  const { reader } = cache;
  if (cache.isChanged(cacheHost(exchange.headers.host), exchange.path)) return false;
  if (!reader.find(ticket.primary)) {
    ticket.key = ticket.primary;
    ticket.varyNames = [];
    return false;
  }
  if (reader.entry.kind !== 'vary') return true;
  ticket.varyNames = reader.entry.headText().split(',');
  ticket.key = cacheKey(ticket.variantKey(ticket.varyNames, exchange.headers));
  return reader.find(ticket.key);
}

/** Answers with the reader's entry, or says why not; null: it must be validated or fetched. */
function use(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): LookupStep | null {
  const { entry } = cache.reader;
  const nowMs = exchange.worker.nowMs();
  const { plan, directives } = ticket;
  ticket.seenEntry = entry.entryId;
  if (entry.kind === 'pass') {
    if (nowMs < entry.freshUntilMs) {
      ticket.alone = true;
      ticket.forward = 'miss';
      ticket.outcome = 'miss-pass';
      return 'forward';
    }
    return null;
  }
  const honour = { honour: plan.honoursRequest };
  const ttlMs = entry.freshUntilMs - nowMs;
  if (ticket.validated) return answered(exchange, cache, ticket, 'revalidated', ttlMs);
  if (ticket.acceptsStale) {
    if (!mayServeOnError(entry, directives, nowMs, honour)) return null;
    return answered(exchange, cache, ticket, 'stale', ttlMs);
  }
  const reuse = judgeReuse(entry, directives, nowMs, honour);
  if (reuse === 'fresh') {
    return answered(exchange, cache, ticket, ticket.waited ? 'collapsed' : 'hit', ttlMs);
  }
  if (reuse === 'stale-while-revalidate') {
    revalidateBehind(exchange, cache, ticket);
    return answered(exchange, cache, ticket, 'stale', ttlMs);
  }
  return null;
}

function answered(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  outcome: LookupOutcome,
  ttlMs: number,
): LookupStep {
  ticket.outcome = outcome;
  const whole = answerStored(exchange, cache, memberOf(exchange, ticket, outcome, ttlMs));
  return whole ? 'answered' : 'sending';
}

/** Our member of Cache-Status for an answer out of the cache. */
function memberOf(
  exchange: Exchange,
  ticket: CacheTicket,
  outcome: LookupOutcome,
  ttlMs: number,
): string {
  const debug = isDebugged(exchange, ticket) ? { key: ticket.key.text } : {};
  if (outcome === 'hit' && !('key' in debug)) return hitStatus(ttlMs);
  const facts: CacheStatusFacts =
    outcome === 'revalidated'
      ? { fwd: 'stale', fwdStatus: 304, stored: true, ttlMs, ...debug }
      : outcome === 'collapsed'
        ? { fwd: 'uri-miss', collapsed: true, ttlMs, ...debug }
        : {
            hit: true,
            ttlMs,
            ...(ticket.acceptsStale ? { detail: 'stale-if-error' } : {}),
            ...debug,
          };
  return cacheStatus(facts);
}

/** Whether the request may see what the cache did: it knows the route's token. */
export function isDebugged({ headers }: Exchange, { plan }: CacheTicket): boolean {
  return plan.debugToken !== null && headers.get('x-cutover-debug') === plan.debugToken;
}

/** What the origin is asked about, of the reader's entry; null: nothing that it could confirm. */
function staleOf(cache: WorkerCache, ticket: CacheTicket): StaleStored | null {
  const { entry } = cache.reader;
  ticket.forward = 'stale';
  ticket.outcome ??= 'miss-expired';
  if (entry.kind !== 'response' || entry.state !== 'live' || ticket.whole) return null;
  if (entry.etag === '' && entry.lastModified === '') return null;
  return {
    entry: entry.entryId,
    status: entry.status,
    head: entry.headText(),
    etag: entry.etag,
    lastModified: entry.lastModified,
    bodyBytes: entry.bodyBytes,
  };
}

/** Why nothing was found. */
function missed(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): LookupOutcome {
  ticket.forward = ticket.varyNames.length > 0 ? 'vary-miss' : 'uri-miss';
  switch (cache.reader.departure(ticket.key)) {
    case 'ttl':
      return 'miss-expired';
    case 'capacity':
    case 'error':
      return 'miss-evicted';
    case 'bust':
      return 'miss-busted';
    case 'shape':
      return 'miss-rekeyed';
    default:
      if (isRekeyed(exchange, cache, ticket)) return 'miss-rekeyed';
      return ticket.varyNames.length > 0 ? 'miss-vary' : 'miss-cold';
  }
}

/** Whether the route's shape before the last change of it has it. */
function isRekeyed(
  _exchange: Exchange,
  cache: WorkerCache,
  { plan, primary }: CacheTicket,
): boolean {
  if (plan.previousShapeKey === null) return false;
  const before = plan.previousShapeKey + primary.text.slice(plan.shapeKey.length);
  return cache.reader.peek(cacheKey(before));
}

/** The origin it is: for all that want the same, once. */
function fetchOrWait(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  stale: StaleStored | null,
): LookupStep {
  const { plan, key } = ticket;
  if (!mayStore(exchange, cache, ticket)) return 'forward';
  if (!plan.coalesces || ticket.alone) {
    ticket.fill = new Fill(exchange, cache, false, stale);
    return 'forward';
  }
  if (cache.fillOf(key) !== undefined) return wait(exchange, cache, ticket);
  const claim = cache.claims.take(key);
  if (claim === 'busy') return wait(exchange, cache, ticket);
  if (claim === 'taken' && cameMeanwhile(cache, ticket)) {
    cache.claims.release(key);
    return lookUp(exchange, cache, ticket);
  }
  ticket.fill = new Fill(exchange, cache, claim === 'taken', stale);
  return 'forward';
}

/**
 * Whether the key was stored between the lookup and the claim. A claim is released only behind what
 * it was taken for is visible, so whoever has it now and still finds nothing is the first.
 */
function cameMeanwhile({ reader }: WorkerCache, { key, seenEntry }: CacheTicket): boolean {
  reader.enter();
  try {
    return reader.peek(key) && reader.entry.entryId !== seenEntry;
  } finally {
    reader.leave();
  }
}

/** Whether the response would be stored: only then is there anything to wait for. */
function mayStore(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): boolean {
  const { plan, key, directives } = ticket;
  if (exchange.method === 'HEAD') return false;
  if ((exchange.headers.cacheBits & requestBit.range) !== 0) return false;
  if (plan.honoursRequest && directives?.noStore === true) {
    ticket.outcome = 'miss-request';
    ticket.forward = 'request';
    return false;
  }
  if (plan.refusesToStore(exchange)) {
    ticket.outcome = 'miss-no-store';
    return false;
  }
  return plan.minUses <= 1 || cache.uses.count(key) >= plan.minUses;
}

function wait(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): LookupStep {
  if (!ticket.waited) {
    ticket.waited = true;
    ticket.waitUntilMs = exchange.worker.nowMs() + ticket.plan.waitMs;
  }
  cache.waiting.add(ticket.key.text, exchange);
  return 'waits';
}

/** Serves what is stale now, and has it fetched anew for those who come later (RFC 5861). */
function revalidateBehind(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): void {
  const { key } = ticket;
  if (cache.fillOf(key) !== undefined) return;
  const claim = cache.claims.take(key);
  if (claim === 'busy') return;
  const behind = exchange.withoutClient();
  const itsTicket = new CacheTicket(ticket.plan, ticket.primary, null);
  itsTicket.key = key;
  itsTicket.varyNames = ticket.varyNames;
  itsTicket.body = ticket.body;
  behind.ticket = itsTicket;
  itsTicket.fill = new Fill(behind, cache, claim === 'taken', staleOf(cache, itsTicket));
  ticket.behind = behind;
}
