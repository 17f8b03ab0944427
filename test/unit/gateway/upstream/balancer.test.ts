// Goal: endpoints are chosen by weight, load or hash, and those that are down are passed over.
// Method: endpoints without connections, and exact counts of picks.
import { describe, expect, test } from 'vitest';
import { notTheTrial } from '../../../../src/base/breaker.ts';
import { Balancer } from '../../../../src/gateway/upstream/balancer.ts';
import { hashText } from '../../../../src/gateway/upstream/consistent-hash.ts';
import type { Endpoint, EndpointSettings } from '../../../../src/gateway/upstream/endpoint.ts';
import { balanceKind } from '../../../../src/memory/shape-kinds.ts';
import { quietEndpoint } from '../../../kit/endpoints.ts';

const breaker = { failuresPercent: 100, of: 1, openMs: 1000 };

interface Group {
  readonly balancer: Balancer;
  readonly all: Endpoint[];
  /** Names of what is picked, `a` for the first endpoint. */
  picks(count: number, tried?: readonly Endpoint[], nowMs?: number): string;
}

function group(
  kind: number,
  weights: readonly number[],
  start = 0,
  settings: Partial<EndpointSettings> = {},
): Group {
  const all = weights.map(
    (_, index) => quietEndpoint(`http://10.0.0.${index}:80`, settings).endpoint,
  );
  const balancer = new Balancer(
    kind,
    all.map((endpoint, index) => ({ endpoint, weight: weights[index] ?? 1 })),
    start,
  );
  const picks = (count: number, tried: readonly Endpoint[] = [], nowMs = 0): string => {
    let names = '';
    for (let i = 0; i < count; i++) {
      const picked = balancer.pick(0, tried, nowMs);
      names += typeof picked === 'string' ? '-' : 'abcdef'[all.indexOf(picked)];
    }
    return names;
  };
  return { balancer, all, picks };
}

function countOf(names: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const { roundRobin, leastRequests } = balanceKind;

describe('round robin', () => {
  test('takes turns', () => {
    expect(group(roundRobin, [1, 1, 1]).picks(7)).toBe('abcabca');
  });

  test('begins where it is told to', () => {
    expect(group(roundRobin, [1, 1, 1], 1).picks(4)).toBe('bcab');
    expect(group(roundRobin, [1, 1, 1], 5).picks(4)).toBe('cabc');
    expect(group(roundRobin, [], 5).picks(1)).toBe('-');
  });

  test('spreads the turns of a heavy one', () => {
    expect(group(roundRobin, [5, 1, 1]).picks(14)).toBe('aabacaaaabacaa');
  });

  test.each([
    [[1, 2, 3], { a: 100, b: 200, c: 300 }],
    [[1, 1000], { a: 100, b: 100_000 }],
    [[7, 7], { a: 700, b: 700 }],
  ])('weights %j are kept to the pick', (weights, counts) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    expect(countOf(group(roundRobin, weights).picks(100 * total))).toEqual(counts);
  });
});

describe('least requests', () => {
  test('takes the one with the fewest', () => {
    const { all, picks } = group(leastRequests, [1, 1, 1]);
    for (const [index, count] of [3, 1, 2].entries()) {
      for (let i = 0; i < count; i++) all[index]?.began(0);
    }
    expect(picks(3)).toBe('bbb');
  });

  test('takes turns among equals', () => {
    expect(countOf(group(leastRequests, [1, 1, 1]).picks(9))).toEqual({ a: 3, b: 3, c: 3 });
  });

  test('weighs what runs', () => {
    const { balancer, all } = group(leastRequests, [2, 1]);
    for (let i = 0; i < 300; i++) (balancer.pick(0, [], 0) as Endpoint).began(0);
    expect(all.map(({ pending }) => pending)).toEqual([200, 100]);
  });

  test('goes on with one that got free', () => {
    const { all, picks } = group(leastRequests, [1, 1]);
    for (const endpoint of all) for (let i = 0; i < 5; i++) endpoint.began(0);
    all[0]?.ended('good', 0, notTheTrial);
    expect(picks(2)).toBe('aa');
  });
});

