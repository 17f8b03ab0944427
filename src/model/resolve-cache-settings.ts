import {
  cacheArenaBytesMax,
  cacheArenaBytesMin,
  cacheEntryBytesMax,
  cacheEntryBytesMin,
  cacheEntryShareMax,
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

/** Null: no cache, by `memory: off`, `0` or an equal spelling. */
export function resolveCacheSettings(
  { memory, snapshot, entry }: WrittenCacheSettings,
  problems: Problems,
): CacheSettings | null {
  const memoryBytes = memoryOf(String(memory), problems);
  const entryMax = Math.min(memoryBytes / cacheEntryShareMax, cacheEntryBytesMax);
  const entryBytesMax =
    entry === undefined
      ? Math.min(entryBytesDefault, entryMax)
      : entryOf(entry, memoryBytes === 0 ? cacheEntryBytesMax : entryMax, problems);
  return memoryBytes === 0 ? null : { memoryBytes, snapshot, entryBytesMax };
}

function entryOf(text: string, bytesMax: number, problems: Problems): number {
  const path = ['cache', 'entry'];
  const bytes = resolveSizeBytes(text, path, problems);
  if (parseSizeBytes(text) === null) return bytes;
  if (bytes < cacheEntryBytesMin) {
    const least = printBytes(cacheEntryBytesMin);
    problems.add('bad-value', path, `must be at least ${least} (cacheEntryBytesMin)`);
  } else if (bytes > bytesMax) {
    const message =
      bytes > cacheEntryBytesMax
        ? `is over the limit of ${printBytes(cacheEntryBytesMax)} (cacheEntryBytesMax)`
        : `is over ${printBytes(bytesMax)}, a quarter of cache.memory (cacheEntryShareMax)`;
    problems.add('limit', path, message, 'give the cache more memory, or an entry less');
  }
  return bytes;
}

/** 0: no cache. */
function memoryOf(text: string, problems: Problems): number {
  if (['0', 'off', 'false'].includes(text)) return 0;
  const path = ['cache', 'memory'];
  const bytes = resolveSizeBytes(text, path, problems);
  if (parseSizeBytes(text) === null || bytes === 0) return 0;
  if (bytes < cacheArenaBytesMin) {
    const least = printBytes(cacheArenaBytesMin);
    const message = `must be at least ${least} (cacheArenaBytesMin)`;
    problems.add('bad-value', path, message, 'write off for no cache');
  }
  if (bytes > cacheArenaBytesMax) {
    const most = printBytes(cacheArenaBytesMax);
    problems.add('limit', path, `is over the limit of ${most} (cacheArenaBytesMax)`);
  }
  return bytes;
}
