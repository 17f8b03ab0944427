// Goal: repeats stay within a share of what was sent first in the last ten seconds. Method: time
// is an argument, so each test tells it.
import { describe, expect, test } from 'vitest';
import { RetryBudget } from '../../../../src/gateway/upstream/retry-budget.ts';

const startMs = 5_000_000;

function budgetWith(firsts: number, nowMs = startMs): RetryBudget {
  const budget = new RetryBudget();
  for (let i = 0; i < firsts; i++) budget.first(nowMs);
  return budget;
}

/** Takes as often as it may. */
function taken(budget: RetryBudget, percent: number, nowMs = startMs): number {
  let count = 0;
  while (count < 10_000 && budget.take(percent, nowMs)) count += 1;
  return count;
}

describe('the share', () => {
  test.each([
    [0, 20, 3],
    [1, 20, 3],
    [15, 20, 3],
    [20, 20, 4],
    [100, 20, 20],
    [104, 20, 21],
    [105, 20, 21],
    [100, 0, 3],
    [100, 100, 100],
    [1000, 0.5, 5],
    [100, 12.5, 13],
  ])('of %i with %s %%: %i repeats', (firsts, percent, repeats) => {
    expect(taken(budgetWith(firsts), percent)).toBe(repeats);
  });

  test('grows with what is sent', () => {
    const budget = budgetWith(100);
    expect(taken(budget, 10)).toBe(10);
    for (let i = 0; i < 50; i++) budget.first(startMs);
    expect(taken(budget, 10)).toBe(5);
  });
});

describe('the window', () => {
  test('of ten seconds in buckets of one', () => {
    const budget = budgetWith(100);
    expect(taken(budget, 20, startMs + 9_999)).toBe(20);
    expect(taken(budgetWith(100), 20, startMs + 10_000)).toBe(3);
  });

  test('lets repeats go as well', () => {
    const budget = budgetWith(0);
    expect(taken(budget, 20)).toBe(3);
    expect(taken(budget, 20, startMs + 9_999)).toBe(0);
    expect(taken(budget, 20, startMs + 10_000)).toBe(3);
  });

  test.each([
    [9_000, 100],
    [9_999, 100],
    [10_000, 90],
    [14_500, 50],
    [18_999, 10],
    [19_000, 3],
  ])('ten a second for ten seconds: at %i ms it holds %i', (atMs, count) => {
    const budget = new RetryBudget();
    for (let ms = 0; ms < 10_000; ms += 100) budget.first(startMs + ms);
    expect(taken(budget, 100, startMs + atMs)).toBe(count);
  });

  test('is empty after a long silence', () => {
    expect(taken(budgetWith(1000), 50, startMs + 3_600_000)).toBe(3);
  });

  test('starts empty at any time', () => {
    expect(taken(new RetryBudget(), 50, Number.MAX_SAFE_INTEGER)).toBe(3);
  });
});
