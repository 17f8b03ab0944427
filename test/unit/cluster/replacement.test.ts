// Goal: a client is replaced when it cannot mend itself, and not more often than its pause allows.
// Method: lives with what is told of them by hand; the present is an argument.
import { describe, expect, test } from 'vitest';
import { present } from '../../../src/base/assert.ts';
import { notTheTrial } from '../../../src/base/breaker.ts';
import { Life } from '../../../src/cluster/life.ts';
import { ReplacementPause, reasonToReplace } from '../../../src/cluster/replacement.ts';

const limits = {
  leakMs: 10_000,
  leakCountMax: 3,
  stuckMs: 15_000,
  pauseMsMin: 10_000,
  pauseMsMax: 60_000,
};

function life(): Life {
  return new Life({
    inFlight: { callCountMax: 100, bytesMax: 1_000_000 },
    breaker: { failuresPercent: 50, of: 2, openMs: 1000 },
  });
}

function overdue(one: Life, count: number, nowMs: number) {
  return Array.from({ length: count }, () => {
    const place = present(one.begin(10), 'it fits');
    one.passed(place, nowMs);
    return place;
  });
}

/** A call that was sent on the present connection, and its outcome. */
function ended(one: Life, answered: boolean, nowMs: number): boolean {
  const place = present(one.begin(10), 'it fits');
  one.end(place);
  return one.ended(place, answered, nowMs, notTheTrial);
}

describe('a life is replaced', () => {
  test('when it gave up, and not while it only is offline', () => {
    const one = life();
    expect(reasonToReplace(one, limits, 0)).toBeNull();
    one.connected(1000);
    one.disconnected();
    expect(reasonToReplace(one, limits, 100_000)).toBeNull();
    one.closed();
    one.disconnected();
    expect(reasonToReplace(one, limits, 100_000)).toBe('closed');
  });

  test('when as many calls as the limit are overdue for long, and no sooner', () => {
    const one = life();
    const [first] = overdue(one, 2, 1000);
    overdue(one, 1, 2000);
    expect(reasonToReplace(one, limits, 11_999)).toBeNull();
    expect(reasonToReplace(one, limits, 12_000)).toBe('leaked');
    if (first !== undefined) one.end(first);
    expect(one.leakedCount(limits.leakMs, 12_000)).toBe(2);
    expect(reasonToReplace(one, limits, 12_000)).toBeNull();
  });

  test('when it is connected and all that was sent failed for long', () => {
    const one = life();
    one.connected(1000);
    for (const nowMs of [2000, 3000, 15_000]) ended(one, false, nowMs);
    expect(reasonToReplace(one, limits, 15_999)).toBeNull();
    expect(reasonToReplace(one, limits, 16_000)).toBe('stuck');
    // Nothing was sent for as long: that proves nothing.
    expect(reasonToReplace(one, limits, 30_000)).toBeNull();
    one.disconnected();
    expect(reasonToReplace(one, limits, 16_000)).toBeNull();
  });

  test('not while some calls fail and others are answered', () => {
    const one = life();
    one.connected(1000);
    for (const nowMs of [2000, 3000]) ended(one, false, nowMs);
    ended(one, true, 14_000);
    ended(one, false, 15_000);
    expect(reasonToReplace(one, limits, 16_000)).toBeNull();
  });
});

test('an overdue call keeps its place until it is settled', () => {
  const one = life();
  const places = overdue(one, 2, 0);
  expect([one.inFlight.calls, one.overdueCount]).toEqual([2, 2]);
  for (const place of places) one.end(place);
  expect([one.inFlight.calls, one.inFlight.bytes, one.overdueCount]).toEqual([0, 0, 0]);
});

test('a new connection starts with a closed breaker, which calls sent before it do not touch', () => {
  const one = life();
  one.connected(1000);
  const before = present(one.begin(10), 'it fits');
  ended(one, false, 2000);
  expect(ended(one, false, 2000)).toBe(true);
  expect(one.breaker.state).toBe('open');
  one.disconnected();
  expect(one.connected(3000)).toBe(true);
  expect(one.breaker.state).toBe('closed');
  for (let turn = 0; turn < 10; turn += 1) one.ended(before, false, 3000, notTheTrial);
  expect(one.breaker.state).toBe('closed');
  expect(one.connected(4000)).toBe(false);
});

test('the pause doubles while nothing is heard, up to its limit, and starts over when something was', () => {
  const pause = new ReplacementPause(limits, 0);
  let nowMs = 0;
  const waits: number[] = [];
  for (let turn = 0; turn < 5; turn += 1) {
    const sinceMs = nowMs;
    while (!pause.isOver(nowMs)) nowMs += 1000;
    waits.push(nowMs - sinceMs);
    pause.replaced(0, nowMs);
  }
  expect(waits).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  pause.replaced(nowMs + 1, nowMs + 2);
  expect(pause.isOver(nowMs + 2 + limits.pauseMsMin)).toBe(true);
});
