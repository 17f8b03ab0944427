// Goal: what the compiler encodes of rate limits is what the gateway counts by. Method: routes through
// the bytes, and exchanges that a worker's limiter counts in a table of its own.
import { describe, expect, test } from 'vitest';
import type { RoutePlan } from '../../src/gateway/plan/route-plan.ts';
import { createRateLimits } from '../../src/memory/rate-limits/limit-layout.ts';
import { readRateLimitFigures } from '../../src/memory/rate-limits/limit-watch.ts';
import { RateLimiter } from '../../src/memory/rate-limits/rate-limiter.ts';
import { exchangeOf, type PlainExchange, planOf } from '../kit/exchanges.ts';

/** So long that no test meets its end, but for the one in an hour that begins in it. */
const window = '1h';

interface Asker extends PlainExchange {
  readonly ip?: string;
}

function setUp() {
  const words = createRateLimits();
  const limiter = new RateLimiter(words, 0);
  /** How many of so many requests are let through. */
  const admitted = (plan: RoutePlan, count: number, request: Asker = {}): number => {
    let passed = 0;
    for (let i = 0; i < count; i++) {
      const exchange = exchangeOf(plan, request);
      const addressText = () => request.ip ?? '192.0.2.1';
      Object.assign(exchange.worker, { limiter, retryAfterSeconds: 0, addressText });
      if (plan.rateLimits?.check(exchange) === '') passed += 1;
      else expect(exchange.worker.retryAfterSeconds).toBeGreaterThan(0);
    }
    return passed;
  };
  return { words, admitted };
}

function limited(...limits: object[]): RoutePlan {
  return planOf({ policies: limits.map((one) => ({ 'rate-limit': { window, ...one } })) });
}

const header = (name: string, value: string): Asker => ({ headers: [[name, value]] });

describe('a limit', () => {
  test('by ip tells addresses apart, whatever else they send', () => {
    const { admitted } = setUp();
    const plan = limited({ limit: 3, by: 'ip' });
    expect(admitted(plan, 2, { ip: '192.0.2.1', query: 'a=1' })).toBe(2);
    expect(admitted(plan, 9, { ip: '192.0.2.1', path: '/other' })).toBe(1);
    expect(admitted(plan, 9, { ip: '192.0.2.2' })).toBe(3);
  });

  test('by header tells its values apart; without it, addresses', () => {
    const { admitted } = setUp();
    const plan = limited({ limit: 2, by: 'header X-Key' });
    expect(admitted(plan, 9, header('x-key', 'a'))).toBe(2);
    expect(admitted(plan, 9, header('x-key', 'b'))).toBe(2);
    expect(admitted(plan, 9)).toBe(2);
    expect(admitted(plan, 9, { ip: '192.0.2.2' })).toBe(2);
  });

  test('by header lets nobody use up what an address has', () => {
    const { admitted } = setUp();
    const plan = limited({ limit: 2, by: 'header X-Key' });
    expect(admitted(plan, 9, { ...header('x-key', '192.0.2.9'), ip: '192.0.2.1' })).toBe(2);
    expect(admitted(plan, 9, { ip: '192.0.2.9' })).toBe(2);
  });

  test('by cookie tells its values apart', () => {
    const { admitted } = setUp();
    const plan = limited({ limit: 2, by: 'cookie s' });
    expect(admitted(plan, 9, header('cookie', 'x=1; s=a'))).toBe(2);
    expect(admitted(plan, 9, header('cookie', 's=a'))).toBe(0);
    expect(admitted(plan, 9, header('cookie', 's=b'))).toBe(2);
    expect(admitted(plan, 9, header('cookie', 'S=a'))).toBe(2);
  });

  test('by route counts all together', () => {
    const { admitted } = setUp();
    const plan = limited({ limit: 3, by: 'route' });
    expect(admitted(plan, 2, { ip: '192.0.2.1' })).toBe(2);
    expect(admitted(plan, 9, { ip: '192.0.2.2' })).toBe(1);
  });
});

describe('the identity of a limit', () => {
  test('is the route and its place among the limits there', () => {
    const { admitted } = setUp();
    const plan = limited({ limit: 2, by: 'ip' });
    expect(admitted(plan, 9)).toBe(2);
    const headers = { headers: { response: { set: { a: '1' } } } };
    const limit = { 'rate-limit': { window, limit: 3, by: 'ip' } };
    expect(admitted(planOf({ policies: [headers, limit] }), 9)).toBe(1);
    expect(admitted(planOf({ id: 'other', policies: [limit] }), 9)).toBe(3);
  });

  test('is its id where it has one, on any route', () => {
    const { admitted } = setUp();
    const limit = { 'rate-limit': { window, limit: 3, by: 'ip', id: 'both' } };
    expect(admitted(planOf({ id: 'one', policies: [limit] }), 2)).toBe(2);
    expect(admitted(planOf({ id: 'other', policies: [limit] }), 9)).toBe(1);
  });

  test('goes on when the number changes, not when the window or what it counts by does', () => {
    const { admitted } = setUp();
    expect(admitted(limited({ limit: 2, by: 'ip' }), 9)).toBe(2);
    expect(admitted(limited({ limit: 5, by: 'ip' }), 9)).toBe(3);
    expect(admitted(limited({ limit: 5, by: 'ip', window: '30m' }), 9)).toBe(5);
    expect(admitted(limited({ limit: 5, by: 'route' }), 9)).toBe(5);
  });
});

describe('several limits', () => {
  test('each count, in their order, up to the one that has no room', () => {
    const { words, admitted } = setUp();
    const plan = limited({ limit: 4, by: 'ip' }, { limit: 2, by: 'route' });
    expect(admitted(plan, 3)).toBe(2);
    // The third one counted in the first limit.
    expect(admitted(limited({ limit: 4, by: 'ip' }), 9)).toBe(1);
    expect(readRateLimitFigures(words, Date.now()).used).toBe(2);
  });

  test('are no policies of the request or the response', () => {
    const plan = limited({ limit: 4, by: 'ip' });
    expect([plan.requestPolicies, plan.responsePolicies]).toEqual([[], []]);
    expect(plan.reply?.prepared).not.toBeNull();
  });
});

test('a route without a limit has none', () => {
  expect(planOf({ policies: [{ headers: {} }] }).rateLimits).toBeNull();
});
