// Goal: a request hashes by the field that its upstream names, else by its address. Method: exchanges
// with and without the field, against the hash of the text that should count.
import { describe, expect, test } from 'vitest';
import { hashInput } from '../../../src/gateway/hash-input.ts';
import { hashText } from '../../../src/gateway/upstream/consistent-hash.ts';
import type { UpstreamPlan } from '../../../src/gateway/upstream/upstream-plan.ts';
import { balanceKind } from '../../../src/memory/shape-kinds.ts';
import { exchangeOf } from '../../kit/exchange.ts';

const exchange = exchangeOf({
  headers: [
    ['host', 'test'],
    ['x-user', 'ann'],
    ['x-empty', ''],
    ['cookie', 'a=1; sid=s1; sid=s2; b=x=y'],
  ],
});

function hashBy(balance: number, hashName = ''): number {
  return hashInput(exchange, { balance, hashName } as UpstreamPlan);
}

describe('hashInput', () => {
  test.each([
    ['a header', balanceKind.hashHeader, 'x-user', 'ann'],
    ['an empty header', balanceKind.hashHeader, 'x-empty', ''],
    ['a header that is missing', balanceKind.hashHeader, 'x-none', '192.0.2.7'],
    ['the first cookie of a name', balanceKind.hashCookie, 'sid', 's1'],
    ['a cookie with an equals sign', balanceKind.hashCookie, 'b', 'x=y'],
    ['a cookie that is missing', balanceKind.hashCookie, 'si', '192.0.2.7'],
    ['the address', balanceKind.hashIp, '', '192.0.2.7'],
  ])('by %s', (_name, balance, hashName, text) => {
    expect(hashBy(balance, hashName)).toBe(hashText(text));
  });

  test('cookies in several lines are several cookies', () => {
    const headers = ['a=1', 'sid=s1', 'b=2'].map((value) => ['cookie', value] as const);
    const upstream = { balance: balanceKind.hashCookie, hashName: 'sid' } as UpstreamPlan;
    expect(hashInput(exchangeOf({ headers }), upstream)).toBe(hashText('s1'));
  });

  test('costs nothing where nobody hashes', () => {
    expect(hashBy(balanceKind.roundRobin)).toBe(0);
    expect(hashBy(balanceKind.leastRequests)).toBe(0);
  });

  test('is an unsigned word of 32 bits', () => {
    for (const text of ['', 'a', 'ann', 'x'.repeat(1000)]) {
      expect(hashText(text)).toBe(hashText(text) >>> 0);
    }
    expect(hashText('ann')).not.toBe(hashText('anm'));
  });
});
