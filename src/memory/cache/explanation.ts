import type { EntryFacts } from './entry-facts.ts';

/** A request as a person describes it, for a worker to say what the cache would do with it. */
export interface DescribedRequest {
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

/** What the next answer to such a request will be. */
export type CacheVerdict =
  /** Out of the cache. */
  | 'hit'
  /** Out of the cache, though stale; fetched anew behind it. */
  | 'stale'
  /** The origin is asked whether what is stored still holds. */
  | 'revalidate'
  /** From the origin. */
  | 'fetch'
  /** That of a fetch which another exchange has under way. */
  | 'wait'
  /** From the origin; the cache is neither looked into nor written. */
  | 'past'
  /** 504: the request wants a stored response or none. */
  | 'not-in-cache'
  /** An answer of the gateway's own; no cache. */
  | 'local';

/** What one worker would do with a described request now. It changes nothing and counts nothing. */
export interface Explanation {
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
  readonly verdict: CacheVerdict;
  readonly reason: string;
  /** Verdict and reason as a sentence. */
  readonly detail: string;
  /** Whether what the origin sends is stored if the origin lets it; `notStored` says why not. */
  readonly stores: boolean;
  readonly notStored: string;
  readonly entry: EntryFacts | null;
}
