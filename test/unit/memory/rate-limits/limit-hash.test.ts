// Goal: callers lie evenly in the table, and only who knows the seed knows where. Method: many alike
// texts; each part of the input by itself.
import { expect, test } from 'vitest';
import { LimitHash } from '../../../../src/memory/rate-limits/limit-hash.ts';
import {
  createRateLimits,
  setCount,
  setOf,
} from '../../../../src/memory/rate-limits/limit-layout.ts';

const hash = new LimitHash(createRateLimits(Buffer.from('0123456789abcdef', 'hex')));

function keyOf(text: string, low = 1, high = 2, from = hash): string {
  from.digest(low, high, text);
  return `${from.low} ${from.high}`;
}

test('every part of the input counts, and its order', () => {
  const texts = [
    '',
    'a',
    'b',
    'ab',
    'ba',
    'abc',
    'acb',
    'a\u0000',
    '\u0000a',
    '\u0100',
    'aa',
    'aaa',
  ];
  const keys = texts.flatMap((text) => [
    keyOf(text),
    keyOf(text, 2, 1),
    keyOf(text, 1, 3),
    keyOf(text, 0, 2),
  ]);
  expect(new Set(keys).size).toBe(keys.length);
  expect(keyOf('abc')).toBe(keyOf('abc'));
});

test('another seed puts them elsewhere, and each run has its own', () => {
  const other = new LimitHash(createRateLimits());
  const another = new LimitHash(createRateLimits());
  const keys = [hash, other, another].map((from) => keyOf('192.0.2.1', 1, 2, from));
  expect(new Set(keys).size).toBe(3);
});

test('addresses that follow one another fill all sets alike, and no two have one key', () => {
  const perSet = new Uint16Array(setCount);
  const keys = new Set<string>();
  for (let i = 0; i < 65_536; i++) {
    keys.add(keyOf(`10.0.${i >> 8}.${i & 255}`));
    const set = setOf(hash.high);
    perSet[set] = (perSet[set] as number) + 1;
  }
  expect(keys.size).toBe(65_536);
  // Four each on average; by chance one of 16,384 sets has some 17 at most.
  expect(Math.max(...perSet)).toBeLessThan(22);
  const squares = perSet.reduce((sum, count) => sum + (count - 4) ** 2, 0) / setCount;
  expect(squares).toBeGreaterThan(3.5);
  expect(squares).toBeLessThan(4.5);
});
