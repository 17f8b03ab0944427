// Goal: a bust waits for lookups of every seat that began before it and for no others, and what
// control refuses by itself or drops is counted. Method: a keeper in hand, readers that stay inside.
import { describe, expect, test } from 'vitest';
import { CacheKeeper } from '../../../../src/control/cache/cache-keeper.ts';
import { readCacheFigures } from '../../../../src/memory/cache/cache-figures.ts';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import { createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import type { CacheToWorker } from '../../../../src/memory/cache/cache-messages.ts';
import { CacheReader } from '../../../../src/memory/cache/cache-reader.ts';
import { noBust } from '../../../../src/model/bust.ts';
import { cacheRecord } from '../../../kit/cached.ts';

const [workerCount, seatCount] = [2, 4];

function setUp() {
  const memory = createCacheMemory(4 * 1024 * 1024, seatCount);
  const told: CacheToWorker[] = [];
  const keeper: CacheKeeper = new CacheKeeper({
    memory,
    workerCount,
    seatCount,
    tell: (_worker, message) => told.push(message),
    invalidate: async (bust) => void keeper.deliver(bust),
    others: null,
  });
  const readers = Array.from({ length: seatCount }, (_, seat) => new CacheReader(memory, seat));
  const position = () => readers[0]?.position() ?? 0;
  const store = (key: string, at = position(), labels = ['t:one', 's:shape']) => {
    const record = cacheRecord(key, 1, { position: at, labels });
    keeper.receive(0, { kind: 'cache-store', fetch: 7, record, body: new ArrayBuffer(10) });
  };
  const has = (key: string): boolean => {
    const reader = readers[3] as CacheReader;
    reader.enter();
    const found = reader.peek(cacheKey(key));
    reader.leave();
    return found;
  };
  return { keeper, memory, readers, told, position, store, has };
}

describe('a bust', () => {
  test.each([0, 1, 2, 3])('waits for a lookup of seat %i that began before it', async (seat) => {
    const { keeper, readers, store, has } = setUp();
    store('k');
    const reader = readers[seat] as CacheReader;
    reader.enter();
    let done = false;
    const bust = keeper.bust({ ...noBust, tags: ['one'] }).then((answer) => {
      done = true;
      return answer;
    });
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(done).toBe(false);
    reader.leave();
    const { entries, workers } = await bust;
    expect([entries, workers.map(({ id }) => id)]).toEqual([1, [0, 1]]);
    expect(has('k')).toBe(false);
  });

  test('does not wait for a lookup that began after it', async () => {
    const { keeper, readers } = setUp();
    readers[0]?.enter();
    const bust = keeper.bust({ ...noBust, all: true });
    await new Promise((resolve) => setImmediate(resolve));
    readers[1]?.enter();
    readers[0]?.leave();
    await expect(bust).resolves.toMatchObject({ entries: 0 });
    readers[1]?.leave();
  });

  test('is not undone by a fetch that began before it, which is counted as refused', async () => {
    const { keeper, memory, told, position, store, has } = setUp();
    const before = position();
    await keeper.bust({ ...noBust, tags: ['one'] });
    store('late', before);
    expect(told[0]).toEqual({ kind: 'cache-refused', fetch: 7, reason: 'busted-meanwhile' });
    expect(has('late')).toBe(false);
    expect(readCacheFigures(memory)).toMatchObject({
      stored: 0,
      refusedBy: { 'busted-meanwhile': 1 },
    });
  });
});

test('what no index of labels has room for is refused, and counted', () => {
  const { memory, told, store, position } = setUp();
  const labels = Array.from({ length: 120 }, (_, at) => `t:${at}`);
  for (let i = 0; i < 200; i++) store(`k${i}`, position(), labels);
  const { stored, refusedBy } = readCacheFigures(memory);
  expect(refusedBy['labels-full']).toBeGreaterThan(0);
  expect(stored + refusedBy['labels-full']).toBe(200);
  expect(told.filter(({ kind }) => kind === 'cache-refused')).toHaveLength(
    refusedBy['labels-full'],
  );
});

test('entries of a shape are counted, and leave with it', () => {
  const { keeper, memory, store, position, has } = setUp();
  for (const key of ['a', 'b']) store(key);
  store('c', position(), ['s:other']);
  expect([keeper.countOfShape('shape'), keeper.countOfShape('other')]).toEqual([2, 1]);
  keeper.shapesGone(['shape', 'unknown']);
  expect([keeper.countOfShape('shape'), keeper.countOfShape('other')]).toEqual([0, 1]);
  expect(['a', 'b', 'c'].map(has)).toEqual([false, false, true]);
  expect(readCacheFigures(memory)).toMatchObject({
    stored: 3,
    present: 1,
    evictedBy: { shape: 2 },
  });
});
