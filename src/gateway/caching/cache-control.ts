import type { HeaderList } from '../header-list.ts';

/** Whether a directive is there, or the lower case names of the fields that it is limited to. */
export type FieldScope = boolean | readonly string[];

/**
 * Directives of `Cache-Control` (RFC 9111, section 5.2; RFC 5861; RFC 8246). Durations are in
 * seconds; -1: not given, 0: given, but not to be understood, so that it errs on the stale side.
 */
export interface CacheDirectives {
  readonly maxAge: number;
  readonly sMaxage: number;
  readonly noStore: boolean;
  readonly noCache: FieldScope;
  readonly private: FieldScope;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly minFresh: number;
  /** Infinity: any staleness (`max-stale` without a value). */
  readonly maxStale: number;
  readonly onlyIfCached: boolean;
  readonly noTransform: boolean;
  readonly immutable: boolean;
}

export function parseCacheControl(_value: string | undefined): CacheDirectives {
  throw new Error('signature');
}

/**
 * What a request asks of caches; null when it says nothing (the usual case, so that the hit path
 * compares with null and no more). `Pragma: no-cache` counts where there is no `Cache-Control`
 * (RFC 9111, section 5.4).
 */
export function requestDirectives(_headers: HeaderList): CacheDirectives | null {
  throw new Error('signature');
}
