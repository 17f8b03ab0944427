// Goal: what a node tells of its use is what its workers counted, the most used first, and no trifles.
// Method: a limiter on memory of its own, looked at as control does.
import { expect, test } from 'vitest';
import { createRateLimits } from '../../../../src/memory/rate-limits/limit-layout.ts';
import { isLimiting, isPast, usedMost } from '../../../../src/memory/rate-limits/limit-watch.ts';
import { RateLimiter } from '../../../../src/memory/rate-limits/rate-limiter.ts';

const startMs = 1_000_000_000;

function setUp() {
  const words = createRateLimits();
  const limiter = new RateLimiter(words, 0);
  const use = (text: string, count: number, ms = 0) => {
    const terms = { identityLow: 1, identityHigh: 2, limit: 100, windowMs: 1000 };
    for (let i = 0; i < count; i++) limiter.take(terms, text, startMs + ms, 0);
  };
  const told = (ms: number, most = 9) =>
    usedMost(words, startMs + ms, 0.01, most).map(({ current, previous }) => [current, previous]);
  return { words, use, told };
}

test('a table that counts nothing needs no look', () => {
  const { words, use, told } = setUp();
  expect([isLimiting(words), told(0)]).toEqual([false, []]);
  use('a', 1);
  expect(isLimiting(words)).toBe(true);
});

test('the most used come first, where not all are told; one per cent is not told', () => {
  const { use, told } = setUp();
  for (const [text, count] of [
    ['a', 1],
    ['b', 2],
    ['c', 70],
    ['d', 30],
  ] as const)
    use(text, count);
  expect(
    told(0)
      .map(([current]) => current)
      .sort(),
  ).toEqual([2, 30, 70]);
  expect(told(0, 2)).toEqual([
    [70, 0],
    [30, 0],
  ]);
});

test('what was used in the window before is told as that, and then no more', () => {
  const { use, told } = setUp();
  use('a', 50);
  use('a', 10, 1900);
  expect(told(1999)).toEqual([[10, 50]]);
  expect(told(2000)).toEqual([[0, 10]]);
  expect(told(3000)).toEqual([]);
});

test('a use is past when two windows have begun since', () => {
  const use = { keyLow: 1, keyHigh: 1, windowMs: 1000, window: 7, current: 1, previous: 1 };
  expect([6000, 7999, 8999, 9000].map((ms) => isPast(use, ms))).toEqual([
    false,
    false,
    false,
    true,
  ]);
});
