// Goal: a route's rewrite, redirect, reply, header changes and split do what they say. Method: one
// gateway, raw requests, an origin that keeps what it saw.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const origins: Origin[] = [];
let gateway: Gateway;

beforeAll(async () => {
  for (const name of ['first', 'second']) {
    origins.push(
      await startOrigin((_request, response) => {
        response.setHeader('x-origin', name);
        response.setHeader('x-secret', 'secret');
        response.end(name);
      }),
    );
  }
  const [first = '', second = ''] = origins.map(({ url }) => url);
  const rewrite = (id: string, path: string, to: string) => ({
    id,
    match: { path },
    upstream: 'first',
    rewrite: { path: to },
  });
  gateway = await Gateway.start({
    set: ['node.id=node-a'],
    definitions: {
      upstreams: { first: { endpoints: [first] }, second: { endpoints: [second] } },
      routes: [
        rewrite('constant', '/constant', '/fixed'),
        rewrite('params', '/params/{a}/{b}', '/v2/{b}/{a}'),
        rewrite('rest', '/rest/{a}/**', '/v2/{a}/{**}'),
        rewrite('bare-rest', '/bare/**', '/{**}'),
        rewrite('query', '/query/**', '/q/${request.query.name}'),
        { id: 'plain', match: { path: '/plain' }, respond: {} },
        {
          id: 'reply',
          match: { path: '/reply/{name}' },
          respond: {
            status: 418,
            headers: { 'content-type': 'text/plain; charset=utf-8', 'x-name': '${path.name}' },
            body: 'caf\u00e9 ${path.name} ${request.query.q} $${path.name}',
          },
        },
        { id: 'no-content', match: { path: '/no-content' }, respond: { status: 204 } },
        { id: 'moved', match: { path: '/moved/**' }, redirect: { to: 'https://new.example/{**}' } },
        { id: 'stay', match: { path: '/old/**' }, redirect: { to: '/{**}' } },
        {
          id: 'found',
          match: { path: '/found' },
          redirect: { to: '/there?${request.query}', status: 302 },
        },
        {
          id: 'headers',
          match: { path: '/headers/{sku}' },
          upstream: 'first',
          policies: [
            {
              headers: {
                request: {
                  set: {
                    'X-Sku': '${path.sku}',
                    'x-both': 'set',
                    'x-from': 'a ${request.header.x-in} b',
                  },
                  add: { 'x-both': 'added', 'x-many': 'three' },
                  remove: ['Cookie', 'x-gone'],
                },
                response: {
                  set: { 'x-shape': '${revision}', 'x-origin': 'changed', 'x-node': '${node.id}' },
                  add: { 'x-more': '${upstream.name} ${route.id} ${client.ip}' },
                  remove: ['X-Secret'],
                },
              },
            },
            { headers: { request: { set: { 'x-sku': 'second ${request.method}' } } } },
          ],
        },
        {
          id: 'split',
          match: { path: '/split' },
          upstream: [
            { name: 'first', weight: 3 },
            { name: 'second', weight: 1 },
          ],
        },
      ],
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  for (const origin of origins) await origin.close();
});

beforeEach(() => {
  for (const origin of origins) origin.seen.length = 0;
});

describe('a rewrite', () => {
  test.each([
    ['/constant', '/fixed'],
    ['/constant?a=b', '/fixed?a=b'],
    ['/params/1/2', '/v2/2/1'],
    ['/params/a%2fb/c%2f', '/v2/c%2F/a%2Fb'],
    ['/rest/1/2/3', '/v2/1/2/3'],
    ['/rest/1/', '/v2/1/'],
    ['/rest/1', '/v2/1/'],
    ['/rest/1/2//3?a', '/v2/1/2//3?a'],
    ['/bare/a/b', '/a/b'],
    ['/bare', '/'],
    ['/query/x?name=a%20b', '/q/a%20b?name=a%20b'],
    ['/query/x', '/q/'],
  ])('%s goes to %s', async (sent, arrives) => {
    expect((await exchange(gateway.port, get(sent))).status).toBe(200);
    expect(origins[0]?.seen.map(({ url }) => url)).toEqual([arrives]);
  });

  test.each([
    '/query/x?name=../secret',
    '/query/x?name=..%2f..%2fsecret/..',
    '/query/x?name=..%2fsecret',
    '/query/x?name=..;/secret',
    '/params/a%2fb/%2e%2e%2f',
    '/query/x?name=\\secret',
  ])('%s makes no path with dot segments or backslashes', async (sent) => {
    expect((await exchange(gateway.port, get(sent))).status).toBe(400);
  });
});

describe('a reply', () => {
  test('without anything is an empty 200', async () => {
    const { status, headers, body } = await exchange(gateway.port, get('/plain'));
    expect([status, body]).toEqual([200, '']);
    expect(headers['content-length']).toEqual(['0']);
  });

  test('fills its holes and counts bytes', async () => {
    const { status, headers, body } = await exchange(gateway.port, get('/reply/tea%20pot?q=1'));
    expect([status, headers['x-name']]).toEqual([418, ['tea%20pot']]);
    expect(Buffer.from(body, 'latin1').toString('utf8')).toBe('caf\u00e9 tea%20pot 1 ${path.name}');
    expect(headers['content-length']).toEqual([String(body.length)]);
  });

  test('to HEAD has its length and no body', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send('HEAD /reply/a HTTP/1.1\r\nHost: test\r\n\r\n');
    const { status, headers } = await client.response({ toHead: true });
    const length = Buffer.byteLength('caf\u00e9 a  ${path.name}');
    expect([status, headers['content-length']]).toEqual([418, [String(length)]]);
    client.send(get('/plain'));
    expect((await client.response()).status).toBe(200);
    client.close();
  });

  test('of 204 has no body and no length', async () => {
    const { status, headers } = await exchange(gateway.port, get('/no-content'));
    expect([status, headers['content-length']]).toEqual([204, undefined]);
  });

  test('may be asked for with pipelined requests', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/plain') + get('/no-content') + get('/reply/a'));
    const statuses: number[] = [];
    for (let count = 0; count < 3; count++) statuses.push((await client.response()).status);
    expect(statuses).toEqual([200, 204, 418]);
    client.close();
  });

  test('leaves the connection usable after a body that nobody wanted', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(
      `POST /plain HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nhello${get('/plain')}`,
    );
    expect([(await client.response()).status, (await client.response()).status]).toEqual([
      200, 200,
    ]);
    client.close();
  });
});

