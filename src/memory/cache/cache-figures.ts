import type { CacheFloats, CacheMemory } from './cache-memory.ts';

/** Why an entry is gone. Names are stable: metrics and reports use them. */
export const evictReasons = [
  'ttl',
  'capacity',
  'bust-key',
  'bust-url',
  'bust-tag',
  'bust-route',
  'bust-all',
  'shape',
  'replaced',
  'error',
] as const;
export type EvictReason = (typeof evictReasons)[number];

/**
 * Why something was not stored. `gone`: what it was to refresh is not there any more;
 * `labels-full`: the index of tags and routes has no room for its labels.
 */
export const refusedReasons = [
  'too-large',
  'busted-meanwhile',
  'no-room',
  'key-too-long',
  'gone',
  'labels-full',
] as const;
export type StoreRefusedReason = (typeof refusedReasons)[number];

/** Places in the figures; control alone writes them. Floats are exact up to 2^53. */
export const figureField = {
  lastEntryId: 0,
  stored: 1,
  present: 2,
  presentBytes: 3,
  evicted: 4,
  refused: 4 + evictReasons.length,
} as const;
export const figuresFloats = 24;

export interface CacheFigures {
  readonly stored: number;
  /** `stored` less all of `evictedBy`, always. */
  readonly present: number;
  /** Bytes of the arena that present entries fill, their own fields and rounding counted. */
  readonly presentBytes: number;
  readonly evictedBy: Readonly<Record<EvictReason, number>>;
  readonly refusedBy: Readonly<Record<StoreRefusedReason, number>>;
}

/**
 * A moment's view for any thread; exact in control's own. What is evicted is read before what is
 * stored, so that in no view more is evicted than was stored.
 */
export function readCacheFigures({ figures }: CacheMemory): CacheFigures {
  const evictedBy = byReason(figures, figureField.evicted, evictReasons);
  return {
    evictedBy,
    stored: figures[figureField.stored] as number,
    present: figures[figureField.present] as number,
    presentBytes: figures[figureField.presentBytes] as number,
    refusedBy: byReason(figures, figureField.refused, refusedReasons),
  };
}

function byReason<Reason extends string>(
  figures: CacheFloats,
  at: number,
  reasons: readonly Reason[],
): Record<Reason, number> {
  const entries = reasons.map((reason, index) => [reason, figures[at + index] as number]);
  return Object.fromEntries(entries) as Record<Reason, number>;
}
