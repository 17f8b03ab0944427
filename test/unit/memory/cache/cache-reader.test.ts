// Goal: what a reader looks at or holds stays as it was, and memory comes back once it is let go.
// Method: one reader stays inside or holds while the writer goes around the arena many times.
import { beforeEach, expect, test } from 'vitest';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import {
  type CacheMemory,
  clearDeadCacheReader,
  createCacheMemory,
} from '../../../../src/memory/cache/cache-memory.ts';
import { CacheReader } from '../../../../src/memory/cache/cache-reader.ts';
import { CacheWriter } from '../../../../src/memory/cache/cache-writer.ts';
import { cacheRecord, isPatterned, pattern, patterned } from '../../../kit/cached.ts';

let memory: CacheMemory;
let writer: CacheWriter;
let reader: CacheReader;

beforeEach(() => {
  memory = createCacheMemory(4 * 1024 * 1024, 2);
  writer = new CacheWriter(memory, { onGone: () => undefined });
  reader = new CacheReader(memory, 1);
});

function put(key: string, bytes = 60_000): boolean {
  return writer.put(cacheRecord(key), patterned(key, 1, bytes)).stored;
}

/** Stores many times what the arena holds; gives how many of 500 found no room. */
function goAround(name: string): number {
  let refused = 0;
  for (let i = 0; i < 500; i++) if (!put(`${name} ${i}`)) refused += 1;
  return refused;
}

test('a reader that stays inside keeps what it found, and costs few segments', () => {
  put('mine');
  reader.enter();
  expect(reader.find(cacheKey('mine'))).toBe(true);
  const body = reader.entry.body();
  expect(goAround('others')).toBeGreaterThan(0);
  expect(isPatterned(body, 0, pattern('mine', 1))).toBe(true);
  expect(writer.arenaFigures().waitingCount).toBeLessThanOrEqual(4);
  expect([...writer.entries()].length).toBeGreaterThan(20);
  reader.leave();
  expect(goAround('more')).toBe(0);
});

test('a hold outlives the entry, and its memory comes back when it is released', () => {
  put('mine', 200_000);
  reader.enter();
  reader.peek(cacheKey('mine'));
  const hold = reader.hold();
  reader.leave();
  expect(goAround('others')).toBe(0);
  reader.enter();
  expect(reader.find(cacheKey('mine'))).toBe(false);
  reader.leave();
  let read = 0;
  while (read < 200_000) {
    const piece = hold.read(read);
    expect(isPatterned(piece, read, pattern('mine', 1))).toBe(true);
    read += piece.length;
  }
  expect(hold.read(200_000).length).toBe(0);
  expect(writer.arenaFigures().waitingCount).toBeGreaterThan(0);
  hold.release();
  expect(() => hold.read(0)).toThrow('until it is released');
  expect(goAround('more')).toBe(0);
  expect(writer.arenaFigures().waitingCount).toBe(0);
});

test('a reader that died inside holds nothing back once it is cleared', () => {
  put('mine');
  reader.enter();
  reader.find(cacheKey('mine'));
  reader.hold();
  expect(goAround('others')).toBeGreaterThan(0);
  clearDeadCacheReader(memory, 1);
  expect(goAround('more')).toBe(0);
  const next = new CacheReader(memory, 1);
  next.enter();
  expect(next.find(cacheKey('more 499'))).toBe(true);
  next.leave();
});

test('entering twice and holding outside are mistakes', () => {
  put('mine');
  expect(() => reader.leave()).toThrow('entered');
  reader.enter();
  expect(() => reader.enter()).toThrow('once');
  reader.find(cacheKey('mine'));
  const hold = reader.hold();
  reader.leave();
  expect(() => hold.refresh()).toThrow('between enter and leave');
  expect(() => reader.hold()).toThrow('between enter and leave');
});

test('what was used moves to main and stays while others pass through', () => {
  for (let i = 0; i < 10; i++) put(`hot ${i}`);
  const look = (key: string) => {
    reader.enter();
    const found = reader.find(cacheKey(key));
    reader.leave();
    return found;
  };
  for (let round = 0; round < 20; round++) {
    for (let i = 0; i < 10; i++) expect(look(`hot ${i}`)).toBe(true);
    for (let i = 0; i < 30; i++) put(`once ${round} ${i}`);
  }
  expect(look('once 3 3')).toBe(false);
  expect(reader.departure(cacheKey('once 3 3'))).toBe('capacity');
});

test('a body of many chunks stays whole through its moves, or goes whole', () => {
  put('large', 700_000);
  for (let i = 0; i < 400; i++) {
    reader.enter();
    const found = reader.find(cacheKey('large'));
    if (found) {
      const body = Buffer.concat(reader.entry.bodyPieces());
      expect(body.equals(patterned('large', 1, 700_000))).toBe(true);
    }
    reader.leave();
    expect(found).toBe(true);
    put(`other ${i}`);
  }
  const before = writer.arenaFigures().liveBytes;
  put('unused', 700_000);
  goAround('flood');
  expect(writer.find(cacheKey('unused'))).toBe(0);
  expect(writer.arenaFigures().liveBytes).toBeLessThan(before + 300_000);
});

test('a chunk that moves while it is filled is read where it went on', () => {
  const begun = writer.begin(cacheRecord('mine'), 400_000);
  const id = begun.stored ? begun.entryId : 0;
  const body = patterned('mine', 1, 90_000);
  writer.append(id, body.subarray(0, 10_000));
  reader.enter();
  reader.find(cacheKey('mine'));
  const hold = reader.hold();
  reader.leave();
  for (let from = 10_000; from < 90_000; from += 20_000) {
    goAround(`others ${from}`);
    expect(writer.append(id, body.subarray(from, from + 20_000))).toBe(true);
  }
  writer.complete(id);
  reader.enter();
  hold.refresh();
  reader.leave();
  expect(hold).toMatchObject({ state: 'live', filledBytes: 90_000, bodyBytes: 90_000 });
  const whole = Buffer.concat([hold.read(0), hold.read(hold.read(0).length)]);
  expect(whole.equals(body)).toBe(true);
  hold.release();
  goAround('more');
  expect(writer.arenaFigures().waitingCount).toBe(0);
});

test('a hold that is taken while the writer is replaced knows that nobody fills its entry', () => {
  writer.begin(cacheRecord('mine'));
  reader.enter();
  reader.find(cacheKey('mine'));
  new CacheWriter(memory, { onGone: () => undefined });
  const hold = reader.hold();
  hold.refresh();
  reader.leave();
  expect(hold.state).toBe('dead');
  hold.release();
});
