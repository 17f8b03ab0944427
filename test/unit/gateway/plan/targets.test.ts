// Goal: lots fall on upstreams by weight, to the last fraction. Method: lots at the borders, and a
// thousand even ones.
import { describe, expect, test } from 'vitest';
import { TargetT } from '#generated/cutover.js';
import { TargetPlan } from '../../../../src/gateway/plan/targets.ts';

function targets(...pairs: readonly (readonly [upstream: number, weight: number])[]) {
  return new TargetPlan(pairs.map(([upstream, weight]) => new TargetT(upstream, weight)));
}

describe('TargetPlan', () => {
  test('the only upstream takes every lot', () => {
    const one = targets([4, 1]);
    expect(one.count).toBe(1);
    expect([0, 0.5, 0.999999].map((lot) => one.draw(lot))).toEqual([4, 4, 4]);
  });

  test('a border belongs to the one behind it', () => {
    const two = targets([7, 95], [3, 5]);
    expect([0, 0.9499999, 0.95, 0.9999999].map((lot) => two.draw(lot))).toEqual([7, 7, 3, 3]);
  });

  test.each([
    [
      [
        [0, 1],
        [1, 1],
      ],
      [500, 500],
    ],
    [
      [
        [0, 95],
        [1, 5],
      ],
      [950, 50],
    ],
    [
      [
        [0, 1],
        [1, 2],
        [2, 7],
      ],
      [100, 200, 700],
    ],
    [
      [
        [0, 1000],
        [1, 1],
      ],
      [1000, 0],
    ],
    [
      [
        [0, 1],
        [1, 0],
        [2, 1],
      ],
      [500, 0, 500],
    ],
  ] as const)('%j', (pairs, counts) => {
    const plan = targets(...pairs);
    const drawn = counts.map(() => 0);
    for (let lot = 0; lot < 1000; lot++) {
      const upstream = plan.draw(lot / 1000);
      drawn[upstream] = (drawn[upstream] ?? 0) + 1;
    }
    // 1000 to 1 is 999.0009 of 1000: the last lot is still the first one's.
    expect(drawn).toEqual(counts);
  });

  test('the last one takes what rounding leaves', () => {
    const plan = targets([0, 1], [1, 1], [2, 1]);
    expect(plan.draw(1 - Number.EPSILON / 2)).toBe(2);
  });
});
