// Goal: what is stored answers in the place of its origin, and says so. Method: a real gateway and
// origin; each test has paths of its own, and counts what the origin was asked.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CachedRoute, header, startCachedRoute, statusOf } from '../kit/cached-route.ts';
import { until } from '../kit/gateway.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const large = 'abcdefghij'.repeat(30_000);
let cached: CachedRoute;

beforeAll(async () => {
  let count = 0;
  cached = await startCachedRoute({}, ({ url, method, headers }, response) => {
    count += 1;
    const path = url.split('?')[0] ?? '';
    response.setHeader('x-count', count);
    if (path.startsWith('/plain')) {
      response.end('no freshness');
      return;
    }
    response.setHeader('cache-control', path.startsWith('/no-store') ? 'no-store' : 'max-age=60');
    response.setHeader('etag', `"${path}"`);
    if (path.startsWith('/vary')) {
      response.setHeader('vary', 'x-tenant');
      response.end(`for ${headers['x-tenant'] ?? 'nobody'}`);
    } else if (path.startsWith('/large')) {
      response.setHeader('content-length', large.length);
      response.end(large);
    } else if (path.startsWith('/cookie')) {
      response.setHeader('set-cookie', 'a=1');
      response.end('with a cookie');
    } else if (path.startsWith('/empty')) {
      response.statusCode = 204;
      response.end();
    } else response.end(method === 'HEAD' ? undefined : `body of ${url}`);
  });
});

afterAll(() => cached.close());

/** The second answer, when the first one is stored. */
async function hit(path: string, ...lines: string[]) {
  const first = await cached.get(path);
  expect(statusOf(first)).toMatch(/^cutover; fwd=uri-miss; fwd-status=200; ttl=\d+; stored/);
  let last = first;
  await until('the response is stored', async () => {
    last = await cached.get(path, ...lines);
    return statusOf(last).startsWith('cutover; hit');
  });
  return last;
}

