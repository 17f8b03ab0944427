import type { CacheToControl, CacheToWorker } from './cache/cache-messages.ts';
import type { DescribedRequest, Explanation } from './cache/explanation.ts';
import type { ShapeBytes } from './shape.ts';

/** What control tells a worker, in order. */
export type ToWorker =
  | CacheToWorker
  /** Attach a generation to a free slot; answer `staged`. */
  | {
      readonly kind: 'stage';
      readonly slot: number;
      readonly generation: number;
      readonly bytes: ShapeBytes;
    }
  /** The active word says this slot now; answer `switched` from a later turn of the event loop. */
  | { readonly kind: 'switch'; readonly slot: number; readonly revision: number }
  /** No exchange of any worker runs on the slot: let it go, with the series of what ended. */
  | { readonly kind: 'retire'; readonly slot: number; readonly dropped: readonly number[] }
  /** What would the cache do with this request? Answer `explained`. */
  | { readonly kind: 'explain'; readonly id: number; readonly request: DescribedRequest };

/** What a worker tells control. */
export type FromWorker =
  | CacheToControl
  | {
      readonly kind: 'staged';
      readonly worker: number;
      readonly slot: number;
      /** Slots are used again, so this tells which question it answers. */
      readonly generation: number;
      /** Null: attached. Else why not. */
      readonly error: string | null;
    }
  | {
      readonly kind: 'switched';
      readonly worker: number;
      readonly slot: number;
      readonly revision: number;
    }
  /** Null: the worker could not say; its log has why. */
  | { readonly kind: 'explained'; readonly id: number; readonly explanation: Explanation | null }
  | {
      readonly kind: 'endpoint';
      readonly worker: number;
      readonly upstream: string;
      readonly origin: string;
      /** `gone`: with its last generation, and what was known of it too. */
      readonly state: 'healthy' | 'unhealthy' | 'breaker-open' | 'breaker-closed' | 'gone';
      readonly reason: string;
    };
