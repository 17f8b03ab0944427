// Goal: keys stay where they are for as long as their endpoint does, and are spread by weight.
// Method: ten thousand keys over tables with and without an endpoint.
import { describe, expect, test } from 'vitest';
import { hashText, Maglev } from '../../../../src/gateway/upstream/consistent-hash.ts';

const keys = Array.from({ length: 10_000 }, (_, index) => hashText(`key-${index}`));
const all = (): boolean => true;

function endpoints(count: number, weight: (index: number) => number = () => 1) {
  return Array.from({ length: count }, (_, index) => ({
    name: `http://10.0.0.${index}:80`,
    weight: weight(index),
  }));
}

function placed(table: Maglev, count: number): number[] {
  const counts = new Array<number>(count).fill(0);
  for (const key of keys) {
    const index = table.pick(key, all);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

describe('without an endpoint that is down', () => {
  test('its keys alone move', () => {
    const table = new Maglev(endpoints(8));
    for (let down = 0; down < 8; down++) {
      const without = keys.map((key) => table.pick(key, (index) => index !== down));
      expect(without).not.toContain(down);
      const moved = keys.filter((key, at) => without[at] !== table.pick(key, all));
      expect(moved).toEqual(keys.filter((key) => table.pick(key, all) === down));
    }
  });

  test('its keys are spread over all others', () => {
    const table = new Maglev(endpoints(5));
    const heirs = new Set(
      keys
        .filter((key) => table.pick(key, all) === 2)
        .map((key) => table.pick(key, (i) => i !== 2)),
    );
    expect([...heirs].sort()).toEqual([0, 1, 3, 4]);
  });

  test('the last one that is up takes all', () => {
    const table = new Maglev(endpoints(5));
    expect(new Set(keys.map((key) => table.pick(key, (index) => index === 3)))).toEqual(
      new Set([3]),
    );
  });
});

describe('without an endpoint that was taken out', () => {
  test('few others move', () => {
    const before = endpoints(10);
    const left = before.filter((_, index) => index !== 4);
    const [full, less] = [new Maglev(before), new Maglev(left)];
    const stayed = keys.filter((key) => full.pick(key, all) !== 4);
    const moved = stayed.filter(
      (key) => before[full.pick(key, all)]?.name !== left[less.pick(key, all)]?.name,
    );
    expect(moved.length / stayed.length).toBeLessThan(0.05);
  });
});

describe('shares', () => {
  test.each([1, 2, 3, 10])('of %i equal endpoints are equal', (count) => {
    for (const share of placed(new Maglev(endpoints(count)), count)) {
      expect(Math.abs(share / keys.length - 1 / count)).toBeLessThan(0.012);
    }
  });

  test('follow the weights', () => {
    const weights = [1, 2, 3, 4];
    const shares = placed(new Maglev(endpoints(4, (index) => weights[index] ?? 0)), 4);
    for (const [index, share] of shares.entries()) {
      expect(Math.abs(share / keys.length - (index + 1) / 10)).toBeLessThan(0.012);
    }
  });

  test('of 256 light endpoints beside a heavy one are not empty', () => {
    const shares = placed(new Maglev(endpoints(256, (index) => (index === 0 ? 1000 : 1))), 256);
    expect(shares.filter((share) => share === 0)).toEqual([]);
  });
});

test('the table depends on names alone', () => {
  const first = new Maglev(endpoints(6));
  const second = new Maglev(endpoints(6));
  expect(keys.filter((key) => first.pick(key, all) !== second.pick(key, all))).toEqual([]);
});

test('any 32 bit word is a key', () => {
  const table = new Maglev(endpoints(3));
  for (const key of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, -1]) {
    expect([0, 1, 2]).toContain(table.pick(key, all));
  }
  expect(table.pick(-1, all)).toBe(table.pick(0xffffffff, all));
});
