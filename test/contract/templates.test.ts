// Goal: the holes of a template that the compiler encodes are filled by the gateway. Method: a route
// with the template through the bytes, and an exchange.
import { describe, expect, test } from 'vitest';
import { exchangeOf, type PlainExchange, planOf } from '../kit/exchanges.ts';

const request: PlainExchange = {
  method: 'PUT',
  path: '/shop/a%20b/x//y/',
  query: 'q=1%2B1&empty=&q=2&flag',
  headers: [
    ['x-id', 'one'],
    ['x-id', 'two'],
    ['cookie', 'sid=abc; side=1;b="c d"'],
  ],
};

function bodyOf(body: string, from: PlainExchange = request): string {
  const plan = planOf({ match: { path: '/shop/{sku}/**' }, respond: { body } });
  return String(plan.reply?.render(exchangeOf(plan, from)).body);
}

test.each([
  ['${request.method}', 'PUT'],
  ['${request.scheme}', 'http'],
  ['${request.host}', 'shop.example:8080'],
  ['${request.path}', '/shop/a%20b/x//y/'],
  ['${request.query}', 'q=1%2B1&empty=&q=2&flag'],
  ['${request.id}', 'id-1'],
  ['${client.ip}', '192.0.2.1'],
  ['${consumer.name}', ''],
  ['${route.id}', 'r'],
  ['${upstream.name}', ''],
  ['${node.id}', 'node-a'],
  ['${revision}', '7'],
  ['${request.header.X-Id}', 'one, two'],
  ['${request.header.x-none}', ''],
  ['${request.query.q}', '1%2B1'],
  ['${request.query.empty}${request.query.flag}${request.query.fla}', ''],
  ['${request.cookie.sid}', 'abc'],
  ['${request.cookie.b}', '"c d"'],
  ['${request.cookie.si}', ''],
  ['${path.sku}', 'a%20b'],
  ['${path.**}', 'x//y/'],
  ['<${path.sku}|$${path.sku}|${revision}>', '<a%20b|${path.sku}|7>'],
])('%s', (body, text) => {
  expect(bodyOf(body)).toBe(text);
});

describe('the rest of a path', () => {
  test.each([
    ['/shop/a', ''],
    ['/shop/a/', ''],
    ['/shop/a/b', 'b'],
    ['/shop/a//', '/'],
  ])('of %s is %j', (path, rest) => {
    expect(bodyOf('${path.**}', { path })).toBe(rest);
  });
});

test('a request id is the client’s if it is a sane one', () => {
  const idOf = (id: string) => bodyOf('${request.id}', { headers: [['x-request-id', id]] });
  expect([idOf('abc-1'), idOf('a b'), idOf('a'.repeat(129)), idOf('')]).toEqual([
    'abc-1',
    'id-1',
    'id-1',
    'id-1',
  ]);
});

test('a text without holes is made once', () => {
  const plan = planOf({ respond: { body: 'hellö', headers: { 'x-a': 'b' }, status: 404 } });
  expect(plan.reply?.prepared).toEqual({
    status: 404,
    head: Buffer.from('404 Not Found\r\nx-a: b', 'latin1'),
    body: Buffer.from('hellö', 'utf8'),
  });
});

test('a reply with a hole anywhere is made each time', () => {
  expect(planOf({ respond: { body: '${revision}' } }).reply?.prepared).toBeNull();
  expect(planOf({ respond: { headers: { a: '${revision}' } } }).reply?.prepared).toBeNull();
});

describe('a rewrite', () => {
  const pathOf = (path: string) => {
    const match = { path: '/shop/{sku}/**' };
    const plan = planOf({ match, upstream: 'a', rewrite: { path: '/v2/{sku}/{**}' } });
    return plan.rewrite?.render(exchangeOf(plan, { path }));
  };

  test.each([
    ['/shop/1/2/3', '/v2/1/2/3'],
    ['/shop/1', '/v2/1/'],
    ['/shop/%2F/', '/v2/%2F/'],
  ])('of %s is %s', (path, rewritten) => {
    expect(pathOf(path)).toBe(rewritten);
  });
});

describe('a redirect', () => {
  const headOf = (to: string, from: PlainExchange) => {
    const plan = planOf({ match: { path: '/old/**' }, redirect: { to, status: 302 } });
    return String(plan.reply?.render(exchangeOf(plan, from)).head).split('\r\n');
  };

  test('leads where its template says', () => {
    expect(
      headOf('https://${request.host}/new/{**}?${request.query}', {
        path: '/old/a/b',
        query: 'c=d',
      }),
    ).toEqual(['302 Found', 'location: https://shop.example:8080/new/a/b?c=d']);
  });

  test('keeps what came from the request on its line', () => {
    const headers = [['x-to', 'a\r\nset-cookie: b\u0000\u007f\tc']] as const;
    expect(headOf('/${request.header.x-to}', { path: '/old/', headers })).toEqual([
      '302 Found',
      'location: /aset-cookie:%20b%09c',
    ]);
  });

  test('to a path stays on its host', () => {
    const [, location] = headOf('/{**}', { path: '/old//evil.example' });
    expect(location).not.toMatch(/^location: \/\//);
  });
});
