// Goal: hashes spread keys that are much alike. Method: a hundred thousand of them, counted.
import { expect, test } from 'vitest';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';

const texts = Array.from({ length: 100_000 }, (_, i) => `G\nshop.example\n/item/${i}\nlang=en\n`);

test('keys that differ in a digit fill buckets evenly', () => {
  const buckets = new Int32Array(8192);
  for (const text of texts) {
    const bucket = cacheKey(text).hash & 8191;
    buckets[bucket] = (buckets[bucket] as number) + 1;
  }
  // 12.2 on average; by chance alone more than 33 is seen once in 10,000 tables.
  expect(Math.max(...buckets)).toBeLessThan(34);
  expect(buckets.filter((count) => count === 0).length).toBeLessThan(5);
});

test('the check is never 0, and agrees with the hash no more often than by chance', () => {
  const keys = texts.map(cacheKey);
  expect(keys.filter(({ check }) => check === 0)).toEqual([]);
  // Of 100,000 checks of 32 bits some two are alike; with 12 bits of the hash none.
  expect(new Set(keys.map(({ check }) => check)).size).toBeGreaterThan(texts.length - 10);
  expect(new Set(keys.map(({ hash }) => hash)).size).toBeGreaterThan(texts.length - 10);
  const both = new Set(keys.map(({ hash, check }) => `${hash & 0xfff}.${check}`));
  expect(both.size).toBe(texts.length);
});

test('the same text has the same hashes', () => {
  expect(cacheKey('a key')).toEqual(cacheKey(`a ${'key'}`));
  expect(cacheKey('').text).toBe('');
});