describe('a redirect', () => {
  test.each([
    ['/moved/a/b', 308, 'https://new.example/a/b'],
    ['/moved', 308, 'https://new.example/'],
    ['/moved//evil.example', 308, 'https://new.example//evil.example'],
    ['/found?a=b', 302, '/there?a=b'],
  ])('%s: %i %s', async (target, wanted, location) => {
    const { status, headers, body } = await exchange(gateway.port, get(target));
    expect([status, headers['location'], body]).toEqual([wanted, [location], '']);
  });

  test('to a path stays on its host', async () => {
    const { headers } = await exchange(gateway.port, get('/old//evil.example'));
    expect(headers['location']?.[0]).not.toMatch(/^\/\//);
  });
});

describe('a headers policy', () => {
  const lines = [
    'Cookie: a=b',
    'X-Gone: a',
    'X-Gone: b',
    'X-Both: client',
    'X-Many: one',
    'X-Many: two',
  ];

  test('changes the request: remove, set, add, one policy after another', async () => {
    await exchange(gateway.port, get('/headers/7', ...lines, 'X-In: in'));
    const headers = origins[0]?.seen[0]?.headers ?? {};
    expect(headers).toMatchObject({
      'x-sku': 'second GET',
      'x-both': 'set, added',
      'x-many': 'one, two, three',
      'x-from': 'a in b',
    });
    expect([headers.cookie, headers['x-gone']]).toEqual([undefined, undefined]);
  });

  test('changes the response', async () => {
    const { headers } = await exchange(gateway.port, get('/headers/7'));
    expect(headers).toMatchObject({
      'x-shape': ['1'],
      'x-origin': ['changed'],
      'x-node': ['node-a'],
      'x-more': ['first headers 127.0.0.1'],
    });
    expect(headers['x-secret']).toBeUndefined();
  });

  test('leaves other routes alone', async () => {
    const { headers } = await exchange(gateway.port, get('/constant', ...lines));
    expect([headers['x-secret'], headers['x-shape']]).toEqual([['secret'], undefined]);
    expect(origins[0]?.seen[0]?.headers.cookie).toBe('a=b');
  });
});

test('a split gives each upstream about its share', async () => {
  const client = await RawClient.connect(gateway.port);
  for (let count = 0; count < 400; count++) {
    client.send(get('/split'));
    await client.response();
  }
  client.close();
  const [first = 0, second = 0] = origins.map(({ seen }) => seen.length);
  expect(first + second).toBe(400);
  // Five standard deviations around 300.
  expect(Math.abs(first - 300)).toBeLessThan(44);
});
