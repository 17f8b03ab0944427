import type { EntryView } from '../../memory/cache/cache-entry.ts';
import { type CacheKey, cacheKey } from '../../memory/cache/cache-key.ts';
import { entryFlag } from '../../memory/cache/cache-record.ts';
import type { LookupOutcome } from '../../memory/series.ts';
import { methodBits } from '../../memory/shape-kinds.ts';
import { requestBit } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import { RequestBody } from '../request-body.ts';
import { requestDirectives } from './cache-control.ts';
import type { ForwardReason } from './cache-status.ts';
import { Fill } from './fill.ts';
import { storedMember } from './member.ts';
import { cacheHost } from './record.ts';
import { judgeReuse, mayServeOnError } from './reusing.ts';
import { conditionOf, type StaleStored, staleOf } from './stale-stored.ts';
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
  /** Other nodes are asked first; `wake` looks it up again, or `forward` sends it on. */
  | 'asks'
  /** Another exchange fetches it; `wake` looks it up again. */
  | 'waits'
  /** The request wants a stored response or none (RFC 9111, section 5.2.1.7). */
  | 'not-in-cache';

/** Whether the exchange is looked up at all; its ticket says how. Once per exchange. */
export function openTicket(exchange: Exchange, body: Buffer | null): CacheTicket | null {
  const { headers } = exchange;
  const plan = exchange.plan?.cache ?? null;
  if (plan === null) return null;
  if (((methodBits[exchange.method] ?? 0) & plan.methodMask) === 0) return null;
  if ((headers.cacheBits & requestBit.precondition) !== 0) return null;
  if (plan.bypasses(exchange)) return null;
  const text = plan.keyText(exchange, body);
  if (text === null) return null;
  const asks = plan.honoursRequest && (headers.cacheBits & requestBit.control) !== 0;
  const directives = asks ? requestDirectives(headers) : null;
  const ticket = new CacheTicket(plan, cacheKey(text), headers, directives);
  ticket.body = body;
  exchange.ticket = ticket;
  return ticket;
}

/** Looks an exchange up, the first time or again, and answers it if what is stored may be used. */
export function lookUp(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): LookupStep {
  const step = lookUpOnce(exchange, cache, ticket, true);
  // A second turn takes the claim whatever came meanwhile, so there is no third.
  return step ?? lookUpOnce(exchange, cache, ticket, false) ?? 'forward';
}

/** Null: what was not there has come meanwhile, and is to be looked up again (`mayAgain`). */
function lookUpOnce(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  mayAgain: boolean,
): LookupStep | null {
  const { reader } = cache;
  reader.enter();
  let stale: StaleStored | null = null;
  let step: LookupStep | null = null;
  try {
    if (find(exchange, cache, ticket)) {
      step = use(exchange, cache, ticket);
      if (step === null) {
        unused(exchange, cache, ticket);
        stale = staleOf(cache, ticket);
      }
    } else {
      ticket.forward = forwardReason(ticket);
      ticket.outcome ??= missed(cache, ticket);
    }
  } finally {
    reader.leave();
  }
  if (ticket.behind !== null) cache.hooks.forward(ticket.behind);
  ticket.behind = null;
  if (step !== null) return step;
  if (ticket.acceptsStale) return 'forward';
  if (ticket.directives?.onlyIfCached === true) return 'not-in-cache';
  return fetchOrWait(exchange, cache, ticket, stale, mayAgain);
}

function forwardReason({ unproven, varyNames }: CacheTicket): ForwardReason {
  if (unproven) return 'stale';
  return varyNames.length > 0 ? 'vary-miss' : 'uri-miss';
}

/** Sets the reader's entry to the response for this request, its Vary followed. */
function find(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): boolean {
  const { reader } = cache;
  if (isChanged(exchange, cache)) return false;
  if (ticket.plan.strict && !cache.isProven) {
    ticket.unproven = true;
    // Nobody could take what another one fetches, either.
    ticket.alone = true;
    return false;
  }
  if (!isThere(cache, ticket.primary)) {
    ticket.key = ticket.primary;
    ticket.varyNames = [];
    return false;
  }
  if (reader.entry.kind !== 'vary') return true;
  narrow(exchange, ticket);
  ticket.varyNames = reader.entry.headText().split(',');
  ticket.key = cacheKey(ticket.variantKey(ticket.varyNames));
  return isThere(cache, ticket.key);
}

