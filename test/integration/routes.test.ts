// Goal: requests find the most specific route, and get what it says. Method: one gateway whose
// routes answer with their own id, one raw request per case.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { exchange, type RawResponse } from '../kit/raw-client.ts';

const route = (id: string, match: Record<string, unknown>) => ({
  id,
  match,
  respond: { headers: { 'x-route': '${route.id}' } },
});

let gateway: Gateway;

beforeAll(async () => {
  gateway = await Gateway.start({
    definitions: {
      routes: [
        route('any-rest', { path: '/catalog/**' }),
        route('any-param', { path: '/catalog/{sku}' }),
        route('any-literal', { path: '/catalog/new' }),
        route('any-param-below', { path: '/catalog/{sku}/parts/{part}' }),
        route('any-param-rest', { path: '/catalog/{sku}/parts/**' }),
        route('slash', { path: '/catalog/new/' }),
        route('wild', { hosts: ['*.shop.example'], path: '/catalog/**' }),
        route('wild-long', { hosts: ['*.eu.shop.example'], path: '/catalog/**' }),
        route('exact', { hosts: ['shop.example'], path: '/catalog/**' }),
        route('only-exact', { hosts: ['a.shop.example'], path: '/alone' }),
        route('read', { methods: ['GET', 'HEAD'], path: '/items' }),
        route('write', { methods: ['POST'], path: '/items' }),
        route('purge', { methods: ['PURGE'], path: '/purged' }),
        route('all-methods', { path: '/all' }),
        route('one-method', { methods: ['PUT'], path: '/all' }),
        route('plain', { path: '/predicates' }),
        route('beta', { path: '/predicates', headers: { 'X-Beta': 'on' } }),
        route('gone', { path: '/predicates/absent', headers: { 'x-gone': { present: false } } }),
        route('there', { path: '/predicates/present', headers: { 'x-there': { present: true } } }),
        route('like', { path: '/predicates/regex', headers: { 'x-like': { regex: 'a+b?' } } }),
        route('lang', { path: '/predicates', query: { lang: 'en us' } }),
        route('both', {
          path: '/predicates',
          headers: { 'x-beta': 'on' },
          query: { lang: 'en us' },
        }),
        route('escaped', { path: '/caf%C3%A9' }),
        route('root', { hosts: ['root.example'], path: '/' }),
        route('rest', { hosts: ['rest.example'], path: '/**' }),
      ],
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
});

function ask(target: string, { method = 'GET', host = 'other', lines = [] as string[] } = {}) {
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...lines].join('\r\n');
  return exchange(gateway.port, `${head}\r\n\r\n`, { toHead: method === 'HEAD' });
}

function routeOf({ status, headers }: RawResponse): string | number {
  return headers['x-route']?.[0] ?? status;
}

describe('paths', () => {
  test.each([
    ['/catalog/new', 'any-literal'],
    ['/catalog/old', 'any-param'],
    ['/catalog/new?a=b', 'any-literal'],
    ['/catalog/%6Eew', 'any-literal'],
    ['/catalog/new/', 'slash'],
    ['/catalog/New', 'any-param'],
    ['/catalog/old/', 'any-rest'],
    ['/catalog/old/more', 'any-rest'],
    ['/catalog/old/parts/1', 'any-param-below'],
    ['/catalog/new/parts/1', 'any-param-below'],
    ['/catalog/old/parts', 'any-param-rest'],
    ['/catalog/old/parts/1/2', 'any-param-rest'],
    ['/catalog', 'any-rest'],
    ['/catalo', 404],
    ['/Catalog/new', 404],
    ['/catalog//new', 'any-rest'],
    ['//catalog/new', 404],
    ['/catalog%2Fnew', 404],
    ['/caf%c3%a9', 'escaped'],
    ['/caf%C3%A9', 'escaped'],
    ['/', 404],
  ])('%s: %s', async (target, wanted) => {
    expect(routeOf(await ask(target))).toBe(wanted);
  });
});

describe('hosts', () => {
  test.each([
    ['shop.example', '/catalog/new', 'exact'],
    ['SHOP.example', '/catalog/new', 'exact'],
    ['shop.example:8080', '/catalog/new', 'exact'],
    ['a.shop.example', '/catalog/new', 'wild'],
    ['a.b.shop.example', '/catalog/new', 'wild'],
    ['a.eu.shop.example', '/catalog/new', 'wild-long'],
    ['eu.shop.example', '/catalog/new', 'wild'],
    ['ashop.example', '/catalog/new', 'any-literal'],
    ['shop.example.evil', '/catalog/new', 'any-literal'],
    ['a.shop.example', '/alone', 'only-exact'],
    ['b.shop.example', '/alone', 404],
    ['root.example', '/', 'root'],
    ['root.example', '/a', 404],
    ['rest.example', '/', 'rest'],
    ['rest.example', '/a/b/c', 'rest'],
    ['[::1]:80', '/catalog/new', 'any-literal'],
  ])('%s%s: %s', async (host, target, wanted) => {
    expect(routeOf(await ask(target, { host }))).toBe(wanted);
  });
});

describe('methods', () => {
  test.each([
    ['GET', '/items', 'read'],
    ['HEAD', '/items', 'read'],
    ['POST', '/items', 'write'],
    ['PURGE', '/purged', 'purge'],
    ['PUT', '/all', 'one-method'],
    ['GET', '/all', 'all-methods'],
    ['PURGE', '/all', 'all-methods'],
  ])('%s %s: %s', async (method, target, wanted) => {
    expect(routeOf(await ask(target, { method }))).toBe(wanted);
  });

  test('another one is a 405 with the allowed ones', async () => {
    const { status, headers, body } = await ask('/items', { method: 'DELETE' });
    expect([status, JSON.parse(body).code]).toEqual([405, 'method-not-allowed']);
    expect(headers['allow']).toEqual(['GET, HEAD, POST']);
  });

  test('a 405 to HEAD has no body', async () => {
    const { status, headers } = await ask('/purged', { method: 'HEAD' });
    expect(status).toBe(405);
    expect(Number(headers['content-length']?.[0])).toBeGreaterThan(0);
  });

  test('Allow lists other methods as well', async () => {
    expect((await ask('/purged')).headers['allow']).toEqual(['PURGE']);
  });

  test('a path that no route has is a 404 for any method', async () => {
    const { status, body } = await ask('/nowhere', { method: 'DELETE' });
    expect([status, JSON.parse(body).code]).toEqual([404, 'no-route']);
  });
});

describe('predicates', () => {
  test.each([
    ['/predicates', [], 'plain'],
    ['/predicates', ['X-BETA: on'], 'beta'],
    ['/predicates', ['X-Beta: On'], 'plain'],
    ['/predicates', ['X-Beta: on', 'X-Beta: on'], 'plain'],
    ['/predicates?lang=en+us', [], 'lang'],
    ['/predicates?lang=en%20us', [], 'lang'],
    ['/predicates?a=b&lang=en+us&c', [], 'lang'],
    ['/predicates?LANG=en+us', [], 'plain'],
    ['/predicates?lang=en', [], 'plain'],
    ['/predicates?xlang=en+us', [], 'plain'],
    ['/predicates?lang=en+us', ['X-Beta: on'], 'both'],
    ['/predicates/absent', [], 'gone'],
    ['/predicates/absent', ['X-Gone:'], 404],
    ['/predicates/present', ['X-There:'], 'there'],
    ['/predicates/present', [], 404],
    ['/predicates/regex', ['X-Like: aaab'], 'like'],
    ['/predicates/regex', ['X-Like: aaabc'], 404],
    ['/predicates/regex', ['X-Like: xaab'], 404],
  ])('%s %j: %s', async (target, lines, wanted) => {
    expect(routeOf(await ask(target, { lines }))).toBe(wanted);
  });

  test('an escaped name in the query is the same name', async () => {
    expect(routeOf(await ask('/predicates?%6Cang=en+us'))).toBe('lang');
  });
});
