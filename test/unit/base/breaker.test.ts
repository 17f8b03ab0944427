// Goal: a breaker opens, tries and closes as its drawing says. Method: time is an argument.
import { describe, expect, test } from 'vitest';
import { Breaker, type BreakerSettings, notTheTrial } from '../../../src/base/breaker.ts';

const settings: BreakerSettings = { failuresPercent: 50, of: 4, openMs: 1000 };

/** `+` for a good outcome, `-` for a failed one; the states behind each. */
function statesAfter(breaker: Breaker, outcomes: string, nowMs = 0): string[] {
  return [...outcomes].map((outcome) => {
    breaker.ended(outcome === '-', nowMs, breaker.began(nowMs));
    return breaker.state;
  });
}

function opened(atMs = 0): Breaker {
  const breaker = new Breaker(settings);
  statesAfter(breaker, '----', atMs);
  expect(breaker.state).toBe('open');
  return breaker;
}

describe('closed', () => {
  test.each([
    ['++++++++', 'closed'],
    ['---', 'closed'],
    ['----', 'open'],
    ['--++', 'open'],
    ['++--', 'open'],
    ['-+++', 'closed'],
    ['+++-', 'closed'],
    ['+++--', 'open'],
    ['-+++-', 'closed'],
    ['-+++-+++-+++-', 'closed'],
    ['+++++++++++-+-', 'open'],
  ])('%s: %s', (outcomes, state) => {
    expect(statesAfter(new Breaker(settings), outcomes).at(-1)).toBe(state);
  });

  test.each([
    [100, 3, '---', 'open'],
    [100, 3, '--+', 'closed'],
    [50, 3, '-++', 'closed'],
    [50, 3, '--+', 'open'],
    [1, 5, '++++-', 'open'],
    [12.5, 8, '+++++++-', 'open'],
    [12.6, 8, '+++++++-', 'closed'],
    [100, 1, '-', 'open'],
  ])('%s %% of %i, %s: %s', (failuresPercent, of, outcomes, state) => {
    const breaker = new Breaker({ failuresPercent, of, openMs: 1 });
    expect(statesAfter(breaker, outcomes).at(-1)).toBe(state);
  });

  test('tells of the outcome that opens it, and of no other', () => {
    const breaker = new Breaker(settings);
    const told = [true, true, true, true, true].map((failed) =>
      breaker.ended(failed, 0, notTheTrial),
    );
    expect(told).toEqual([false, false, false, true, false]);
  });
});

describe('open', () => {
  test('lets nothing through until its time is over', () => {
    const breaker = opened(500);
    expect([500, 1000, 1499, 1500].map((nowMs) => breaker.allows(nowMs))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  test('outcomes of what was sent before change nothing', () => {
    const breaker = opened();
    expect(breaker.ended(true, 900, notTheTrial)).toBe(false);
    expect(breaker.ended(false, 900, notTheTrial)).toBe(false);
    expect(breaker.state).toBe('open');
    expect(breaker.allows(1000)).toBe(true);
  });

  test('asking alone does not start a trial', () => {
    const breaker = opened();
    expect([breaker.allows(1000), breaker.allows(1000), breaker.state]).toEqual([
      true,
      true,
      'open',
    ]);
  });
});

describe('half-open', () => {
  function onTrial(): { breaker: Breaker; trial: number } {
    const breaker = opened();
    const trial = breaker.began(1000);
    expect([breaker.state, trial]).toEqual(['half-open', 1]);
    return { breaker, trial };
  }

  test('lets one exchange through', () => {
    expect(onTrial().breaker.allows(1_000_000)).toBe(false);
  });

  test('a good trial closes it, with an empty window', () => {
    const { breaker, trial } = onTrial();
    expect(breaker.ended(false, 1100, trial)).toBe(true);
    expect(statesAfter(breaker, '---', 1100)).toEqual(['closed', 'closed', 'closed']);
    expect(statesAfter(breaker, '-', 1100)).toEqual(['open']);
  });

  test('a failed trial opens it for the whole time again', () => {
    const { breaker, trial } = onTrial();
    expect(breaker.ended(true, 1100, trial)).toBe(true);
    expect([breaker.state, breaker.allows(2099), breaker.allows(2100)]).toEqual([
      'open',
      false,
      true,
    ]);
  });

  test('a trial that was given up makes room for another', () => {
    const { breaker, trial } = onTrial();
    breaker.abandoned(trial);
    expect([breaker.state, breaker.allows(1200)]).toEqual(['half-open', true]);
    breaker.began(1200);
    expect(breaker.allows(1200)).toBe(false);
  });
});

test('an earlier trial does not decide a later one', () => {
  const breaker = opened();
  const first = breaker.began(1000);
  breaker.ended(true, 1100, first);
  const second = breaker.began(2100);
  expect([breaker.ended(false, 2200, first), breaker.state]).toEqual([false, 'half-open']);
  breaker.abandoned(first);
  expect(breaker.allows(2200)).toBe(false);
  expect([breaker.ended(false, 2200, second), breaker.state]).toEqual([true, 'closed']);
});

describe('new settings', () => {
  test('that are the same keep what was learned', () => {
    const breaker = opened();
    breaker.configure({ ...settings });
    expect(breaker.state).toBe('open');
    const counting = new Breaker(settings);
    statesAfter(counting, '---');
    counting.configure({ ...settings });
    expect(statesAfter(counting, '-')).toEqual(['open']);
  });

  test.each([{ failuresPercent: 60 }, { of: 5 }, { openMs: 1001 }])('%j starts anew', (change) => {
    const breaker = opened();
    breaker.configure({ ...settings, ...change });
    expect([breaker.state, breaker.allows(0)]).toEqual(['closed', true]);
    expect(statesAfter(breaker, '---').at(-1)).toBe('closed');
  });
});
