// Goal: after a bust nothing is answered whose fetch began before it, and everything else is kept.
// Method: a keeper over real memory with a reader beside it, spoken to as workers do.
import { beforeEach, describe, expect, test } from 'vitest';
import { CacheKeeper } from '../../../../src/control/cache/cache-keeper.ts';
import { readCacheFigures } from '../../../../src/memory/cache/cache-figures.ts';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import { type CacheMemory, createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import type { CacheToWorker } from '../../../../src/memory/cache/cache-messages.ts';
import { CacheReader } from '../../../../src/memory/cache/cache-reader.ts';
import { type CacheRecord, entryFlag } from '../../../../src/memory/cache/cache-record.ts';
import { type Bust, noBust } from '../../../../src/model/bust.ts';
import { cacheRecord, evictedOf, patterned } from '../../../kit/cached.ts';

const arenaBytes = 4 * 1024 * 1024;
let memory: CacheMemory;
let reader: CacheReader;
let keeper: CacheKeeper;
let told: [worker: number, CacheToWorker][];
let fetches = 0;

function newKeeper(): CacheKeeper {
  return new CacheKeeper({
    memory,
    workerCount: 2,
    seatCount: 4,
    tell: (worker, message) => told.push([worker, message]),
    invalidate: async (bust) => void keeper.deliver(bust),
    others: null,
  });
}

beforeEach(() => {
  memory = createCacheMemory(arenaBytes, 4);
  told = [];
  keeper = newKeeper();
  reader = new CacheReader(memory, 0);
});

function recordOf(key: string, changes: Partial<CacheRecord> = {}): CacheRecord {
  return cacheRecord(key, 1, { position: reader.position(), query: '', labels: [], ...changes });
}

/** Stores as worker 0 does, and returns what it is told. */
function store(record: CacheRecord, body = 'body'): string {
  fetches += 1;
  const bytes = Uint8Array.from(Buffer.from(body)).buffer;
  keeper.receive(0, { kind: 'cache-store', fetch: fetches, record, body: bytes });
  return answerTo(fetches);
}

function answerTo(fetch: number): string {
  const answers = told.flatMap(([, message]) => {
    if (message.kind === 'cache-visible' && message.fetch === fetch) return ['visible'];
    return message.kind === 'cache-refused' && message.fetch === fetch ? [message.reason] : [];
  });
  return answers.at(-1) ?? 'none';
}

function finds(key: string): boolean {
  reader.enter();
  try {
    return reader.find(cacheKey(key));
  } finally {
    reader.leave();
  }
}

const bust = (changes: Partial<Bust>) => keeper.bust({ ...noBust, ...changes });

function begin(fetch: number, record: CacheRecord): void {
  keeper.receive(0, { kind: 'cache-begin', fetch, record });
}

function chunk(fetch: number, bytes: Uint8Array): void {
  keeper.receive(0, { kind: 'cache-chunk', fetch, bytes: Uint8Array.from(bytes).buffer });
}

describe('a bust', () => {
  test.each([
    ['a tag', { tags: ['one'] }],
    ['a route', { routes: ['r'] }],
    ['a key', { keys: ['a'] }],
    ['a URL', { urls: ['http://test/a'] }],
    ['a group', { groups: ['test one'] }],
  ])('by %s drops what has it and nothing else', async (_name, changes) => {
    const labels = ['t:one', 'r:r', 'p:test/a', 'g:test one'];
    store(recordOf('a', { labels }));
    store(recordOf('b', { labels: ['t:two', 'r:other', 'p:test/b', 'g:test two'] }));
    const answer = await bust(changes);
    expect(answer).toMatchObject({ entries: 1, workers: [{ id: 0 }, { id: 1 }] });
    expect([finds('a'), finds('b')]).toEqual([false, true]);
  });

  test('of all drops all', async () => {
    for (const key of ['a', 'b', 'c']) store(recordOf(key));
    expect(await bust({ all: true })).toMatchObject({ entries: 3 });
    expect(['a', 'b', 'c'].some(finds)).toBe(false);
  });

  test('that is soft leaves what has it, to be validated', async () => {
    store(recordOf('a', { labels: ['t:one'] }));
    await bust({ tags: ['one'], soft: true });
    expect([finds('a'), reader.entry.softStale]).toEqual([true, true]);
  });

  test('takes the next position, which fetches carry from then on', async () => {
    const before = reader.position();
    const { position } = await bust({ tags: ['one'] });
    expect([position, reader.position()]).toEqual([before + 1, before + 1]);
  });

  test('waits for a worker that is inside a lookup, in its second seat too', async () => {
    const second = new CacheReader(memory, 3);
    store(recordOf('a', { labels: ['t:one'] }));
    second.enter();
    expect(second.find(cacheKey('a'))).toBe(true);
    let done = false;
    const busted = bust({ tags: ['one'] }).then(() => {
      done = true;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    second.leave();
    await busted;
    expect(done).toBe(true);
  });
});

describe('a bust by URL', () => {
  const path = { labels: ['p:test/a'] };

  test.each([
    ['the same parameters in another order', 'http://test/a?b=2&a=1', 'a=1&b=2', 0, true],
    ['fewer parameters', 'http://test/a?a=1', 'a=1&b=2', 0, false],
    ['more parameters', 'http://test/a?a=1&b=2&c=3', 'a=1&b=2', 0, false],
    ['more, where the key leaves some out', 'http://test/a?a=1&c=3', 'a=1', 1, true],
    ['others, where the key leaves some out', 'http://test/a?c=3', 'a=1', 1, false],
    ['another host', 'http://other/a', '', 0, false],
    ['the default port', 'http://TEST:80/a', '', 0, true],
  ])('with %s', async (_name, url, query, filtered, dropped) => {
    const flags = filtered === 1 ? entryFlag.queryFiltered : 0;
    store(recordOf('a', { ...path, query, flags }));
    await bust({ urls: [url] });
    expect(finds('a')).toBe(!dropped);
  });

  test('that is no URL drops nothing', async () => {
    store(recordOf('a', path));
    expect(await bust({ urls: ['', 'http://', '/a'] })).toMatchObject({ entries: 0 });
    expect(finds('a')).toBe(true);
  });
});

describe('a fetch that is under way during a bust', () => {
  test.each([
    ['a tag', { tags: ['one'] }],
    ['a URL', { urls: ['test/a'] }],
    ['a route', { routes: ['r'] }],
    ['a key', { keys: ['a'] }],
    ['all', { all: true }],
    ['a soft one', { tags: ['one'], soft: true }],
  ])('is not stored after one of %s', async (_name, changes) => {
    const record = recordOf('a', { labels: ['t:one', 'p:test/a', 'r:r'] });
    await bust(changes);
    expect(store(record)).toBe('busted-meanwhile');
    expect(finds('a')).toBe(false);
  });

  test('is stored after a bust of something else', async () => {
    const record = recordOf('a', { labels: ['t:one'] });
    await bust({ tags: ['two'] });
    expect(store(record)).toBe('visible');
  });

  test('that began after it is stored', async () => {
    await bust({ tags: ['one'] });
    expect(store(recordOf('a', { labels: ['t:one'] }))).toBe('visible');
  });

  test('in pieces is found by nobody any more, but read to its end by who has it', async () => {
    const body = patterned('a', 1, 200_000);
    begin(1, recordOf('a', { labels: ['t:one'], bodyBytes: body.length }));
    chunk(1, body.subarray(0, 100_000));
    reader.enter();
    expect(reader.find(cacheKey('a'))).toBe(true);
    const hold = reader.hold();
    reader.leave();
    await bust({ tags: ['one'] });
    expect(finds('a')).toBe(false);
    chunk(1, body.subarray(100_000));
    keeper.receive(0, { kind: 'cache-end', fetch: 1 });
    reader.enter();
    hold.refresh();
    reader.leave();
    expect(hold.filledBytes).toBe(body.length);
    hold.release();
    expect(finds('a')).toBe(false);
  });

  test('refreshes nothing that was busted', async () => {
    store(recordOf('a', { labels: ['t:one'] }));
    finds('a');
    const entry = reader.entry.entryId;
    const record = recordOf('a', { labels: ['t:one'] });
    await bust({ tags: ['one'] });
    keeper.receive(0, { kind: 'cache-refresh', fetch: 999, entry, record });
    expect(answerTo(999)).toBe('busted-meanwhile');
    expect(finds('a')).toBe(false);
  });
});

describe('a fill', () => {
  test('that finds no room for the rest is refused, so that nobody sends more', () => {
    begin(1, recordOf('a', { bodyBytes: 100_000 }));
    chunk(1, patterned('a', 1, 100_001));
    expect(answerTo(1)).toBe('no-room');
    expect(finds('a')).toBe(false);
    expect(told).toContainEqual([0, { kind: 'cache-taken', bytes: 100_001 }]);
  });

  test('of a worker that dies is dropped; one of another lives', () => {
    begin(1, recordOf('a', { bodyBytes: 100_000 }));
    keeper.receive(1, { kind: 'cache-begin', fetch: 1, record: recordOf('b', { bodyBytes: 10 }) });
    keeper.lose(0);
    expect([finds('a'), finds('b')]).toEqual([false, true]);
  });

  test('shorter than it was said to be is dropped at its end', () => {
    begin(1, recordOf('a', { bodyBytes: 100_000 }));
    chunk(1, patterned('a', 1, 10));
    keeper.receive(0, { kind: 'cache-end', fetch: 1 });
    expect(finds('a')).toBe(false);
  });

  test('all bytes of it are told to be taken, stored or not', () => {
    const old = recordOf('a');
    store(old, 'x'.repeat(100));
    chunk(77, new Uint8Array(50));
    const taken = told.flatMap(([, message]) =>
      message.kind === 'cache-taken' ? [message.bytes] : [],
    );
    expect(taken).toEqual([100, 50]);
  });
});

test('an invalidation is answered when what it names is not found any more', async () => {
  store(recordOf('a', { labels: ['p:test/a'] }));
  keeper.receive(0, { kind: 'cache-invalidate', id: 7, urls: ['test/a'], groups: [] });
  expect(finds('a')).toBe(false);
  await new Promise((resolve) => setImmediate(resolve));
  expect(told.at(-1)).toEqual([0, { kind: 'cache-invalidated', id: 7 }]);
});

describe('a keeper that takes over', () => {
  test('finds nothing of before, and stores no fetch that began before', () => {
    store(recordOf('a'));
    const before = recordOf('b');
    keeper = newKeeper();
    expect(finds('a')).toBe(false);
    expect(store(before)).toBe('busted-meanwhile');
    expect(store(recordOf('b'))).toBe('visible');
  });

  test('has the sums right', () => {
    for (const key of ['a', 'b', 'c']) store(recordOf(key));
    keeper = newKeeper();
    store(recordOf('d'));
    const figures = readCacheFigures(memory);
    expect(figures.stored - evictedOf(figures)).toBe(figures.present);
    expect(figures.present).toBe(1);
  });
});

test('shapes that are gone take their entries along', () => {
  store(recordOf('a', { labels: ['s:one'] }));
  store(recordOf('b', { labels: ['s:two'] }));
  expect(keeper.countOfShape('one')).toBe(1);
  keeper.shapesGone(['one']);
  expect([finds('a'), finds('b')]).toEqual([false, true]);
});
