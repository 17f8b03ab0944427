// Goal: what goes upstream is the client's request without what concerned its connection alone, with
// ours. Method: one exchange each, and the exact text of the head.
import { describe, expect, test } from 'vitest';
import { decodeTemplate } from '../../../src/gateway/plan/template.ts';
import { outgoingHead } from '../../../src/gateway/request-head.ts';
import type { Endpoint } from '../../../src/gateway/upstream/endpoint.ts';
import type { UpstreamPlan } from '../../../src/gateway/upstream/upstream-plan.ts';
import { hostKind } from '../../../src/memory/shape-kinds.ts';
import { type ExchangeParts, exchangeOf } from '../../kit/exchange.ts';
import { template, type WrittenPart } from '../../kit/shape-parts.ts';

const endpoint = { authority: '10.0.0.1:9001' } as Endpoint;
const quiet = { style: 'off', via: '' } as const;

interface Options extends ExchangeParts {
  readonly rewrite?: readonly WrittenPart[];
  readonly host?: Pick<UpstreamPlan, 'host' | 'hostValue'>;
}

function headOf({ rewrite, host, ...parts }: Options = {}) {
  const exchange = exchangeOf({ forwarded: quiet, ...parts });
  if (rewrite !== undefined) {
    exchange.plan = { rewrite: decodeTemplate(template(...rewrite)) } as typeof exchange.plan;
  }
  const upstream = { host: hostKind.preserve, hostValue: '', ...host } as UpstreamPlan;
  return outgoingHead(exchange, upstream, endpoint);
}

function linesOf(...headers: readonly (readonly [string, string])[]): string[] {
  const head = headOf({ headers: [['host', 'test'], ...headers] });
  return typeof head === 'string' ? head.split('\r\n').slice(2, -1) : [head.refusal];
}

describe('the request line', () => {
  test.each<[Options, string]>([
    [{}, 'GET / HTTP/1.1'],
    [{ method: 'PURGE', path: '/a/b', query: 'c=d' }, 'PURGE /a/b?c=d HTTP/1.1'],
    [{ path: '/a', rewrite: ['/v2'] }, 'GET /v2 HTTP/1.1'],
    [{ path: '/a/b', query: 'x', rewrite: ['/v2/', ['path', 1]] }, 'GET /v2/b?x HTTP/1.1'],
    [{ path: '/a/b/c', rewrite: ['/', ['path.rest', 1]] }, 'GET /b/c HTTP/1.1'],
  ])('%j', (options, line) => {
    expect(String(headOf(options)).split('\r\n')[0]).toBe(line);
  });

  test.each<[string, readonly WrittenPart[]]>([
    ['holds a line end', ['/', ['request.header', 'x-in']]],
    ['has no slash in front', [['path', 0]]],
  ])('a rewrite that %s is refused', (_name, rewrite) => {
    const headers = [
      ['host', 'test'],
      ['x-in', 'a\r\nb: c'],
    ] as const;
    expect(headOf({ path: '/a', headers, rewrite })).toEqual({ refusal: 'bad-target' });
  });
});

describe('Host', () => {
  test.each([
    [hostKind.preserve, '', 'shop.example:8080'],
    [hostKind.endpoint, '', '10.0.0.1:9001'],
    [hostKind.fixed, 'other.example', 'other.example'],
  ])('kind %i', (host, hostValue, line) => {
    const head = headOf({ headers: [['host', 'shop.example:8080']], host: { host, hostValue } });
    expect(String(head).match(/^host: .*$/gm)).toEqual([`host: ${line}`]);
  });
});

describe('fields', () => {
  test('pass in their order, as they came', () => {
    const lines = linesOf(['b', '1'], ['a', ''], ['b', ' 2\t'], ['cookie', 'x=y']);
    expect(lines).toEqual(['b: 1', 'a: ', 'b:  2\t', 'cookie: x=y']);
  });

  test('of one connection do not pass', () => {
    const lines = linesOf(
      ['connection', 'keep-alive'],
      ['keep-alive', 'timeout=5'],
      ['proxy-connection', 'close'],
      ['te', 'trailers'],
      ['trailer', 'x'],
      ['transfer-encoding', 'chunked'],
      ['upgrade', 'websocket'],
      ['expect', '100-continue'],
      ['content-length', '5'],
      ['x-a', '1'],
    );
    expect(lines).toEqual(['x-a: 1']);
  });

  test('that a policy adds pass, though the client lists them in Connection', () => {
    const lines = linesOf(['connection', 'close, X-A'], ['x-a', 'of a policy']);
    expect(lines).toEqual(['x-a: of a policy']);
  });

  test.each(['a\r\nb', 'a\nb', 'a\0', 'a\x7f', 'a\xe4', 'a\u010a'])(
    'with %j are refused',
    (value) => {
      expect(linesOf(['x-a', value])).toEqual(['bad-header-value']);
    },
  );

  test('an empty body is told of', () => {
    expect(linesOf(['content-length', '0'])).toEqual(['content-length: 0']);
    expect(linesOf()).toEqual([]);
  });

  test('of forwarding are ours', () => {
    const head = headOf({
      headers: [
        ['host', 'test'],
        ['x-forwarded-for', '6.6.6.6'],
        ['via', '1.1 a'],
        ['forwarded', 'for=x'],
      ],
      forwarded: { style: 'x-forwarded', via: 'edge' },
    });
    expect(String(head).split('\r\n').slice(2, -1)).toEqual([
      'via: 1.1 a, 1.1 edge',
      'x-forwarded-for: 192.0.2.7',
      'x-forwarded-host: test',
      'x-forwarded-proto: http',
    ]);
  });

  test('that Connection lists cannot take ours away', () => {
    const head = headOf({
      headers: [
        ['host', 'test'],
        ['connection', 'x-forwarded-for, via, host'],
      ],
      forwarded: { style: 'x-forwarded', via: 'edge' },
    });
    expect(String(head)).toContain('\r\nx-forwarded-for: 192.0.2.7\r\n');
    expect(String(head)).toContain('\r\nhost: test\r\n');
  });
});
