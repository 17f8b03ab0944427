import type { CacheDirectives } from './cache-control.ts';
import { type AgeFacts, explicitLifetimeMs, heuristicLifetimeMs } from './freshness.ts';
import type { OriginDirectives } from './origin-directives.ts';
import { isHeuristicallyCacheable, isNegative } from './statuses.ts';
import type { ResponseFacts, StoreRules } from './storing.ts';

/** How long a response is fresh, counted from age 0, and whether it must be revalidated even so. */
export interface Lifetime {
  readonly ms: number;
  readonly noCache: boolean;
}

export interface StaleWindows {
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
}

export function ttlWinsOverAll({ override, ttlMs }: StoreRules): boolean {
  return override === 'none' && ttlMs >= 0;
}

/**
 * In this order: the route's ttl where it wins, the origin's word, the route's ttl, its negative
 * ttl, a guess. Null: nobody says how long, and the response is not one to guess of.
 */
export function lifetimeOf(
  input: ResponseFacts,
  rules: StoreRules,
  origin: OriginDirectives,
  age: AgeFacts,
): Lifetime | null {
  const { status, headers } = input;
  if (rules.override !== 'origin' && rules.ttlMs >= 0) return fromNow(rules.ttlMs, age);
  const explicitMs = explicitLifetimeMs(origin, headers, age);
  const noCache = origin.directives.noCache === true;
  if (noCache) return explicitMs !== null || isCacheable(input, origin) ? { ms: 0, noCache } : null;
  if (explicitMs !== null) return { ms: explicitMs, noCache };
  if (rules.ttlMs >= 0) return fromNow(rules.ttlMs, age);
  if (rules.negativeTtlMs >= 0 && isNegative(status)) return fromNow(rules.negativeTtlMs, age);
  if (!rules.heuristics || !isCacheable(input, origin)) return null;
  return { ms: heuristicLifetimeMs(headers, age), noCache };
}

/** A route's ttl is its own measure: it begins when the response came, however old that is. */
function fromNow(ttlMs: number, { ageMs }: AgeFacts): Lifetime {
  return { ms: ageMs + ttlMs, noCache: false };
}

/** May be stored, and its freshness guessed, without explicit freshness (RFC 9111, section 3). */
function isCacheable({ method, status }: ResponseFacts, { directives }: OriginDirectives): boolean {
  return method === 'GET' && (directives.public || isHeuristicallyCacheable(status));
}

/**
 * Whether the origin forbids to serve it stale unasked (RFC 9111, section 4.2.4). `s-maxage` does
 * so too, but not against a window that the origin states beside it or the route states for it.
 */
export function forbidsStale({
  mustRevalidate,
  proxyRevalidate,
  sMaxage,
}: CacheDirectives): boolean {
  return mustRevalidate || proxyRevalidate || sMaxage >= 0;
}

/** The windows of RFC 5861: the route's, else the origin's; none where the origin forbids them. */
export function staleWindows(
  rules: StoreRules,
  directives: CacheDirectives,
  noCache: boolean,
): StaleWindows {
  const alone = ttlWinsOverAll(rules);
  const forbidden = !alone && (directives.mustRevalidate || directives.proxyRevalidate);
  if (noCache || forbidden) return { staleWhileRevalidateMs: 0, staleIfErrorMs: 0 };
  const { staleWhileRevalidate, staleIfError } = directives;
  return {
    staleWhileRevalidateMs: windowMs(
      rules.staleWhileRevalidateMs,
      alone ? 0 : staleWhileRevalidate,
    ),
    staleIfErrorMs: windowMs(rules.staleIfErrorMs, alone ? 0 : staleIfError),
  };
}

function windowMs(ruleMs: number, seconds: number): number {
  return ruleMs >= 0 ? ruleMs : Math.max(0, seconds) * 1000;
}
