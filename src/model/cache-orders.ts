/** What is asked of control about the cache, and its answers as the manager passes them on. */

/** A request as a person describes it. */
export interface ExplainRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  /** Raw, without the question mark. */
  readonly query: string;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Null: none. */
  readonly body: string | null;
}

/** What a worker would do with the request now; docs/admin-interface.md says what the words mean. */
export interface CacheExplanation {
  readonly worker: number;
  readonly generation: number;
  readonly revision: number;
  /** Empty: none matches. */
  readonly route: string;
  /** Empty: the route is not cached. */
  readonly shapeKey: string;
  /** Empty: the request has none. */
  readonly key: string;
  /** Names of the stored Vary that the key follows. */
  readonly vary: readonly string[];
  readonly verdict: string;
  readonly reason: string;
  /** The verdict and its reason as a sentence. */
  readonly detail: string;
  /** Whether what the origin sends next is stored if the origin lets it; false: with why not. */
  readonly stores: boolean;
  readonly notStored: string;
  readonly entry: ListedEntry | null;
}

export interface WorkerDrop {
  readonly id: number;
  /** From the order until this worker could not answer with what was busted. */
  readonly droppedMs: number;
}

/** What one node did about a bust. */
export interface NodeDrop {
  readonly id: string;
  readonly workers: readonly WorkerDrop[];
  /** From the call until it was known of all its workers. */
  readonly droppedMs: number;
}

export interface BustAnswer {
  /** In the invalidation stream. */
  readonly position: number;
  /** Entries that were dropped or marked stale on the node that was asked. */
  readonly entries: number;
  readonly droppedMs: number;
  readonly nodes: readonly NodeDrop[];
  /** Live nodes that did not tell in time. */
  readonly late: readonly string[];
  /** True: the cluster has not confirmed it, and will get it. */
  readonly queued: boolean;
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
  /** Whole seconds, after its fresh ones, for which it may be used stale; 0: not, or no longer. */
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

export interface CacheListing {
  readonly url: string;
  readonly entries: readonly ListedEntry[];
  /** Entries over the limit of a listing, which were left out. */
  readonly leftOut: number;
}
