// Goal: a worker knows exactly which exchanges it has running. Method: random adds and removes
// against a set.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../src/gateway/exchange.ts';
import { RunningExchanges } from '../../../src/gateway/running.ts';
import { exchangeOf } from '../../kit/exchange.ts';

function running(count: number): [RunningExchanges, Exchange[]] {
  const list = new RunningExchanges();
  const all = Array.from({ length: count }, () => exchangeOf());
  for (const one of all) list.add(one);
  return [list, all];
}

describe('RunningExchanges', () => {
  test('starts empty', () => {
    const list = new RunningExchanges();
    expect([list.count, list.list()]).toEqual([0, []]);
  });

  test.each([0, 1, 2])('removes the one at place %i', (at) => {
    const [list, all] = running(3);
    list.remove(all[at] as Exchange);
    expect(new Set(list.list())).toEqual(new Set(all.filter((_, index) => index !== at)));
    expect(list.count).toBe(2);
  });

  test('the list does not change with what ends while it is read', () => {
    const [list, all] = running(5);
    const seen: Exchange[] = [];
    for (const one of list.list()) {
      list.remove(one);
      seen.push(one);
    }
    expect(new Set(seen)).toEqual(new Set(all));
    expect(list.count).toBe(0);
  });

  test('random adds and removes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (steps) => {
        const list = new RunningExchanges();
        const expected: Exchange[] = [];
        for (const step of steps) {
          if (step % 2 === 0 || expected.length === 0) {
            const one = exchangeOf();
            list.add(one);
            expected.push(one);
          } else {
            const [one] = expected.splice(step % expected.length, 1);
            list.remove(one as Exchange);
          }
          expect(list.count).toBe(expected.length);
        }
        expect(new Set(list.list())).toEqual(new Set(expected));
        for (const [at, one] of list.list().entries()) expect(one.runningAt).toBe(at);
      }),
      { seed: 31 },
    );
  });
});
