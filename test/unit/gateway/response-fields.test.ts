// Goal: a client gets the upstream's fields without those of the upstream's connection. Method: one
// parsed head each, and the exact text that goes out.
import { describe, expect, test } from 'vitest';
import type { Exchange } from '../../../src/gateway/exchange.ts';
import { decodePolicy } from '../../../src/gateway/policies/policy.ts';
import { responseHead } from '../../../src/gateway/response-fields.ts';
import { exchangeOf } from '../../kit/exchange.ts';
import { head, parse } from '../../kit/parsed.ts';
import { headersPolicy, policyOf } from '../../kit/shape-parts.ts';

function linesOf(lines: readonly string[], exchange: Exchange = exchangeOf()): string[] {
  const [parsed] = parse(head('200 OK', ...lines, 'Content-Length: 0')).heads;
  if (parsed === undefined) throw new Error('not a head');
  return responseHead(exchange, parsed, null).split('\r\n');
}

describe('responseHead', () => {
  test('fields pass in their order', () => {
    expect(linesOf(['Set-Cookie: a=1', 'Server: x', 'Set-Cookie: b=2'])).toEqual([
      '200 OK',
      'set-cookie: a=1',
      'server: x',
      'set-cookie: b=2',
    ]);
  });

  test('fields of one connection do not', () => {
    const lines = ['Connection: close, X-A', 'X-A: 1', 'Keep-Alive: timeout=5', 'Upgrade: h2c'];
    expect(linesOf([...lines, 'X-B: 2'])).toEqual(['200 OK', 'x-b: 2']);
  });

  test('length and date are left to the server side', () => {
    expect(linesOf(['Date: Thu, 01 Jan 1970 00:00:00 GMT'])).toEqual(['200 OK']);
  });

  test('the phrase is ours', () => {
    const [parsed] = parse(head('404 Nope', 'Content-Length: 0')).heads;
    expect(parsed === undefined ? '' : responseHead(exchangeOf(), parsed, null)).toBe(
      '404 Not Found',
    );
  });

  test('response policies run in their order', () => {
    const exchange = exchangeOf({ routeId: 'a' });
    const responsePolicies = [
      headersPolicy({}, { set: { 'x-a': ['2'] }, remove: ['server'] }),
      headersPolicy({}, { add: { 'x-a': ['3'] } }),
    ].map((policy) => decodePolicy(policyOf(policy)));
    exchange.plan = { responsePolicies } as unknown as NonNullable<typeof exchange.plan>;
    expect(linesOf(['X-A: 1', 'Server: x'], exchange)).toEqual(['200 OK', 'x-a: 2', 'x-a: 3']);
  });
});
