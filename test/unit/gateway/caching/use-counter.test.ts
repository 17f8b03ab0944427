// Goal: misses are counted by key, within a bounded table. Method: keys that share a place and keys
// that do not.
import { describe, expect, test } from 'vitest';
import { UseCounter } from '../../../../src/gateway/caching/use-counter.ts';
import { type CacheKey, cacheKey } from '../../../../src/memory/cache/cache-key.ts';

function keyAt(hash: number, check: number): CacheKey {
  return { text: '', hash, check };
}

describe('the use counter', () => {
  test('counts each key by itself', () => {
    const uses = new UseCounter();
    const [a, b] = [cacheKey('a'), cacheKey('b')];
    expect([uses.count(a), uses.count(a), uses.count(b), uses.count(a)]).toEqual([1, 2, 1, 3]);
  });

  test('a key that takes the place of another starts over, and so does the other', () => {
    const uses = new UseCounter();
    const [a, b] = [keyAt(5, 1), keyAt(5 + 0x1_0000, 2)];
    expect([uses.count(a), uses.count(a), uses.count(b), uses.count(a)]).toEqual([1, 2, 1, 1]);
  });

  test('takes hashes and checks of either sign, and zero', () => {
    const uses = new UseCounter();
    for (const key of [keyAt(-1, -1), keyAt(0, 0), keyAt(0x7fffffff, 0xffffffff)]) {
      const counter = new UseCounter();
      expect([counter.count(key), counter.count(key)]).toEqual([1, 2]);
    }
    expect(uses.count(keyAt(0, 0))).toBe(1);
  });

  test('ends at its largest count', () => {
    const uses = new UseCounter();
    const key = cacheKey('a');
    for (let count = 0; count < 70_000; count++) uses.count(key);
    expect(uses.count(key)).toBe(0xffff);
  });
});
