import type { HeaderList } from '../header-list.ts';

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
  /** Time to live, chosen by rule and status; -1: none. */
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
  /** The strategy keeps consumers apart, so that what was authorised may be stored. */
  readonly allowAuthorized: boolean;
}

export type StoreRefusal =
  | 'method'
  | 'partial'
  | 'status'
  | 'request-no-store'
  | 'no-store'
  | 'private'
  | 'must-understand'
  | 'authorization'
  | 'set-cookie'
  | 'vary-star'
  | 'vary-too-many'
  | 'tags-too-many'
  | 'no-freshness'
  | 'stale';

export type StoreVerdict =
  | { readonly store: false; readonly reason: StoreRefusal }
  | {
      readonly store: true;
      /** Corrected initial age (RFC 9111, section 4.2.3). */
      readonly ageMs: number;
      /** Freshness lifetime, counted from age 0; 0: revalidate before use. */
      readonly freshnessMs: number;
      /** Length of the window that begins where freshness ends; 0: none, or forbidden. */
      readonly staleWhileRevalidateMs: number;
      readonly staleIfErrorMs: number;
      /** A request may not accept it stale (`max-stale`, its own `stale-if-error`). */
      readonly mustRevalidate: boolean;
      readonly noCache: boolean;
      /** Fields to store: without Age, what concerns one connection, and what is for caches alone. */
      readonly headers: HeaderList;
      /** Lower case names, sorted, each once. */
      readonly vary: readonly string[];
      readonly tags: readonly string[];
      readonly groups: readonly string[];
      /** As it came, with W/ and quotes; empty: none. */
      readonly etag: string;
      readonly lastModified: string;
    };

export function judgeResponse(_input: ResponseFacts, _rules: StoreRules): StoreVerdict {
  throw new Error('signature');
}

/**
 * Removes the fields that this cache consumes (Cutover-Cache-Control, Surrogate-Control,
 * Surrogate-Key, Cache-Tag): also to be called for answers that are not stored.
 */
export function removeConsumedFields(_headers: HeaderList): void {
  throw new Error('signature');
}

/**
 * Whether a route's plain `ttl` is meant for a status, where no `status-ttl` names it: success and
 * permanent redirects, never errors.
 */
export function takesPlainTtl(_status: number): boolean {
  throw new Error('signature');
}