describe('a stored response', () => {
  test('answers again, with its age and what is left of its time', async () => {
    const response = await hit('/a');
    expect(response.body).toBe('body of /a');
    expect(response.status).toBe(200);
    expect(Number(header(response, 'age'))).toBeLessThan(10);
    expect(statusOf(response)).toMatch(/^cutover; hit; ttl=(60|5\d)$/);
    expect(response.headers['date']).toHaveLength(1);
    expect(cached.askedFor('/a')).toBe(1);
  });

  test('answers HEAD without its body, on a connection that stays usable', async () => {
    await hit('/head');
    const client = await RawClient.connect(cached.gateway.port);
    client.send(get('/head').replace('GET', 'HEAD'));
    const head = await client.response({ toHead: true });
    client.send(get('/head'));
    const whole = await client.response();
    client.close();
    expect(header(head, 'content-length')).toBe(String(whole.body.length));
    expect(statusOf(head)).toMatch(/^cutover; hit/);
    expect(cached.askedFor('/head')).toBe(1);
  });

  test('answers HEAD of a large one with its length', async () => {
    await hit('/large-head');
    const head = await exchange(cached.gateway.port, get('/large-head').replace('GET', 'HEAD'), {
      toHead: true,
    });
    expect(header(head, 'content-length')).toBe(String(large.length));
    expect(statusOf(head)).toMatch(/^cutover; hit/);
  });

  test('answers a condition of the client with 304', async () => {
    await hit('/condition');
    const response = await cached.get('/condition', 'If-None-Match: W/"x", "/condition"');
    expect(response.status).toBe(304);
    expect(header(response, 'etag')).toBe('"/condition"');
    expect(statusOf(response)).toMatch(/^cutover; hit/);
  });

  test('answers a range with 206', async () => {
    await hit('/range');
    const response = await cached.get('/range', 'Range: bytes=0-3');
    expect([response.status, response.body]).toEqual([206, 'body']);
    expect(header(response, 'content-range')).toBe('bytes 0-3/14');
  });

  test('answers a range past its end with 416', async () => {
    await hit('/range-past');
    const response = await cached.get('/range-past', 'Range: bytes=100-');
    expect(response.status).toBe(416);
    expect(header(response, 'content-range')).toBe('bytes */19');
  });

  test('in pieces answers whole', async () => {
    const response = await hit('/large');
    expect(response.body).toBe(large);
    expect(header(response, 'content-length')).toBe(String(large.length));
  });

  test.each([
    ['within one piece', 'bytes=5-14', 5, 15],
    ['across pieces', 'bytes=65530-65545', 65_530, 65_546],
    ['over several pieces', 'bytes=1000-250000', 1000, 250_001],
    ['of its end', 'bytes=-100', large.length - 100, large.length],
  ])('in pieces answers a range %s', async (_name, range, from, to) => {
    const path = `/large-range-${from}`;
    await hit(path);
    const response = await cached.get(path, `Range: ${range}`);
    expect(response.status).toBe(206);
    expect(header(response, 'content-range')).toBe(`bytes ${from}-${to - 1}/${large.length}`);
    expect(response.body).toBe(large.slice(from, to));
    expect(cached.askedFor(path)).toBe(1);
  });

  test('in pieces answers a range past its end with 416', async () => {
    await hit('/large-past');
    const response = await cached.get('/large-past', 'Range: bytes=300000-');
    expect(response.status).toBe(416);
  });

  test('without a body answers without one', async () => {
    const statuses: number[] = [];
    await until('the 204 is stored', async () => {
      const response = await cached.get('/empty');
      statuses.push(response.status);
      return statusOf(response).startsWith('cutover; hit');
    });
    expect(new Set(statuses)).toEqual(new Set([204]));
  });

  test('is that of the same fields that it varies by', async () => {
    const of = (tenant: string) => cached.get('/vary', `X-Tenant: ${tenant}`);
    await until('both variants are stored', async () => {
      const both = [await of('a'), await of('b')];
      expect(both.map(({ body }) => body)).toEqual(['for a', 'for b']);
      return both.every((one) => statusOf(one).startsWith('cutover; hit'));
    });
    expect((await of('c')).body).toBe('for c');
    expect((await cached.get('/vary')).body).toBe('for nobody');
  });

  test('is that of the same query, whatever its order', async () => {
    await hit('/query?b=2&a=1');
    const response = await cached.get('/query?a=1&b=2');
    expect(statusOf(response)).toMatch(/^cutover; hit/);
    expect(statusOf(await cached.get('/query?a=1'))).toMatch(/fwd=uri-miss/);
  });
});

test.each([
  ['no-store', '/no-store', 'no-store'],
  ['no freshness', '/plain', '(stale|no-freshness)'],
  ['a cookie', '/cookie', 'set-cookie'],
])('a response with %s is not stored, and the answer says why', async (_name, path, reason) => {
  const first = await cached.get(path);
  expect(statusOf(first)).toMatch(new RegExp(`detail=${reason}`));
  expect((await cached.get(path)).status).toBe(200);
  expect(cached.askedFor(path)).toBe(2);
});

test('a request that wants a stored response or none gets 504', async () => {
  const response = await cached.get('/only', 'Cache-Control: only-if-cached');
  expect(response.status).toBe(504);
  expect(cached.askedFor('/only')).toBe(0);
});

test('a write is read by the next request of the same connection', async () => {
  await hit('/written');
  const client = await RawClient.connect(cached.gateway.port);
  client.send('PUT /written HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\n\r\nxy');
  await client.response();
  client.send(get('/written'));
  const response = await client.response();
  client.close();
  expect(statusOf(response)).toMatch(/fwd=uri-miss/);
  await until('it is stored anew', async () =>
    statusOf(await cached.get('/written')).startsWith('cutover; hit'),
  );
});

test('an authorised response stays with who asked', async () => {
  const mine = await cached.get('/mine', 'Authorization: Bearer 1');
  expect(statusOf(mine)).toContain('detail=authorization');
  expect(statusOf(await cached.get('/mine'))).not.toMatch(/hit/);
});
