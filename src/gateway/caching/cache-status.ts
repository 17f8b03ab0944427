/** Why a request went on (RFC 9211, section 2.2). */
export type ForwardReason =
  | 'bypass'
  | 'method'
  | 'uri-miss'
  | 'vary-miss'
  | 'miss'
  | 'request'
  | 'stale'
  | 'partial';

/** What one member tells; times in ms, written as seconds. */
export interface CacheStatusFacts {
  readonly hit?: boolean;
  readonly fwd?: ForwardReason;
  readonly fwdStatus?: number;
  /** Freshness left; negative: stale for so long. */
  readonly ttlMs?: number;
  readonly stored?: boolean;
  readonly collapsed?: boolean;
  readonly key?: string;
  /** A token is written as one, other text quoted. */
  readonly detail?: string;
}

/** One member of `Cache-Status` (RFC 9211): `cutover; hit; ttl=57`. */
export function cacheStatus(_facts: CacheStatusFacts): string {
  throw new Error('signature');
}

/** The usual member of a hit. */
export function hitStatus(_ttlMs: number): string {
  throw new Error('signature');
}

/** Ours after what caches nearer to the origin said. */
export function appendStatus(_before: string | undefined, _member: string): string {
  throw new Error('signature');
}
