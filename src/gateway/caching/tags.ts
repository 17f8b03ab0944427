import { cacheResponseTagCountMax, cacheTagBytesMax } from '../../base/limits.ts';
import type { HeaderList } from '../header-list.ts';
import { readStringList } from './structured-field.ts';

/**
 * Tags of a response, each once: `Surrogate-Key` separates them by spaces, `Cache-Tag` by commas.
 * Null: too many, or one too long. A response whose tags cannot all be kept must not be stored,
 * since a bust could not find it.
 */
export function responseTags(headers: HeaderList): readonly string[] | null {
  if (!headers.has('surrogate-key') && !headers.has('cache-tag')) return none;
  const tags: string[] = [];
  for (let i = 0; i < headers.count; i++) {
    const name = headers.names[i];
    const value = headers.values[i] as string;
    if (name === 'surrogate-key') tags.push(...value.split(/\s+/));
    if (name === 'cache-tag') tags.push(...value.split(','));
  }
  return bounded(tags);
}

/** The groups that a response belongs to (RFC 9875, section 2), each once; null: as for tags. */
export function responseGroups(headers: HeaderList): readonly string[] | null {
  const value = headers.joined('cache-groups');
  return value === undefined ? none : bounded(readStringList(value) ?? none);
}

/** The groups that a response to an unsafe method makes invalid (RFC 9875, section 3). */
export function invalidatedGroups(headers: HeaderList): readonly string[] {
  const value = headers.joined('cache-group-invalidation');
  return value === undefined ? none : [...new Set(readStringList(value) ?? none)];
}

function bounded(texts: readonly string[]): readonly string[] | null {
  const kept = new Set<string>();
  for (const text of texts) {
    const tag = text.trim();
    if (tag.length > cacheTagBytesMax) return null;
    if (tag !== '') kept.add(tag);
  }
  return kept.size > cacheResponseTagCountMax ? null : [...kept];
}

const none: readonly string[] = [];
