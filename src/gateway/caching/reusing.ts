import type { CacheDirectives } from './cache-control.ts';

/** What reuse is judged by, of a stored response. An EntryView of memory/cache has this shape. */
export interface StoredFacts {
  readonly bornMs: number;
  readonly freshUntilMs: number;
  readonly staleWhileRevalidateUntilMs: number;
  readonly staleIfErrorUntilMs: number;
  /** Bits of entryFlag: mustRevalidate, noCache. */
  readonly flags: number;
  readonly softStale: boolean;
}

export interface ReuseOptions {
  /** Whether the request's directives count (`request-directives: honour`). */
  readonly honour: boolean;
}

export type Reuse = 'fresh' | 'stale-while-revalidate' | 'revalidate' | 'only-if-cached-miss';

/** May the entry answer now? All times by the clock of the entry's. */
export function judgeReuse(
  _entry: StoredFacts,
  _request: CacheDirectives | null,
  _nowMs: number,
  _options: ReuseOptions,
): Reuse {
  throw new Error('signature');
}

/** May the entry answer instead of an error of the origin's (RFC 5861, section 4)? */
export function mayServeOnError(
  _entry: StoredFacts,
  _request: CacheDirectives | null,
  _nowMs: number,
  _options: ReuseOptions,
): boolean {
  throw new Error('signature');
}

/** Whether a status counts as the error that stale-if-error is for: 500, 502, 503, 504. */
export function isErrorStatus(_status: number): boolean {
  throw new Error('signature');
}