/** What is stored there a client of this worker changed, and control has not dropped it yet. */
function isChanged({ headers, path }: Exchange, cache: WorkerCache): boolean {
  return cache.hasChanges && cache.isChanged(cacheHost(headers.host), path);
}

/** What a control that died had begun to fill is not: the rest will never come. */
function isThere({ reader, hasControl }: WorkerCache, key: CacheKey): boolean {
  return reader.find(key) && (hasControl || reader.entry.state !== 'filling');
}

/** The request says no more than the key, before its fields are compared or sent. */
export function narrow(exchange: Exchange, ticket: CacheTicket): void {
  if (ticket.asked === exchange.headers) ticket.plan.narrowRequest(exchange);
}

/** Answers with the reader's entry, or says why not; null: it must be validated or fetched. */
function use(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): LookupStep | null {
  const { entry } = cache.reader;
  const nowMs = exchange.turnMs();
  const { directives } = ticket;
  ticket.seenEntry = entry.entryId;
  if (entry.kind === 'pass') {
    if (nowMs >= entry.freshUntilMs) return null;
    ticket.alone = true;
    ticket.forward = 'miss';
    ticket.outcome = 'miss-pass';
    return 'forward';
  }
  if (ticket.confirmed !== null) {
    if (isConfirmed(entry, ticket.confirmed)) {
      return answered(exchange, cache, ticket, 'revalidated', nowMs);
    }
    ticket.whole = true;
    return null;
  }
  if (ticket.acceptsStale) {
    if (!mayServeOnError(entry, directives, nowMs, honoured)) return null;
    return answered(exchange, cache, ticket, 'stale', nowMs);
  }
  const reuse = judgeReuse(entry, directives, nowMs, honoured);
  if (reuse === 'fresh') {
    return answered(exchange, cache, ticket, freshOutcome(ticket), nowMs);
  }
  if (ticket.originFailed && mayServeOnError(entry, directives, nowMs, honoured)) {
    return answered(exchange, cache, ticket, 'stale', nowMs);
  }
  if (reuse === 'stale-while-revalidate') {
    revalidateBehind(exchange, cache, ticket);
    return answered(exchange, cache, ticket, 'stale', nowMs);
  }
  // What each has to ask about for itself is not waited for.
  if ((entry.flags & entryFlag.noCache) !== 0) ticket.alone = true;
  return null;
}

function freshOutcome({ waited, ofOthers }: CacheTicket): LookupOutcome {
  if (ofOthers) return 'second-level';
  return waited ? 'collapsed' : 'hit';
}

/** A ticket has no directives where the route does not listen to them. */
const honoured = { honour: true } as const;

function isConfirmed(entry: EntryView, { etag, lastModified }: StaleStored): boolean {
  return etag === '' ? entry.lastModified === lastModified : entry.etag === etag;
}

function answered(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  outcome: LookupOutcome,
  nowMs: number,
): LookupStep {
  ticket.outcome = outcome;
  const ttlMs = cache.reader.entry.freshUntilMs - nowMs;
  const member = storedMember(exchange, ticket, outcome, ttlMs);
  return answerStored(exchange, cache, member, nowMs) ? 'answered' : 'sending';
}

/** Why what was found does not answer: it is stale, or the request does not take it as it is. */
function unused(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): void {
  const { entry } = cache.reader;
  const asks = ticket.directives !== null && entry.kind === 'response';
  const fresh = asks && judgeReuse(entry, null, exchange.turnMs(), honoured) === 'fresh';
  ticket.forward = fresh ? 'request' : 'stale';
  ticket.outcome ??= fresh ? 'miss-request' : 'miss-expired';
}

