// Goal: a local reply is made once where it can be, and per exchange where it must be. Method:
// routes as the compiler writes them, and the bytes that would go out.
import { describe, expect, test } from 'vitest';
import type { RouteT } from '#generated/cutover.js';
import { type PreparedReply, ReplyPlan } from '../../../../src/gateway/plan/reply-plan.ts';
import { decodePolicy } from '../../../../src/gateway/policies/policy.ts';
import { asBytes } from '../../../../src/gateway/response-head.ts';
import { type ExchangeParts, exchangeOf } from '../../../kit/exchange.ts';
import { headersPolicy, policyOf, redirectRoute, respondRoute } from '../../../kit/shape-parts.ts';

type Policies = ConstructorParameters<typeof ReplyPlan>[1];

function written({ status, head, body }: PreparedReply): {
  status: number;
  head: string;
  body: string;
} {
  const bytes = Buffer.from(typeof head === 'string' ? asBytes(head) : head);
  return { status, head: bytes.toString('latin1'), body: body.toString() };
}

function rendered(route: RouteT, parts: ExchangeParts = {}, policies: Policies = []) {
  return written(new ReplyPlan(route, policies).render(exchangeOf(parts)));
}

function prepared(route: RouteT, policies: Policies = []) {
  const reply = new ReplyPlan(route, policies).prepared;
  return reply === null ? null : written(reply);
}

const hello = respondRoute(200, { 'content-type': ['text/plain'], 'x-a': ['1'] }, 'héllo');
const shape = decodePolicy(
  policyOf(headersPolicy({}, { remove: ['x-a'], set: { 'x-shape': ['2'] } })),
);

describe('a constant reply', () => {
  test('is prepared, and the same as when it is rendered', () => {
    const expected = {
      status: 200,
      head: '200 OK\r\ncontent-type: text/plain\r\nx-a: 1',
      body: 'héllo',
    };
    expect(prepared(hello)).toEqual(expected);
    expect(rendered(hello)).toEqual(expected);
  });

  test('has the changes of the response policies', () => {
    const head = '200 OK\r\ncontent-type: text/plain\r\nx-shape: 2';
    expect(prepared(hello, [shape])?.head).toBe(head);
    expect(rendered(hello, {}, [shape]).head).toBe(head);
  });

  test('may have no body', () => {
    expect(prepared(respondRoute(204, {}))).toEqual({
      status: 204,
      head: '204 No Content',
      body: '',
    });
  });

  test('of a redirect', () => {
    expect(prepared(redirectRoute(308, 'https://a.example/b'))).toEqual({
      status: 308,
      head: '308 Permanent Redirect\r\nlocation: https://a.example/b',
      body: '',
    });
  });
});

describe('a reply with holes', () => {
  test.each([
    ['in its body', respondRoute(200, {}, 'hi ', ['request.host']), []],
    ['in a header', respondRoute(200, { x: [['request.host']] }, 'hi'), []],
    ['in its location', redirectRoute(302, ['request.path']), []],
    [
      'in a policy',
      hello,
      [decodePolicy(policyOf(headersPolicy({}, { add: { x: [['request.host']] } })))],
    ],
  ])('%s is not prepared', (_name, route, policies) => {
    expect(prepared(route, policies)).toBeNull();
  });

  test('is rendered for each exchange', () => {
    const route = respondRoute(201, { 'x-path': [['request.path']] }, 'hi ', ['request.method']);
    expect(rendered(route, { path: '/b', method: 'PUT' })).toEqual({
      status: 201,
      head: '201 Created\r\nx-path: /b',
      body: 'hi PUT',
    });
  });

  test('escapes of a path stay escaped', () => {
    const route = redirectRoute(302, 'https://a.example', ['request.path']);
    expect(rendered(route, { path: '/%0D%0Aset-cookie:x' }).head).toBe(
      '302 Found\r\nlocation: https://a.example/%0D%0Aset-cookie:x',
    );
  });

  const echo = respondRoute(200, { 'x-echo': [['request.header', 'x-in']] }, 'hi');
  const withHeader = (value: string): ExchangeParts => ({
    headers: [
      ['host', 'test'],
      ['x-in', value],
    ],
  });

  test('line ends from a request do not end a line', () => {
    expect(rendered(echo, withHeader('a\r\nset-cookie: b')).head).toBe(
      '200 OK\r\nx-echo: aset-cookie: b',
    );
  });

  test('characters past one byte do not end a line', () => {
    const { head } = rendered(echo, withHeader('a\u010d\u010aset-cookie: b'));
    expect(head.split('\r\n').map((line) => line.split(':')[0])).toEqual(['200 OK', 'x-echo']);
  });
});
