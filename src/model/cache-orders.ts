/** Answers of control about the cache, as the manager passes them on. */

export interface WorkerDrop {
  readonly id: number;
  /** From the order until this worker could not answer with what was busted. */
  readonly droppedMs: number;
}

export interface BustAnswer {
  /** In the invalidation stream. */
  readonly position: number;
  /** Entries that were dropped or marked stale. */
  readonly entries: number;
  readonly droppedMs: number;
  readonly workers: readonly WorkerDrop[];
}

export interface ListedEntry {
  readonly key: string;
  readonly kind: 'response' | 'vary' | 'pass';
  readonly route: string;
  readonly status: number;
  readonly state: 'filling' | 'live' | 'dead';
  /** Whole seconds; negative `ttl`: stale for so long. */
  readonly age: number;
  readonly ttl: number;
  readonly softStale: boolean;
  readonly bodyBytes: number;
  readonly etag: string;
  readonly lastModified: string;
  readonly tags: readonly string[];
  /** Names of the stored Vary, or of a `vary` entry. */
  readonly vary: string;
}

export interface CacheListing {
  readonly url: string;
  readonly entries: readonly ListedEntry[];
  /** Entries over the limit of a listing, which were left out. */
  readonly leftOut: number;
}
