import type { CacheTicket } from './ticket.ts';
import type { WorkerCache } from './worker-cache.ts';

/** What a validation is about: the stored response as it was when it was looked up. */
export interface StaleStored {
  readonly entry: number;
  readonly status: number;
  readonly head: string;
  readonly origin: string;
  readonly etag: string;
  readonly lastModified: string;
  readonly bodyBytes: number;
}

/** What the origin is asked about, of the reader's entry; null: nothing that it could confirm. */
export function staleOf(cache: WorkerCache, ticket: CacheTicket): StaleStored | null {
  const { entry } = cache.reader;
  if (entry.kind !== 'response' || entry.state !== 'live' || ticket.whole) return null;
  return {
    entry: entry.entryId,
    status: entry.status,
    head: entry.headText(),
    origin: entry.origin,
    etag: entry.etag,
    lastModified: entry.lastModified,
    bodyBytes: entry.bodyBytes,
  };
}

/** Null: nothing by which the origin could tell that it is still the same. */
export function conditionOf(stale: StaleStored | null): StaleStored | null {
  return stale === null || (stale.etag === '' && stale.lastModified === '') ? null : stale;
}
