// Goal: what is stored is found with every byte and field, until it is replaced, dropped, expired
// or evicted, and the figures say so. Method: one writer and one reader on the smallest arena.
import { beforeEach, expect, test } from 'vitest';
import { readCacheFigures } from '../../../../src/memory/cache/cache-figures.ts';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import { type CacheMemory, createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import { CacheReader } from '../../../../src/memory/cache/cache-reader.ts';
import { CacheWriter } from '../../../../src/memory/cache/cache-writer.ts';
import { cacheRecord, isPatterned, pattern, patterned } from '../../../kit/cached.ts';

const arenaBytes = 4 * 1024 * 1024;
let memory: CacheMemory;
let gone: [number, string][];
let writer: CacheWriter;
let reader: CacheReader;

beforeEach(() => {
  memory = createCacheMemory(arenaBytes, 2);
  gone = [];
  writer = new CacheWriter(memory, { onGone: (id, reason) => gone.push([id, reason]) });
  reader = new CacheReader(memory, 0);
});

function stored(key: string, version: number, bytes: number): number {
  const result = writer.put(cacheRecord(key, version), patterned(key, version, bytes));
  expect(result.stored).toBe(true);
  return result.stored ? result.entryId : 0;
}

function begun(key: string, version: number, bodyBytes = -1): number {
  const result = writer.begin(cacheRecord(key, version, { bodyBytes }));
  expect(result.stored).toBe(true);
  return result.stored ? result.entryId : 0;
}

/** The body of a key as the reader sees it, or null. */
function bodyOf(key: string): Buffer | null {
  reader.enter();
  const found = reader.find(cacheKey(key));
  const body = found ? Buffer.concat(reader.entry.bodyPieces()) : null;
  reader.leave();
  return body;
}

test('every field of a stored entry is read back', () => {
  const record = cacheRecord('G\nhost\n/path\n\n', 3, {
    kind: 'vary',
    status: 404,
    flags: 5,
    bornMs: 1234.5,
    staleIfErrorUntilMs: 2 ** 40 + 0.25,
    origin: 'date: x\r\nexpires',
    labels: ['t:\u00e9', 'p:host/path'],
  });
  const result = writer.put(record, Buffer.from('body'));
  expect(result.stored).toBe(true);
  reader.enter();
  expect(reader.find(cacheKey(record.key))).toBe(true);
  const { entry } = reader;
  expect(entry).toMatchObject({
    kind: 'vary',
    status: 404,
    flags: 5,
    bornMs: 1234.5,
    freshUntilMs: 61_000,
    staleWhileRevalidateUntilMs: 0,
    staleIfErrorUntilMs: 2 ** 40 + 0.25,
    position: 3,
    softStale: false,
    state: 'live',
    bodyBytes: 4,
    filledBytes: 4,
    contiguous: true,
    etag: '"3"',
    lastModified: record.lastModified,
    origin: record.origin,
    query: 'a=1',
    uses: 1,
  });
  expect(entry.labels()).toEqual(record.labels);
  expect(entry.key()).toBe(record.key);
  expect(entry.headText()).toBe(record.head);
  expect(Buffer.from(entry.headBytes()).toString('latin1')).toBe(record.head);
  expect(Buffer.from(entry.body()).toString()).toBe('body');
  reader.leave();
});

test.each([0, 1, 65_000, 65_520, 65_536, 200_000, 1_000_000])(
  'a body of %i bytes comes back whole',
  (bytes) => {
    stored('key', 7, bytes);
    const body = bodyOf('key');
    expect(body?.equals(patterned('key', 7, bytes))).toBe(true);
  },
);

test('an entry that is replaced is found in its new version, and the old one is counted', () => {
  const first = stored('key', 1, 100);
  stored('key', 2, 200_000);
  const body = bodyOf('key');
  expect(body?.length).toBe(200_000);
  expect(gone).toEqual([[first, 'replaced']]);
  expect(readCacheFigures(memory)).toMatchObject({ stored: 2, present: 1 });
});

test('a key that is alike in both hashes is not answered with another one', () => {
  stored('key', 1, 10);
  const { hash, check } = cacheKey('key');
  reader.enter();
  expect(reader.find({ text: 'kez', hash, check })).toBe(false);
  expect(reader.find({ text: 'keys', hash, check })).toBe(false);
  reader.leave();
});

test('a dropped entry is not found, and why is known', () => {
  const id = stored('key', 1, 10);
  expect(reader.departure(cacheKey('key'))).toBe('cold');
  expect(writer.drop(id, 'bust-tag')).toBe(true);
  expect(writer.drop(id, 'bust-tag')).toBe(false);
  expect(bodyOf('key')).toBeNull();
  expect(reader.departure(cacheKey('key'))).toBe('bust');
  expect(reader.departure(cacheKey('other'))).toBe('cold');
  expect(gone).toEqual([[id, 'bust-tag']]);
});

test('a soft bust ends freshness, and the windows of staleness begin there', () => {
  const times = {
    bornMs: 1000,
    freshUntilMs: 61_000,
    staleWhileRevalidateUntilMs: 91_000,
    staleIfErrorUntilMs: 61_000,
  };
  const ids = ['a', 'late'].map((key) => {
    const result = writer.put(cacheRecord(key, 1, times), Buffer.from('x'));
    return result.stored ? result.entryId : 0;
  });
  const [early = 0, late = 0] = ids;
  writer.markStale(early, 11_000);
  writer.markStale(early, 21_000);
  writer.markStale(late, 71_000);
  expect(writer.view(early)).toMatchObject({
    softStale: true,
    freshUntilMs: 11_000,
    staleWhileRevalidateUntilMs: 41_000,
    staleIfErrorUntilMs: 11_000,
  });
  const { bornMs: _, ...unchanged } = times;
  expect(writer.view(late)).toMatchObject({ softStale: true, ...unchanged });
  expect(writer.expire(41_001, 4096)).toBe(1);
});

test('a soft bust is seen by who looks the entry up next', () => {
  const id = stored('key', 1, 10);
  expect(writer.markStale(id, 5000)).toBe(true);
  reader.enter();
  expect(reader.peek(cacheKey('key')) && reader.entry.softStale).toBe(true);
  expect(reader.entry.uses).toBe(0);
  reader.leave();
  writer.drop(id, 'ttl');
  expect(writer.markStale(id, 5000)).toBe(false);
});

test('a body that is being filled is read as far as it is, and to its end', () => {
  const id = begun('key', 4);
  reader.enter();
  expect(reader.find(cacheKey('key')) && reader.entry.state).toBe('filling');
  const hold = reader.hold();
  reader.leave();
  expect(hold.read(0).length).toBe(0);
  const body = patterned('key', 4, 150_000);
  let read = 0;
  for (let from = 0; from < body.length; from += 10_000) {
    expect(writer.append(id, body.subarray(from, from + 10_000))).toBe(true);
    reader.enter();
    hold.refresh();
    reader.leave();
    for (let piece = hold.read(read); piece.length > 0; piece = hold.read(read)) {
      expect(isPatterned(piece, read, pattern('key', 4))).toBe(true);
      read += piece.length;
    }
    expect(read).toBe(from + 10_000);
  }
  expect(hold.bodyBytes).toBe(-1);
  expect(writer.complete(id)).toBe(true);
  reader.enter();
  hold.refresh();
  reader.leave();
  expect(hold).toMatchObject({ state: 'live', bodyBytes: 150_000, filledBytes: 150_000 });
  hold.release();
});

test('a filling entry that is dropped is filled on for its holder, and found by nobody', () => {
  const id = begun('key', 1, 100_000);
  reader.enter();
  reader.find(cacheKey('key'));
  const hold = reader.hold();
  reader.leave();
  writer.drop(id, 'bust-all');
  expect(bodyOf('key')).toBeNull();
  writer.append(id, patterned('key', 1, 100_000));
  expect(writer.complete(id)).toBe(true);
  reader.enter();
  hold.refresh();
  reader.leave();
  expect(hold).toMatchObject({ state: 'live', filledBytes: 100_000 });
  hold.release();
  writer.expire(0, 0);
  expect(writer.arenaFigures().liveBytes).toBe(0);
});

/** Joins what is filled under a key; it sees no more of it until it is refreshed. */
function joined(key: string) {
  reader.enter();
  reader.peek(cacheKey(key));
  const hold = reader.hold();
  reader.leave();
  return hold;
}

/** What the holder of a body reads of it, from its begin to its end. */
function readOf(hold: ReturnType<typeof joined>): Buffer {
  reader.enter();
  hold.refresh();
  reader.leave();
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (let piece = hold.read(0); piece.length > 0; piece = hold.read(at)) {
    pieces.push(piece);
    at += piece.length;
  }
  return Buffer.concat(pieces);
}

test.each(['evicted', 'dropped before its end', 'dropped after its end', 'replaced'])(
  'a body that is %s is whole for a slow reader that joined while it was filled',
  (how) => {
    const body = Buffer.from(patterned('key', 1, 700_000));
    const id = begun('key', 1);
    writer.append(id, body.subarray(0, 50_000));
    const hold = joined('key');
    if (how === 'dropped before its end') writer.drop(id, 'bust-all');
    writer.append(id, body.subarray(50_000));
    expect(writer.complete(id)).toBe(true);
    if (how === 'dropped after its end') writer.drop(id, 'bust-all');
    if (how === 'replaced') stored('key', 2, 300);
    for (let n = 0; n < 300; n++) stored(`other-${n}`, 1, 60_000);
    expect(gone.some(([one]) => one === id)).toBe(true);
    expect(readOf(hold).equals(body)).toBe(true);
    expect(hold.state).toBe('live');
    hold.release();
    // Nothing stays for its sake.
    writer.expire(0, 0);
    for (const one of [...writer.entries()]) writer.drop(one, 'bust-all');
    expect(writer.arenaFigures().liveBytes).toBe(0);
  },
);

test('bodies that linger for slow readers make way for what is filled, the oldest first', () => {
  const holds = ['a', 'b', 'c', 'd'].map((key) => {
    const id = begun(key, 1);
    writer.append(id, patterned(key, 1, 50_000));
    const hold = joined(key);
    writer.append(id, patterned(key, 1, 700_000).subarray(50_000));
    expect(writer.complete(id)).toBe(true);
    writer.drop(id, 'bust-all');
    return hold;
  });
  for (let n = 0; n < 300; n++) stored(`other-${n}`, 1, 60_000);
  // Of half the arena, 2 MiB, there is room for two.
  expect(holds.map((hold) => readOf(hold).length >= 700_000)).toEqual([false, false, true, true]);
  expect(holds.map(({ state }) => state)).toEqual(['dead', 'dead', 'live', 'live']);
  for (const hold of holds) hold.release();
});

test('an aborted fill is dead for its holder, who keeps what it has', () => {
  const id = begun('key', 1);
  writer.append(id, patterned('key', 1, 1000));
  reader.enter();
  reader.find(cacheKey('key'));
  const hold = reader.hold();
  reader.leave();
  writer.abort(id, 'error');
  expect(writer.append(id, Buffer.alloc(1))).toBe(false);
  expect(writer.complete(id)).toBe(false);
  reader.enter();
  hold.refresh();
  reader.leave();
  expect(hold.state).toBe('dead');
  expect(isPatterned(hold.read(0), 0, pattern('key', 1))).toBe(true);
  hold.release();
  expect(gone).toEqual([[id, 'error']]);
});

test('a fill that is longer or shorter than it was said to be is aborted', () => {
  const long = begun('long', 1, 100);
  expect(writer.append(long, Buffer.alloc(101))).toBe(false);
  const short = begun('short', 1, 100);
  expect(writer.append(short, Buffer.alloc(99))).toBe(true);
  expect(writer.complete(short)).toBe(false);
  expect(bodyOf('long') ?? bodyOf('short')).toBeNull();
  expect(gone).toEqual([
    [long, 'capacity'],
    [short, 'error'],
  ]);
});

test.each([50, 300_000])('a validated entry of %i bytes has its body under a new head', (bytes) => {
  const id = stored('key', 1, bytes);
  bodyOf('key');
  const result = writer.refresh(id, cacheRecord('key', 2, { head: '200 OK\r\nx-new: longer' }));
  const body = bodyOf('key');
  expect(body?.equals(patterned('key', 1, bytes))).toBe(true);
  reader.enter();
  reader.peek(cacheKey('key'));
  expect(reader.entry.headText()).toBe('200 OK\r\nx-new: longer');
  expect(reader.entry.uses).toBe(2);
  reader.leave();
  expect(gone).toEqual([[id, 'replaced']]);
  expect(writer.refresh(id, cacheRecord('key', 3))).toEqual({ stored: false, reason: 'gone' });
  expect(result.stored && writer.find(cacheKey('key'))).toBe(result.stored && result.entryId);
});

test('what is over a limit is refused, and the limit named', () => {
  const quarter = arenaBytes / 4;
  const put = (changes: object, bytes: number) =>
    writer.put(cacheRecord('key', 1, changes), Buffer.alloc(bytes));
  expect(put({}, quarter + 1)).toEqual({ stored: false, reason: 'too-large' });
  expect(put({ head: 'h'.repeat(33_000) }, 1)).toEqual({ stored: false, reason: 'too-large' });
  expect(put({ key: 'k'.repeat(2049) }, 1)).toEqual({ stored: false, reason: 'key-too-long' });
  expect(writer.begin(cacheRecord('key', 1, { bodyBytes: 11 }), 10).stored).toBe(false);
  expect(readCacheFigures(memory).refusedBy).toMatchObject({ 'too-large': 3, 'key-too-long': 1 });
  expect(put({ key: 'k'.repeat(2048), head: 'h'.repeat(32_768) }, quarter).stored).toBe(true);
});

test('what is past all its stale windows is expired, a few at a time', () => {
  for (let i = 0; i < 100; i++) {
    writer.put(cacheRecord(`short ${i}`, 1, { freshUntilMs: 10 }), Buffer.alloc(10));
    writer.put(cacheRecord(`stale ${i}`, 1, { staleIfErrorUntilMs: 99_999 }), Buffer.alloc(10));
  }
  expect(writer.expire(10, 1024)).toBe(0);
  const some = writer.expire(11, 100);
  expect(some).toBeLessThan(100);
  expect(some + writer.expire(11, 1024)).toBe(100);
  expect(readCacheFigures(memory).evictedBy.ttl).toBe(100);
  expect(bodyOf('stale 7')).not.toBeNull();
  expect(reader.departure(cacheKey('short 7'))).toBe('ttl');
});

test('a full bucket evicts its least used entry, and never one that is being filled', () => {
  const { hash } = cacheKey('0');
  const alike: string[] = [];
  for (let i = 0; alike.length < 18; i++) {
    if (((cacheKey(`${i}`).hash ^ hash) & 1023) === 0) alike.push(`${i}`);
  }
  const [filled, unused, ...used] = alike as [string, string, ...string[]];
  begun(filled, 1);
  stored(unused, 1, 10);
  for (const key of used.slice(0, 14)) {
    stored(key, 1, 10);
    bodyOf(key);
  }
  stored(used[14] as string, 1, 10);
  expect(bodyOf(unused)).toBeNull();
  expect(bodyOf(filled)).not.toBeNull();
  expect(bodyOf(used[14] as string)).not.toBeNull();
});

test('a new writer finds nothing, counts it, and ends what was being filled', () => {
  stored('key', 1, 300_000);
  const id = begun('filling', 1);
  writer.append(id, patterned('filling', 1, 1000));
  reader.enter();
  reader.find(cacheKey('filling'));
  const hold = reader.hold();
  reader.leave();
  const next = new CacheWriter(memory, { onGone: () => undefined });
  expect(bodyOf('key')).toBeNull();
  expect(reader.departure(cacheKey('key'))).toBe('error');
  expect(readCacheFigures(memory)).toMatchObject({ stored: 2, present: 0, presentBytes: 0 });
  for (let i = 0; i < 200; i++) {
    next.put(cacheRecord(`n${i}`, 1), patterned(`n${i}`, 1, 60_000));
  }
  reader.enter();
  hold.refresh();
  reader.leave();
  expect(hold.state).toBe('dead');
  expect(isPatterned(hold.read(0), 0, pattern('filling', 1))).toBe(true);
  hold.release();
  const result = next.put(cacheRecord('key', 2), Buffer.alloc(1));
  expect(result.stored && result.entryId).toBeGreaterThan(id);
});
