import type { EntryView } from './cache-entry.ts';
import type { EvictReason, StoreRefusedReason } from './cache-figures.ts';
import type { CacheKey } from './cache-key.ts';
import type { CacheMemory } from './cache-memory.ts';
import type { CacheRecord } from './cache-record.ts';

export type StoreResult =
  | { readonly stored: true; readonly entryId: number }
  | { readonly stored: false; readonly reason: StoreRefusedReason };

export interface CacheWriterOptions {
  /** Called within the call that caused it, after the entry cannot be found any more. */
  readonly onGone: (entryId: number, reason: EvictReason) => void;
}

/** Signatures only, for the rooms that are written against them; the next commit fills them in. */
export declare class CacheWriter {
  constructor(memory: CacheMemory, options: CacheWriterOptions);
  put(record: CacheRecord, body: Uint8Array): StoreResult;
  begin(record: CacheRecord, bodyBytesMax?: number): StoreResult;
  append(entryId: number, bytes: Uint8Array): boolean;
  complete(entryId: number): boolean;
  abort(entryId: number, reason: EvictReason): void;
  refresh(entryId: number, record: CacheRecord): StoreResult;
  drop(entryId: number, reason: EvictReason): boolean;
  markStale(entryId: number): boolean;
  refuse(reason: StoreRefusedReason): StoreResult;
  view(entryId: number): EntryView | null;
  entries(): IterableIterator<number>;
  find(key: CacheKey): number;
  expire(nowMs: number, budget: number): number;
  setPosition(position: number): void;
}
