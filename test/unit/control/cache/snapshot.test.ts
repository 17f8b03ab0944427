// Goal: a snapshot brings back what was live, for shapes in use, once; what does not fit is dropped.
// Method: a writer on real memory, files in a folder of the test, damage at every kind of place.
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { monotonicMs } from '../../../../src/base/clock.ts';
import { readSnapshot, writeSnapshot } from '../../../../src/control/cache/snapshot.ts';
import { createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import type { CacheRecord } from '../../../../src/memory/cache/cache-record.ts';
import { CacheWriter } from '../../../../src/memory/cache/cache-writer.ts';
import { testFolder } from '../../../kit/folder.ts';

const newWriter = (): CacheWriter =>
  new CacheWriter(createCacheMemory(8 * 1024 * 1024, 1), { onGone: () => {} });

function record(key: string, change: Partial<CacheRecord> = {}): CacheRecord {
  const nowMs = monotonicMs();
  return {
    key,
    kind: 'response',
    status: 200,
    head: '200 OK\r\nx-a: é',
    etag: '"a"',
    lastModified: '',
    bornMs: nowMs - 5_000,
    freshUntilMs: nowMs + 60_000,
    staleWhileRevalidateUntilMs: nowMs + 70_000,
    staleIfErrorUntilMs: nowMs + 80_000,
    flags: 1,
    position: 3,
    labels: ['s:shape', 't:tag', 'p:host/path'],
    query: 'a=1',
    origin: 'cache-control: max-age=60',
    bodyBytes: 4,
    ...change,
  };
}

function written(...records: CacheRecord[]): string {
  const writer = newWriter();
  for (const one of records) {
    expect(writer.put(one, Buffer.alloc(one.bodyBytes, 'b')).stored).toBe(true);
  }
  const file = join(testFolder(), 'cache-snapshot');
  expect(writeSnapshot(file, writer).entries).toBe(records.length);
  return file;
}

function read(file: string, shapes = ['shape']) {
  const stored: { record: CacheRecord; body: string }[] = [];
  const report = readSnapshot(file, new Set(shapes), 9, (one, body) => {
    stored.push({ record: one, body: Buffer.from(body).toString() });
  });
  return { report, stored };
}

describe('a snapshot', () => {
  test('brings entries back as they were, at the position of now', () => {
    const one = record('key');
    const { report, stored } = read(written(one));
    expect(report).toMatchObject({ entries: 1, bytes: 4, problem: null });
    const [{ record: back, body } = { record: one, body: '' }] = stored;
    expect(body).toBe('bbbb');
    const times = { bornMs: 0, freshUntilMs: 0, staleWhileRevalidateUntilMs: 0 };
    expect({ ...back, ...times, staleIfErrorUntilMs: 0 }).toEqual({
      ...one,
      ...times,
      staleIfErrorUntilMs: 0,
      position: 9,
    });
    expect(Math.abs(back.freshUntilMs - one.freshUntilMs)).toBeLessThan(100);
  });

  test('holds bodies of several pieces', () => {
    const { stored } = read(written(record('key', { bodyBytes: 1_000_000 })));
    expect(stored[0]?.body).toBe('b'.repeat(1_000_000));
  });

  test('is good for one start', () => {
    const file = written(record('key'));
    read(file);
    expect(existsSync(file)).toBe(false);
    expect(read(file).report).toEqual({ entries: 0, bytes: 0, problem: null });
  });

  test('leaves out shapes that nobody uses, marks of hit-for-miss, and what was busted softly', () => {
    const file = written(record('one'), record('two', { labels: ['s:other'] }));
    expect(read(file).stored.map(({ record: { key } }) => key)).toEqual(['one']);
    const writer = newWriter();
    writer.put(record('pass', { kind: 'pass', bodyBytes: 0 }), Buffer.alloc(0));
    const soft = writer.put(record('soft'), Buffer.alloc(4));
    if (soft.stored) writer.markStale(soft.entryId, 2000);
    expect(writeSnapshot(file, writer).entries).toBe(0);
  });

  test('that is cut short or changed anywhere is dropped whole', () => {
    const whole = readFileSync(written(record('one'), record('two')));
    const file = join(testFolder(), 'cache-snapshot');
    for (let at = 0; at < whole.length; at += 37) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      writeFileSync(file, changed);
      expect(read(file)).toMatchObject({ report: { entries: 0 }, stored: [] });
      writeFileSync(file, whole);
      truncateSync(file, at);
      expect(read(file).stored).toEqual([]);
    }
  });
});
