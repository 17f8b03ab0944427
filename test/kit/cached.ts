import type { CacheFigures } from '../../src/memory/cache/cache-figures.ts';
import type { CacheRecord } from '../../src/memory/cache/cache-record.ts';
import type { CacheWriter } from '../../src/memory/cache/cache-writer.ts';

/** A record whose texts and times all follow from its key and version. */
export function cacheRecord(
  key: string,
  version = 1,
  changes: Partial<CacheRecord> = {},
): CacheRecord {
  return {
    key,
    kind: 'response',
    status: 200,
    head: `200 OK\r\ncontent-type: text/plain\r\nx-version: ${version}`,
    etag: `"${version}"`,
    lastModified: 'Wed, 25 Nov 2026 09:00:00 GMT',
    bornMs: 1000,
    freshUntilMs: 61_000,
    staleWhileRevalidateUntilMs: 0,
    staleIfErrorUntilMs: 0,
    flags: 0,
    position: version,
    labels: ['t:one', 'r:route'],
    query: 'a=1',
    origin: '',
    bodyBytes: -1,
    ...changes,
  };
}

/** What the bodies of a key and version are made of, over and over. */
export function pattern(key: string, version: number): string {
  return `<${key}.${version}>`;
}

export function patterned(key: string, version: number, bytes: number): Uint8Array {
  return Buffer.alloc(bytes, pattern(key, version), 'latin1');
}

/** Whether bytes are those of a patterned body from an offset on: the ends, and every 61st. */
export function isPatterned(bytes: Uint8Array, from: number, text: string): boolean {
  const holds = (at: number) => bytes[at] === text.charCodeAt((from + at) % text.length);
  for (let at = 0; at < bytes.length; at += 61) if (!holds(at)) return false;
  return bytes.length === 0 || holds(bytes.length - 1);
}

/** What the figures must agree with: the entries one by one. */
export function countEntries(writer: CacheWriter): { present: number; presentBytes: number } {
  let present = 0;
  let presentBytes = 0;
  for (const id of writer.entries()) {
    present += 1;
    presentBytes += writer.view(id)?.storedBytes ?? Number.NaN;
  }
  return { present, presentBytes };
}

export function evictedOf(figures: CacheFigures): number {
  return Object.values(figures.evictedBy).reduce((sum, count) => sum + count, 0);
}
