// Goal: a bucket lets through what it states, whatever happened before. Method: times by hand.
import { expect, test } from 'vitest';
import { TokenBucket } from '../../../src/base/token-bucket.ts';

function taken(bucket: TokenBucket, nowMs: number): number {
  let count = 0;
  while (bucket.take(nowMs)) count += 1;
  return count;
}

test('it is full at first, and an hour of quiet makes it no fuller than a second does', () => {
  const bucket = new TokenBucket(50, 1_000);
  expect(taken(bucket, 1_000)).toBe(50);
  expect(taken(bucket, 2_000)).toBe(50);
  expect(taken(bucket, 3_602_000)).toBe(50);
});

test('it fills by its rate, parts of a token kept', () => {
  const bucket = new TokenBucket(50, 0);
  taken(bucket, 0);
  expect([10, 19, 20, 40].map((ms) => taken(bucket, ms))).toEqual([0, 0, 1, 1]);
  expect(taken(bucket, 540)).toBe(25);
});

test('over many seconds as many come through as it says, however often is asked', () => {
  const bucket = new TokenBucket(1000, 0);
  taken(bucket, 0);
  let count = 0;
  for (let ms = 0.25; ms <= 5_000; ms += 0.25) if (bucket.take(ms)) count += 1;
  expect(count).toBe(5_000);
});
