import type { HttpResponse } from '../base/uws.ts';
import { cacheKey } from '../memory/cache/cache-key.ts';
import type { CacheReader } from '../memory/cache/cache-reader.ts';
import { entryFlag } from '../memory/cache/cache-record.ts';
import { type EntryFacts, entryFacts } from '../memory/cache/entry-facts.ts';
import type { CacheVerdict, DescribedRequest, Explanation } from '../memory/cache/explanation.ts';
import { noSlot } from '../memory/control-block.ts';
import { methodBits } from '../memory/shape-kinds.ts';
import { missed, narrow, openTicket } from './caching/lookup.ts';
import { cacheHost } from './caching/record.ts';
import { judgeReuse } from './caching/reusing.ts';
import type { CacheTicket } from './caching/ticket.ts';
import type { WorkerCache } from './caching/worker-cache.ts';
import { RequestHeaders, requestBit } from './door.ts';
import { Exchange } from './exchange.ts';
import { type ReasonCode, reasons } from './explained-reasons.ts';
import { admit, match } from './pipeline.ts';
import type { WorkerContext } from './worker-context.ts';

/** What is foreseen for a request, before it is put into words. */
interface Forecast {
  readonly verdict: CacheVerdict;
  /** Of `reasons`, or the code of the problem that refuses the request. */
  readonly reason: string;
  readonly key: string;
  readonly vary: readonly string[];
  readonly notStored: ReasonCode | '';
  readonly entry: EntryFacts | null;
}

/**
 * What the cache would do with a request, by the code that does it: the door, the matcher, the
 * route's key, and what is stored now. Nothing is counted, claimed, sent or changed, and the pin
 * lasts for this call. Null: nothing is active yet.
 */
export function explain(worker: WorkerContext, request: DescribedRequest): Explanation | null {
  const slot = worker.words.pin();
  if (slot === noSlot) return null;
  try {
    const generation = worker.generations[slot];
    if (generation === undefined) return null;
    const { pinnedRevision: revision } = worker.words;
    const headers = headersOf(request);
    const exchange = new Exchange(worker, nobody, generation, revision, headers, worker.nowMs());
    // Nobody gets an answer: what needs a client's connection is not asked for.
    exchange.gone = true;
    exchange.accounted = true;
    const forecast = foresee(exchange, request);
    const plan = exchange.plan;
    return {
      generation: generation.number,
      revision,
      route: plan?.id ?? '',
      shapeKey: plan?.cache?.shapeKey ?? '',
      key: forecast.key,
      vary: forecast.vary,
      verdict: forecast.verdict,
      reason: forecast.reason,
      detail: sentence(forecast),
      stores: forecast.notStored === '',
      notStored: forecast.notStored,
      entry: forecast.entry,
    };
  } finally {
    worker.words.unpin(slot);
  }
}

/** An exchange that is `gone` is one whose response nothing touches. */
const nobody = {} as HttpResponse;

function headersOf({ host, headers, body }: DescribedRequest): RequestHeaders {
  const list = new RequestHeaders();
  if (!headers.some(([name]) => name === 'host')) list.line('host', host);
  for (const [name, value] of headers) list.line(name, value);
  if (body !== null && !list.hasBody) {
    list.line('content-length', String(Buffer.byteLength(body)));
  }
  return list;
}

function foresee(exchange: Exchange, request: DescribedRequest): Forecast {
  const { method, path, query, body } = request;
  const line = {
    getCaseSensitiveMethod: () => method,
    getUrl: () => path,
    getQuery: () => query,
  };
  // Overloads of the package: the query as a whole, or one parameter of it.
  const refusal = admit(exchange, line as Parameters<typeof admit>[1]) || match(exchange);
  if (refusal !== '') return past('local', refusal);
  if (exchange.plan !== null && exchange.plan.reply !== null) return past('local', 'local-reply');
  const { cache } = exchange.worker;
  const plan = exchange.plan?.cache ?? null;
  if (cache === null || plan === null) return past('past', 'no-cache-block');
  const hasBody = exchange.headers.hasBody;
  if (hasBody && (method !== 'POST' || !plan.needsBody)) return past('past', 'body');
  const ticket = openTicket(exchange, hasBody && body !== null ? Buffer.from(body) : null);
  if (ticket === null) return past('past', whyPast(exchange, hasBody));
  return foreseeLookup(exchange, cache, ticket);
}

function past(verdict: CacheVerdict, reason: string): Forecast {
  const notStored = verdict === 'past' ? 'past' : 'local';
  return { verdict, reason, key: '', vary: [], notStored, entry: null };
}

/** Why an exchange of a cached route has no ticket, in the order in which `openTicket` asks. */
function whyPast(exchange: Exchange, hasBody: boolean): ReasonCode {
  const plan = exchange.plan?.cache;
  if (plan == null) return 'no-cache-block';
  if (((methodBits[exchange.method] ?? 0) & plan.methodMask) === 0) return 'method';
  if ((exchange.headers.cacheBits & requestBit.precondition) !== 0) return 'precondition';
  if (plan.bypasses(exchange)) return 'bypass';
  return exchange.method === 'POST' && !hasBody ? 'no-body' : 'no-key';
}

