import type { HeaderList } from '../header-list.ts';
import { type CacheDirectives, requestDirectives } from './cache-control.ts';
import { type AgeFacts, initialAge } from './freshness.ts';
import { formatHttpDate, parseHttpDate } from './http-date.ts';
import { forbidsStale, lifetimeOf, staleWindows, ttlWinsOverAll } from './lifetime.ts';
import { originDirectives } from './origin-directives.ts';
import { isUnderstood } from './statuses.ts';
import { storedFields } from './stored-fields.ts';
import { responseGroups, responseTags } from './tags.ts';
import { parseVary } from './vary.ts';

/** A response and the request that it answers. Names are lower case, times by the wall clock. */
export interface ResponseFacts {
  readonly method: string;
  readonly requestHeaders: HeaderList;
  readonly status: number;
  readonly headers: HeaderList;
  readonly requestTimeMs: number;
  readonly responseTimeMs: number;
}

/** What a route says of storing, narrowed to this response by the caller. */
export interface StoreRules {
  /**
   * Time to live, chosen by rule and status; -1: none. It counts from when the response came, as
   * a route's own measure of time, whatever age the response has.
   */
  readonly ttlMs: number;
  /** For 404, 405, 410, 414 and 501 of which the origin says nothing; -1: none. */
  readonly negativeTtlMs: number;
  /** What `ttlMs` wins over: nothing, the origin's freshness, or all that the origin says. */
  readonly override: 'origin' | 'ttl' | 'none';
  /** -1: as the origin says. */
  readonly staleWhileRevalidateMs: number;
  /** -1: as the origin says. */
  readonly staleIfErrorMs: number;
  readonly setCookie: 'refuse' | 'strip' | 'store';
  /** Whether freshness may be guessed from Last-Modified (RFC 9111, section 4.2.2). */
  readonly heuristics: boolean;
  /** The route lets no request say `no-store` (`request-directives: ignore`). */
  readonly ignoreRequest?: boolean;
}

export type StoreRefusal =
  | 'method'
  | 'status'
  | 'partial'
  | 'request-no-store'
  | 'no-store'
  | 'private'
  | 'must-understand'
  | 'authorization'
  | 'set-cookie'
  | 'vary-star'
  | 'vary-too-many'
  | 'vary-changed'
  | 'tags-too-many'
  | 'no-freshness'
  | 'no-cache'
  | 'stale';

export interface StoreAcceptance {
  readonly store: true;
  /** Corrected initial age (RFC 9111, section 4.2.3). */
  readonly ageMs: number;
  /** Freshness lifetime, counted from age 0; not above `ageMs`: revalidate before use. */
  readonly freshnessMs: number;
  /** Length of the window that begins where freshness ends; 0: none, or forbidden. */
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  /** A request may not accept it stale (`max-stale`, its own `stale-if-error`). */
  readonly mustRevalidate: boolean;
  readonly noCache: boolean;
  /** Fields to store, with a Date, without Age, and without what concerns one connection. */
  readonly headers: HeaderList;
  /** Lower case names, sorted, each once. */
  readonly vary: readonly string[];
  readonly tags: readonly string[];
  readonly groups: readonly string[];
  /** As it came, with W/ and quotes; empty: none. */
  readonly etag: string;
  readonly lastModified: string;
}

export type StoreVerdict =
  | { readonly store: false; readonly reason: StoreRefusal }
  | StoreAcceptance;

