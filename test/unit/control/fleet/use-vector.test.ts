// Goal: what a node tells of its use is read by others as it was written, or not at all. Method: there
// and back, and what is no such thing.
import { expect, test } from 'vitest';
import { decodeUses, encodeUses } from '../../../../src/control/fleet/use-vector.ts';
import type { LimitUse } from '../../../../src/memory/rate-limits/limit-watch.ts';

const uses: LimitUse[] = [
  {
    keyLow: -1,
    keyHigh: 2 ** 31 - 1,
    windowMs: 100,
    window: 2e10,
    current: 1_000_000,
    previous: 0,
  },
  { keyLow: 5, keyHigh: -(2 ** 31), windowMs: 3_600_000, window: 500_000, current: 0, previous: 7 },
];

test.each([[[]], [uses]])('what is written is read', (written) => {
  expect(decodeUses('node-ä', encodeUses('node-ä', written))).toEqual(written);
});

test('what is another node’s, another release’s, or cut off is not read', () => {
  const bytes = encodeUses('node-a', uses);
  const later = Buffer.from(bytes);
  later.writeUInt32LE(2, 0);
  const long = Buffer.from(bytes);
  long.writeUInt32LE(9999, 4);
  expect(decodeUses('node-b', bytes)).toBeNull();
  for (const wrong of [later, long, bytes.subarray(0, -1), bytes.subarray(0, 4), Buffer.alloc(0)]) {
    expect(decodeUses('node-a', wrong)).toBeNull();
  }
});
