// Goal: what another node fetched is used only where nothing that it is marked with was busted after
// the place at which its fetch began. Method: one clock that learns a log, with each order of the two.
import { beforeEach, expect, test } from 'vitest';
import { LogClock } from '../../../../src/control/fleet/log-clock.ts';
import { noBust } from '../../../../src/model/bust.ts';

let clock: LogClock;

beforeEach(() => {
  clock = new LogClock();
  clock.restart({ epoch: 'e', head: 0, tail: -1, position: 10 });
});

const busts = (...tags: string[]) => ({ ...noBust, tags });

test('a fetch stands for what was done when it began', () => {
  clock.mark(11, 0);
  clock.mark(12, 5);
  expect([9, 10, 11, 12, 99].map((at) => clock.sequenceAt(at))).toEqual([null, -1, 0, 5, 5]);
});

test('a bust counts against what began before it, and not against what began after', () => {
  clock.learn(busts('a'), 7);
  clock.mark(11, 7);
  expect(clock.bustedSince(['t:a'], 6)).toBe(true);
  expect(clock.bustedSince(['t:a'], 7)).toBe(false);
  expect(clock.bustedSince(['t:b'], 0)).toBe(false);
  expect(clock.bustedSince(['t:b'], -1)).toBe(false);
});

test('a bust that is held counts against everything, whenever it began, until it is not', () => {
  const release = clock.hold(busts('a'));
  const releaseOther = clock.hold(busts('a', 'b'));
  clock.mark(12, 9);
  expect(clock.bustedSince(['t:a'], 9)).toBe(true);
  release();
  expect(clock.bustedSince(['t:a'], 9)).toBe(true);
  releaseOther();
  expect(clock.bustedSince(['t:a'], 9)).toBe(false);
  const releaseAll = clock.hold({ ...noBust, all: true });
  expect(clock.bustedSince(['t:x'], 9)).toBe(true);
  releaseAll();
  expect(clock.bustedSince(['t:x'], 9)).toBe(false);
});

test('a bust of all counts against everything before it', () => {
  clock.learn({ ...noBust, all: true }, 3);
  expect(clock.bustedSince(['t:x'], 2)).toBe(true);
  expect(clock.bustedSince(['t:x'], 3)).toBe(false);
});

test('each way of naming what is busted counts', () => {
  const bust = {
    ...noBust,
    routes: ['r'],
    keys: ['k'],
    groups: ['h g'],
    urls: ['http://host/path?x=1'],
  };
  clock.learn(bust, 4);
  for (const label of ['r:r', 'k:k', 'g:h g', 'p:host/path']) {
    expect(clock.bustedSince([label], 3)).toBe(true);
  }
});

test('nothing is read before the busts of the past are known', () => {
  clock.restart({ epoch: 'f', head: 5, tail: 9, position: 20 });
  expect(clock.readable).toBe(false);
  clock.learn(busts('a'), 8);
  clock.mark(20, 8);
  expect(clock.readable).toBe(false);
  clock.mark(20, 9);
  expect(clock.readable).toBe(true);
  expect(clock.bustedSince(['t:a'], 7)).toBe(true);
  // What happened before the first item that is there, nobody knows any more.
  expect(clock.bustedSince(['t:b'], 3)).toBe(true);
  expect(clock.bustedSince(['t:b'], 4)).toBe(false);
});