/** Whether a shared cache may store a response (RFC 9111, section 3), and for how long. */
export function judgeResponse(input: ResponseFacts, rules: StoreRules): StoreVerdict {
  const { headers } = input;
  const origin = originDirectives(headers);
  const reason =
    refusalByMessage(input, rules) ??
    refusalByDirectives(input, rules, origin.directives) ??
    refusalByAuthorization(input, origin.directives);
  if (reason !== null) return { store: false, reason };
  const vary = parseVary(headers.joined('vary'));
  if (vary === '*') return { store: false, reason: 'vary-star' };
  if (vary === null) return { store: false, reason: 'vary-too-many' };
  const tags = responseTags(headers);
  const groups = responseGroups(headers);
  if (tags === null || groups === null) return { store: false, reason: 'tags-too-many' };

  const age = initialAge(headers, input.requestTimeMs, input.responseTimeMs);
  const lifetime = lifetimeOf(input, rules, origin, age);
  if (lifetime === null) return { store: false, reason: 'no-freshness' };
  const verdict: StoreAcceptance = {
    store: true,
    ageMs: age.ageMs,
    freshnessMs: lifetime.ms,
    ...staleWindows(rules, origin.directives, lifetime.noCache),
    mustRevalidate: !ttlWinsOverAll(rules) && forbidsStale(origin.directives),
    noCache: lifetime.noCache,
    headers: fieldsToStore(input, rules, origin.directives, age),
    vary,
    tags,
    groups,
    etag: headers.get('etag') ?? '',
    lastModified: modificationDate(headers),
  };
  if (isOfUse(verdict, input.method)) return verdict;
  return { store: false, reason: lifetime.noCache ? 'no-cache' : 'stale' };
}

function refusalByMessage(input: ResponseFacts, rules: StoreRules): StoreRefusal | null {
  const { method, status, headers } = input;
  if (method !== 'GET' && method !== 'POST') return 'method';
  if (status === 206) return 'partial';
  if (status < 200 || status === 304) return 'status';
  if (rules.setCookie === 'refuse' && headers.has('set-cookie')) return 'set-cookie';
  if (rules.ignoreRequest === true) return null;
  const asked = requestDirectives(input.requestHeaders);
  return asked?.noStore === true ? 'request-no-store' : null;
}

function refusalByDirectives(
  { status }: ResponseFacts,
  rules: StoreRules,
  directives: CacheDirectives,
): StoreRefusal | null {
  if (ttlWinsOverAll(rules)) return null;
  if (directives.mustUnderstand) {
    // For caches that know the status, must-understand replaces the no-store beside it.
    if (!isUnderstood(status)) return 'must-understand';
  } else if (directives.noStore) return 'no-store';
  return directives.private === true ? 'private' : null;
}

/**
 * RFC 9111, section 3.5. No override lifts this: it is about whom, not about how long. Nor does a
 * key that names the consumer, since nobody has a name yet and all would share one answer.
 */
function refusalByAuthorization(
  { requestHeaders }: ResponseFacts,
  { public: isPublic, sMaxage, mustRevalidate }: CacheDirectives,
): StoreRefusal | null {
  if (!requestHeaders.has('authorization')) return null;
  return isPublic || sMaxage >= 0 || mustRevalidate ? null : 'authorization';
}

/** A Date is added where it is missing or malformed (RFC 9110, section 6.6.1). */
function fieldsToStore(
  { headers, responseTimeMs }: ResponseFacts,
  rules: StoreRules,
  directives: CacheDirectives,
  age: AgeFacts,
): HeaderList {
  const scopes = [directives.noCache, directives.private];
  const fields = storedFields(headers, scopes, rules.setCookie === 'strip');
  if (!age.dated) fields.set('date', formatHttpDate(responseTimeMs));
  return fields;
}

/** A date that is none says nothing to an origin that is asked by it. */
function modificationDate(headers: HeaderList): string {
  const value = headers.get('last-modified');
  return value === undefined || parseHttpDate(value) === null ? '' : value;
}

/** Fresh, or stale but allowed, or to be revalidated; a POST cannot ask by a condition. */
function isOfUse(verdict: StoreAcceptance, method: string): boolean {
  const staleMs = Math.max(verdict.staleWhileRevalidateMs, verdict.staleIfErrorMs);
  if (verdict.freshnessMs + staleMs > verdict.ageMs) return true;
  return method === 'GET' && (verdict.etag !== '' || verdict.lastModified !== '');
}
