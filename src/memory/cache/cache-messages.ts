import type { CacheRecord } from './cache-record.ts';

/**
 * What a worker tells control about its fetches. A fetch is named by the worker's own number; its
 * messages come in order: `store`, or `begin`, chunks, then `end` or `abort`; or `refresh`.
 */
export type CacheToControl =
  /** A whole response. */
  | {
      readonly kind: 'cache-store';
      readonly fetch: number;
      readonly record: CacheRecord;
      readonly body: ArrayBuffer | null;
    }
  /** A response whose body follows; it can be read while it grows. */
  | { readonly kind: 'cache-begin'; readonly fetch: number; readonly record: CacheRecord }
  | { readonly kind: 'cache-chunk'; readonly fetch: number; readonly bytes: ArrayBuffer }
  | { readonly kind: 'cache-end'; readonly fetch: number }
  | { readonly kind: 'cache-abort'; readonly fetch: number }
  /** The origin said 304: the entry lives on under a new head. */
  | {
      readonly kind: 'cache-refresh';
      readonly fetch: number;
      readonly entry: number;
      readonly record: CacheRecord;
    }
  /** Before a fetch: whether another node of the cluster has it. */
  | {
      readonly kind: 'cache-ask';
      readonly fetch: number;
      readonly key: string;
      /** One node of the cluster fetches; others wait for what it stores, so long. */
      readonly lease: boolean;
      readonly waitMs: number;
    }
  /** The answer to a HEAD says that the entry is another by now: it is to be validated. */
  | { readonly kind: 'cache-stale'; readonly entry: number }
  /** An unsafe method succeeded (RFC 9111, section 4.4), or groups were invalidated (RFC 9875). */
  | {
      readonly kind: 'cache-invalidate';
      readonly id: number;
      readonly urls: readonly string[];
      readonly groups: readonly string[];
    };

/** What control answers. */
export type CacheToWorker =
  /** First on every line: what a control before this one had stored is gone, and it stores now. */
  | { readonly kind: 'cache-open' }
  /** To `cache-ask`: lookups find it from now on, or nobody has it, as far as is known in time. */
  | { readonly kind: 'cache-asked'; readonly fetch: number; readonly found: boolean }
  /** Lookups find the response from now on, whole or growing. */
  | { readonly kind: 'cache-visible'; readonly fetch: number }
  | { readonly kind: 'cache-refused'; readonly fetch: number; readonly reason: string }
  /** Bytes of a fetch's messages that control is done with: they no longer count as in flight. */
  | { readonly kind: 'cache-taken'; readonly bytes: number }
  | { readonly kind: 'cache-invalidated'; readonly id: number };