function foreseeLookup(exchange: Exchange, cache: WorkerCache, ticket: CacheTicket): Forecast {
  const { reader } = cache;
  reader.enter();
  try {
    const found = peek(exchange, reader, ticket);
    const entry = found ? entryFacts(reader.entry, exchange.worker.nowMs()) : null;
    const notStored = whyNotStored(exchange, cache, ticket);
    const changed = cache.isChanged(cacheHost(exchange.headers.host), exchange.path);
    const step =
      found && !changed
        ? used(exchange, cache, ticket, notStored)
        : fetched(cache, ticket, found ? 'changed' : missed(cache, ticket), notStored);
    return { key: ticket.key.text, vary: ticket.varyNames, notStored, entry, ...step };
  } finally {
    reader.leave();
  }
}

/** Sets the reader's entry to the response for this request, its Vary followed; counts no use. */
function peek(exchange: Exchange, reader: CacheReader, ticket: CacheTicket): boolean {
  if (!reader.peek(ticket.primary)) return false;
  if (reader.entry.kind !== 'vary') return true;
  narrow(exchange, ticket);
  ticket.varyNames = reader.entry.headText().split(',');
  ticket.key = cacheKey(ticket.variantKey(ticket.varyNames));
  return reader.peek(ticket.key);
}

type Step = Pick<Forecast, 'verdict' | 'reason'>;

/** What becomes of the reader's entry. */
function used(
  exchange: Exchange,
  cache: WorkerCache,
  ticket: CacheTicket,
  notStored: ReasonCode | '',
): Step {
  const { entry } = cache.reader;
  const { directives } = ticket;
  const nowMs = exchange.worker.nowMs();
  const fresh = nowMs < entry.freshUntilMs;
  if (entry.kind === 'pass') {
    if (fresh) return { verdict: 'fetch', reason: 'miss-pass' };
    return fetched(cache, ticket, 'miss-expired', notStored);
  }
  // A ticket has no directives where the route does not listen to them.
  const reuse = judgeReuse(entry, directives, nowMs, { honour: true });
  if (reuse === 'fresh') return { verdict: 'hit', reason: fresh ? 'fresh' : 'max-stale' };
  if (reuse === 'stale-while-revalidate') {
    return { verdict: 'stale', reason: entry.softStale ? 'soft-bust' : 'stale-while-revalidate' };
  }
  const whyUnfresh = fresh ? 'must-validate' : 'miss-expired';
  const reason = entry.softStale ? 'soft-bust' : whyUnfresh;
  // What a request asks about for itself, another's fetch cannot bring it.
  if (reason === 'must-validate') ticket.alone = true;
  if ((entry.flags & entryFlag.noCache) !== 0) ticket.alone = true;
  const step = fetched(cache, ticket, reason, notStored);
  const asks = entry.state === 'live' && (entry.etag !== '' || entry.lastModified !== '');
  const revalidates = step.verdict === 'fetch' && notStored === '' && asks;
  return revalidates ? { verdict: 'revalidate', reason } : step;
}

/** It goes to the origin, or waits for one that is there already. */
function fetched(
  cache: WorkerCache,
  { plan, directives, key, alone }: CacheTicket,
  reason: string,
  notStored: ReasonCode | '',
): Step {
  if (directives?.onlyIfCached === true) return { verdict: 'not-in-cache', reason };
  // A HEAD and a range are not stored themselves, but are served by a whole that is.
  const mayWait = notStored === '' || notStored === 'head' || notStored === 'range';
  const underWay = cache.fillOf(key) !== undefined || cache.claims.holder(key) >= 0;
  const waits = plan.coalesces && !alone && mayWait && underWay;
  return { verdict: waits ? 'wait' : 'fetch', reason };
}

/** Why the answer to this request would not be stored, whatever the origin says; else empty. */
function whyNotStored(
  exchange: Exchange,
  cache: WorkerCache,
  { plan, key, directives }: CacheTicket,
): ReasonCode | '' {
  if (exchange.method === 'HEAD') return 'head';
  if ((exchange.headers.cacheBits & requestBit.range) !== 0) return 'range';
  if (directives?.noStore === true) return 'request-no-store';
  if (plan.refusesToStore(exchange)) return 'no-store';
  if (plan.minUses > 1 && cache.uses.countOf(key) + 1 < plan.minUses) return 'min-uses';
  return '';
}

function sentence({ verdict, reason, notStored }: Forecast): string {
  const why = reasons[reason as ReasonCode] ?? `the gateway refuses it: ${reason}`;
  const what = outcomes[verdict];
  const fetches = verdict === 'fetch' || verdict === 'revalidate';
  const stored = fetches && notStored !== '' ? `; not stored: ${reasons[notStored]}` : '';
  return `${what}: ${why}${stored}`;
}

const outcomes: Readonly<Record<CacheVerdict, string>> = {
  hit: 'answered out of the cache',
  stale: 'answered out of the cache, and fetched anew behind the answer',
  revalidate: 'the origin is asked whether what is stored still holds',
  fetch: 'fetched from the origin',
  wait: 'answered with a fetch that another request has under way',
  past: 'goes past the cache to the origin',
  'not-in-cache': '504, since the request wants a stored response or none',
  local: 'answered by the gateway itself',
};