describe('hash', () => {
  test.each(['hashHeader', 'hashCookie', 'hashIp'] as const)('%s keeps to a key', (kind) => {
    const { balancer, all } = group(balanceKind[kind], [1, 1, 1]);
    const before = ['x', 'y', 'z'].map((key) => balancer.pick(hashText(key), [], 0));
    const again = ['x', 'y', 'z'].map((key) => balancer.pick(hashText(key), [], 0));
    expect(again).toEqual(before);
    expect(all).toContain(before[0]);
  });

  test('moves a key only while its endpoint is down', () => {
    const { balancer } = group(balanceKind.hashIp, [1, 1, 1]);
    const pick = (): Endpoint => balancer.pick(hashText('x'), [], 0) as Endpoint;
    const home = pick();
    home.healthy = false;
    expect(pick()).not.toBe(home);
    home.healthy = true;
    expect(pick()).toBe(home);
  });
});

describe.each([
  ['round robin', roundRobin],
  ['least requests', leastRequests],
  ['hash', balanceKind.hashIp],
])('%s and what is down', (_name, kind) => {
  test('unhealthy ones are passed over', () => {
    const { all, picks } = group(kind, [1, 1, 1]);
    (all[1] as Endpoint).healthy = false;
    expect(picks(12)).not.toContain('b');
    (all[0] as Endpoint).healthy = false;
    expect(picks(3)).toBe('ccc');
  });

  test('all are tried when all are unhealthy', () => {
    const { all, picks } = group(kind, [1, 1]);
    for (const endpoint of all) endpoint.healthy = false;
    expect(picks(8)).toMatch(/^[ab]{8}$/);
  });

  test('those that were tried come last', () => {
    const { all, picks } = group(kind, [1, 1, 1]);
    const [a, b, c] = all as [Endpoint, Endpoint, Endpoint];
    expect(picks(4, [a, b])).toBe('cccc');
    expect(picks(4, [a, b, c])).toMatch(/^[abc]{4}$/);
    c.healthy = false;
    expect(picks(4, [a, b])).toMatch(/^[ab]{4}$/);
    b.healthy = false;
    a.healthy = false;
    expect(picks(4, [a, b])).toBe('cccc');
  });

  test('an open breaker is never passed', () => {
    const { all, picks } = group(kind, [1, 1], 0, { breaker });
    const [a, b] = all as [Endpoint, Endpoint];
    a.began(0);
    a.ended('failed', 0, notTheTrial);
    b.healthy = false;
    expect(picks(4)).toBe('bbbb');
    b.began(0);
    b.ended('failed', 0, notTheTrial);
    expect(picks(2)).toBe('--');
    expect(picks(1, [], 1000)).toMatch(/^[ab]$/);
  });

  test('says that breakers are open', () => {
    const { all, balancer } = group(kind, [1], 0, { breaker });
    all[0]?.began(0);
    all[0]?.ended('failed', 0, notTheTrial);
    expect(balancer.pick(0, [], 0)).toBe('breaker-open');
  });
});

test.each([roundRobin, leastRequests])('without endpoints there is none, kind %i', (kind) => {
  expect(group(kind, []).balancer.pick(0, [], 0)).toBe('no-endpoint');
});

describe('the load of one that is down', () => {
  test('is taken by all others', () => {
    const { all, picks } = group(roundRobin, [5, 1, 1]);
    (all[0] as Endpoint).healthy = false;
    expect(countOf(picks(100))).toEqual({ b: 50, c: 50 });
  });

  test('is taken by all others when it was very heavy', () => {
    const { all, picks } = group(roundRobin, [100, 1, 1]);
    (all[0] as Endpoint).healthy = false;
    const { b = 0, c = 0 } = countOf(picks(100));
    expect([b, c]).toEqual([50, 50]);
  });
});
