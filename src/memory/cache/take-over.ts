import type { EntryCursor } from './cache-entry.ts';
import { bucketSlotCount, bucketWords, type CacheLayout, cacheHeader } from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';
import type { Departures } from './departures.ts';
import type { FiguresWriter } from './figures-writer.ts';

/**
 * What a new writer does with memory that another one may have left at any step: it starts from
 * nothing, since what the other one knew of queues and labels went with it. The caller retires all
 * segments next. The reign comes first: who holds a body that was being filled sees by it that
 * nobody fills it any more, and looks at its record no more.
 *
 * Whatever the index leads to is whole, for a record is written before it is linked and its
 * memory is used again only after it was unlinked. So it can be asked for its hash.
 */
export function takeOver(
  { words }: CacheMemory,
  { indexAt, bucketCount }: CacheLayout,
  cursor: EntryCursor,
  departures: Departures,
  figures: FiguresWriter,
): void {
  Atomics.store(words, cacheHeader.reign, Atomics.load(words, cacheHeader.reign) + 1);
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    const places = indexAt + bucket * bucketWords + bucketSlotCount;
    for (let slot = places; slot < places + bucketSlotCount; slot++) {
      const place = words[slot] as number;
      if (place === 0) continue;
      const { hash, check } = cursor.moveTo(place);
      departures.note(hash, check, 'error');
      Atomics.store(words, slot, 0);
    }
  }
  figures.takeOver();
}
