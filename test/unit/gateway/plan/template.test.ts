// Goal: the holes of a template are filled with what they name. Method: one exchange, and each
// source of text.
import { describe, expect, test } from 'vitest';
import { cookieValue, decodeTemplate, queryValue } from '../../../../src/gateway/plan/template.ts';
import { exchangeOf } from '../../../kit/exchange.ts';
import { template, type WrittenPart } from '../../../kit/shape-parts.ts';

const exchange = exchangeOf({
  method: 'POST',
  path: '/catalog/s%20k/a//b/',
  query: 'lang=e%20n&x',
  headers: [
    ['host', 'Shop.example:8080'],
    ['x-a', '1'],
    ['x-a', '2'],
    ['x-request-id', 'given-1'],
    ['cookie', 'sid=s 1; b="q"'],
  ],
  routeId: 'catalog',
  upstream: { name: 'backend' },
});

function render(...parts: readonly WrittenPart[]): string {
  return decodeTemplate(template(...parts)).render(exchange);
}

describe('sources', () => {
  test.each<[WrittenPart, string]>([
    [['request.method'], 'POST'],
    [['request.scheme'], 'http'],
    [['request.host'], 'Shop.example:8080'],
    [['request.path'], '/catalog/s%20k/a//b/'],
    [['request.query'], 'lang=e%20n&x'],
    [['request.id'], 'given-1'],
    [['client.ip'], '192.0.2.7'],
    [['consumer.name'], ''],
    [['route.id'], 'catalog'],
    [['upstream.name'], 'backend'],
    [['node.id'], 'node-a'],
    [['revision'], '7'],
    [['request.header', 'x-a'], '1, 2'],
    [['request.header', 'x-none'], ''],
    [['request.query.named', 'lang'], 'e%20n'],
    [['request.query.named', 'x'], ''],
    [['request.query.named', 'none'], ''],
    [['request.cookie', 'sid'], 's 1'],
    [['request.cookie', 'none'], ''],
    [['path', 0], 'catalog'],
    [['path', 1], 's%20k'],
    [['path', 3], ''],
    [['path', 9], ''],
    [['path.rest', 0], 'catalog/s%20k/a//b/'],
    [['path.rest', 2], 'a//b/'],
    [['path.rest', 5], ''],
    [['path.rest', 9], ''],
  ])('%j is %j', (part, text) => {
    expect(render(part)).toBe(text);
  });

  test('texts and holes are joined in order', () => {
    expect(render('/v2/', ['path', 0], '/', ['path.rest', 2], '?', ['request.method'])).toBe(
      '/v2/catalog/a//b/?POST',
    );
  });
});

describe('constants', () => {
  test('texts alone are one', () => {
    expect(decodeTemplate(template('a', 'b')).constant).toBe('ab');
    expect(decodeTemplate(template()).constant).toBe('');
  });

  test('one hole makes it none', () => {
    expect(decodeTemplate(template('a', ['revision'])).constant).toBeNull();
  });
});

describe('request ids', () => {
  test.each([
    ['is missing', undefined],
    ['is empty', ''],
    ['holds a blank', 'a b'],
    ['is no ASCII', 'a\u010ab'],
    ['is too long', 'a'.repeat(129)],
  ])('one that %s is made here, once', (_name, id) => {
    const headers = id === undefined ? [] : [['x-request-id', id] as const];
    const other = exchangeOf({ headers });
    expect([other.requestId(), other.requestId()]).toEqual(['id-1', 'id-1']);
  });
});

describe('queryValue', () => {
  test.each([
    ['', 'a', undefined],
    ['a', 'a', ''],
    ['a=', 'a', ''],
    ['a=1', 'a', '1'],
    ['a=1&a=2', 'a', '1'],
    ['b&a=1', 'a', '1'],
    ['&&a=1&&', 'a', '1'],
    ['aa=1', 'a', undefined],
    ['b=a=1', 'a', undefined],
    ['a==', 'a', '='],
    ['A=1', 'a', undefined],
  ])('%j has %s: %j', (query, name, value) => {
    expect(queryValue(query, name)).toBe(value);
  });
});

describe('cookieValue', () => {
  test.each([
    [undefined, 'a', undefined],
    ['', 'a', undefined],
    ['a=1', 'a', '1'],
    ['a=', 'a', ''],
    ['a', 'a', undefined],
    ['b=1; a=2;c=3', 'a', '2'],
    ['b=1;a=2', 'a', '2'],
    ['aa=1', 'a', undefined],
    ['b=a=1', 'a', undefined],
    ['a="1; 2"', 'a', '"1'],
    ['a=1, a=2', 'a', '1, a=2'],
  ])('%j has %s: %j', (cookies, name, value) => {
    expect(cookieValue(cookies, name)).toBe(value);
  });
});
