import {
  cacheEntryBytesMin,
  cacheEntryShareMax,
  cacheMemoryBytesMax,
  cacheMemoryBytesMin,
} from '../base/limits.ts';
import { parseSizeBytes, printBytes } from '../base/units.ts';
import type { Problems } from './problem.ts';
import { resolveSizeBytes } from './resolve-units.ts';
import type { CacheSettings } from './settings.ts';

interface WrittenCacheSettings {
  readonly memory: string | 0 | false;
  readonly snapshot: boolean;
  readonly entry?: string | undefined;
}

/** Where nobody says otherwise, and the memory is large enough for it. */
const entryBytesDefault = 8 * 1024 * 1024;

export function resolveCacheSettings(
  { memory, snapshot, entry }: WrittenCacheSettings,
  problems: Problems,
): CacheSettings {
  const memoryBytes = memoryOf(String(memory), problems);
  const entryMax = memoryBytes / cacheEntryShareMax;
  if (entry === undefined) {
    return { memoryBytes, snapshot, entryBytesMax: Math.min(entryBytesDefault, entryMax) };
  }
  const path = ['cache', 'entry'];
  const entryBytesMax = resolveSizeBytes(entry, path, problems);
  if (parseSizeBytes(entry) !== null && entryBytesMax < cacheEntryBytesMin) {
    const least = printBytes(cacheEntryBytesMin);
    problems.add('bad-value', path, `must be at least ${least} (cacheEntryBytesMin)`);
  } else if (memoryBytes > 0 && entryBytesMax > entryMax) {
    const most = printBytes(entryMax);
    const message = `is over ${most}, a quarter of cache.memory (cacheEntryShareMax)`;
    problems.add('limit', path, message, 'give the cache more memory, or an entry less');
  }
  return { memoryBytes, snapshot, entryBytesMax };
}

/** 0: no cache. */
function memoryOf(text: string, problems: Problems): number {
  if (['0', 'off', 'false'].includes(text)) return 0;
  const path = ['cache', 'memory'];
  const bytes = resolveSizeBytes(text, path, problems);
  if (parseSizeBytes(text) === null || bytes === 0) return 0;
  if (bytes < cacheMemoryBytesMin) {
    const least = printBytes(cacheMemoryBytesMin);
    const message = `must be at least ${least} (cacheMemoryBytesMin)`;
    problems.add('bad-value', path, message, 'write off for no cache');
  }
  if (bytes > cacheMemoryBytesMax) {
    const most = printBytes(cacheMemoryBytesMax);
    problems.add('limit', path, `is over the limit of ${most} (cacheMemoryBytesMax)`);
  }
  return bytes;
}
