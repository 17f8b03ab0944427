// Goal: a claim is had once, released by who has it, and never waited for without end. Method:
// two workers' claims on one memory, with keys made to share a bucket.
import { beforeEach, expect, test } from 'vitest';
import { type CacheKey, cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import { layoutOf } from '../../../../src/memory/cache/cache-layout.ts';
import {
  type CacheMemory,
  clearDeadCacheReader,
  createCacheMemory,
} from '../../../../src/memory/cache/cache-memory.ts';
import { Claims } from '../../../../src/memory/cache/claims.ts';

let memory: CacheMemory;
let first: Claims;
let second: Claims;

beforeEach(() => {
  memory = createCacheMemory(4 * 1024 * 1024, 2);
  first = new Claims(memory, 0);
  second = new Claims(memory, 1);
});

const alike = (check: number): CacheKey => ({ text: `${check}`, hash: 5, check });

test('a key that is claimed is busy until its claim is released', () => {
  const key = cacheKey('key');
  expect(first.holder(key)).toBe(-1);
  expect(first.take(key)).toBe('taken');
  expect(second.take(key)).toBe('busy');
  expect(first.take(key)).toBe('busy');
  expect(second.holder(key)).toBe(0);
  expect(() => second.release(key)).toThrow('by its worker');
  first.release(key);
  expect(second.take(key)).toBe('taken');
});

test('a bucket that is full gives no claim, and one again after a release', () => {
  for (let check = 1; check <= 7; check++) expect(first.take(alike(check))).toBe('taken');
  expect(second.take(alike(8))).toBe('none');
  first.release(alike(3));
  expect(second.take(alike(8))).toBe('taken');
});

test('a lock that its holder never gives back ends in no claim, until main clears it', () => {
  const { claimsAt } = layoutOf(memory.words);
  Atomics.store(memory.words, claimsAt + 5 * 8, 1);
  expect(second.take(alike(1))).toBe('none');
  clearDeadCacheReader(memory, 0);
  expect(second.take(alike(1))).toBe('taken');
});

test('clearing a dead worker leaves the claims of others', () => {
  first.take(alike(1));
  second.take(alike(2));
  clearDeadCacheReader(memory, 0);
  expect(second.holder(alike(1))).toBe(-1);
  expect(second.holder(alike(2))).toBe(1);
});