/** Why nothing was found. Inside the reader's epoch. */
export function missed(cache: WorkerCache, ticket: CacheTicket): LookupOutcome {
  if (ticket.unproven) return 'miss-unproven';
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
      if (isRekeyed(cache, ticket)) return 'miss-rekeyed';
      return ticket.varyNames.length > 0 ? 'miss-vary' : 'miss-cold';
  }
}

/** Whether the route's shape before the last change of it has it. */
function isRekeyed(cache: WorkerCache, { plan, primary }: CacheTicket): boolean {
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
  mayAgain: boolean,
): LookupStep | null {
  const { plan, key } = ticket;
  // What a request does not take though it is fresh, another's fetch cannot bring it either: those
  // that wait would ask one after the other.
  const alone = !plan.coalesces || ticket.alone || ticket.forward === 'request';
  narrow(exchange, ticket);
  if (!cache.hasControl) return 'forward';
  if (asksLess(exchange)) {
    const isFetched = cache.fillOf(key) !== undefined || cache.claims.holder(key) >= 0;
    if (isFetched && !alone) return wait(exchange, cache, ticket);
    if (stale !== null) ticket.told = { key, stale, position: cache.reader.position() };
    return 'forward';
  }
  if (!mayStore(exchange, cache, ticket)) return 'forward';
  if (alone) {
    ticket.fill = new Fill(exchange, cache, false, conditionOf(stale));
    return 'forward';
  }
  if (cache.fillOf(key) !== undefined) return wait(exchange, cache, ticket);
  const claim = cache.claims.take(key);
  if (claim === 'busy') return wait(exchange, cache, ticket);
  if (claim === 'taken' && mayAgain && cameMeanwhile(exchange, cache, ticket)) {
    cache.claims.release(key);
    return null;
  }
  ticket.fill = new Fill(exchange, cache, claim === 'taken', conditionOf(stale));
  if (!cache.hasSecondLevel || !plan.readsSecondLevel || ticket.askedOthers === key.text) {
    return 'forward';
  }
  ticket.askedOthers = key.text;
  ticket.fill.askOthers();
  return 'asks';
}

/**
 * Whether the key was stored between the lookup and the claim. A claim is released only behind what
 * it was taken for is visible, so whoever has it now and still finds nothing is the first. What
 * lookups pass over because it was changed is there all the while, and has not come.
 */
function cameMeanwhile(
  exchange: Exchange,
  cache: WorkerCache,
  { key, seenEntry }: CacheTicket,
): boolean {
  if (isChanged(exchange, cache)) return false;
  const { reader } = cache;
  reader.enter();
  try {
    return reader.peek(key) && reader.entry.entryId !== seenEntry;
  } finally {
    reader.leave();
  }
}

/** HEAD, or a range: what comes of it is not stored, but a whole that is being fetched serves it. */
function asksLess({ method, headers }: Exchange): boolean {
  return method === 'HEAD' || (headers.cacheBits & requestBit.range) !== 0;
}

/** Whether the response would be stored: only then is there anything to wait for. */
function mayStore(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): boolean {
  const { plan, key, directives } = ticket;
  if (directives?.noStore === true) {
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
  if (!cache.hasControl || cache.fillOf(key) !== undefined) return;
  if (ticket.plan.refusesToStore(exchange)) return;
  const claim = cache.claims.take(key);
  if (claim === 'busy') return;
  const behind = exchange.withoutClient();
  const itsTicket = new CacheTicket(ticket.plan, ticket.primary, behind.headers, null);
  itsTicket.key = key;
  itsTicket.varyNames = ticket.varyNames;
  itsTicket.body = ticket.body;
  itsTicket.forward = 'stale';
  behind.ticket = itsTicket;
  narrow(behind, itsTicket);
  if (ticket.body !== null) behind.body = RequestBody.of(ticket.body);
  itsTicket.fill = new Fill(
    behind,
    cache,
    claim === 'taken',
    conditionOf(staleOf(cache, itsTicket)),
  );
  ticket.behind = behind;
}
