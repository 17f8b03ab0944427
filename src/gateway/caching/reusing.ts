import { entryFlag } from '../../memory/cache/cache-record.ts';
import type { CacheDirectives } from './cache-control.ts';

/** What reuse is judged by, of a stored response. An EntryView of memory/cache has this shape. */
export interface StoredFacts {
  readonly bornMs: number;
  readonly freshUntilMs: number;
  readonly staleWhileRevalidateUntilMs: number;
  readonly staleIfErrorUntilMs: number;
  /** Bits of entryFlag: mustRevalidate, noCache. */
  readonly flags: number;
  /** A soft bust: to be revalidated, whatever its times say. */
  readonly softStale: boolean;
}

export interface ReuseOptions {
  /** Whether the request's directives count (`request-directives: honour`). */
  readonly honour: boolean;
}

export type Reuse = 'fresh' | 'stale-while-revalidate' | 'revalidate' | 'only-if-cached-miss';

/**
 * Whether a stored response may answer now (RFC 9111, section 4.2; RFC 5861, section 3). `fresh`
 * is also what a request accepts stale (`max-stale`). All times are of the entry's clock.
 */
export function judgeReuse(
  entry: StoredFacts,
  request: CacheDirectives | null,
  nowMs: number,
  options: ReuseOptions,
): Reuse {
  if (request !== null && options.honour) return judgeAsked(entry, request, nowMs);
  if (nowMs < entry.freshUntilMs && isUsable(entry)) return 'fresh';
  return mayServeWhileRevalidating(entry, nowMs) ? 'stale-while-revalidate' : 'revalidate';
}

function isUsable({ flags, softStale }: StoredFacts): boolean {
  return (flags & entryFlag.noCache) === 0 && !softStale;
}

/** A window that ends where freshness does is none. */
function mayServeWhileRevalidating(entry: StoredFacts, nowMs: number): boolean {
  const { staleWhileRevalidateUntilMs, freshUntilMs, flags } = entry;
  if ((flags & entryFlag.noCache) !== 0 || nowMs >= staleWhileRevalidateUntilMs) return false;
  return staleWhileRevalidateUntilMs > freshUntilMs;
}

/** With the request's own terms (RFC 9111, section 5.2.1). */
function judgeAsked(entry: StoredFacts, request: CacheDirectives, nowMs: number): Reuse {
  const suits = request.noCache === false && isYoungEnough(entry, request, nowMs);
  if (suits) {
    if (isUsable(entry) && acceptsFreshness(entry, request, nowMs)) return 'fresh';
    // Who asks for freshness to spare gets nothing stale.
    if (request.minFresh < 0 && mayServeWhileRevalidating(entry, nowMs)) {
      return 'stale-while-revalidate';
    }
  }
  return request.onlyIfCached ? 'only-if-cached-miss' : 'revalidate';
}

/** `max-age=0` asks for a validation, even in the millisecond in which an entry is born. */
function isYoungEnough(
  { bornMs }: StoredFacts,
  { maxAge }: CacheDirectives,
  nowMs: number,
): boolean {
  return maxAge < 0 || (maxAge > 0 && nowMs - bornMs <= maxAge * 1000);
}

function acceptsFreshness(entry: StoredFacts, request: CacheDirectives, nowMs: number): boolean {
  const leftMs = entry.freshUntilMs - nowMs;
  if (leftMs > 0) return leftMs >= request.minFresh * 1000;
  if (request.minFresh > 0 || (entry.flags & entryFlag.mustRevalidate) !== 0) return false;
  return request.maxStale >= 0 && -leftMs <= request.maxStale * 1000;
}

/**
 * Whether a stored response may answer instead of an error of the origin's (RFC 5861, section 4):
 * within its own window, or within the one that the request states.
 */
export function mayServeOnError(
  entry: StoredFacts,
  request: CacheDirectives | null,
  nowMs: number,
  options: ReuseOptions,
): boolean {
  const { freshUntilMs, staleIfErrorUntilMs, flags } = entry;
  if ((flags & entryFlag.noCache) !== 0) return false;
  if (nowMs < staleIfErrorUntilMs && staleIfErrorUntilMs > freshUntilMs) return true;
  if (request === null || !options.honour || (flags & entryFlag.mustRevalidate) !== 0) return false;
  return request.staleIfError >= 0 && nowMs - freshUntilMs <= request.staleIfError * 1000;
}
