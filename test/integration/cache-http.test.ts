// Goal: what RFC 9111 asks of a shared cache holds on the wire: validation, HEAD, Vary, collapsed
// requests, and Cache-Status on every answer. Method: a real gateway and an origin whose answers
// follow from the path and from how often it was asked; each test has paths of its own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CachedRoute, header, startCachedRoute, statusOf } from '../kit/cached-route.ts';
import { until } from '../kit/gateway.ts';
import { exchange, get } from '../kit/raw-client.ts';

const modified = 'Wed, 01 Jan 2025 00:00:00 GMT';
let cached: CachedRoute;
/** Answers that the origin holds back until the test lets go of them, by path. */
const held = new Map<string, () => void>();

beforeAll(async () => {
  const policies = [
    { headers: { response: { add: { 'x-added': 'once' }, set: { 'cache-control': 'no-store' } } } },
    { headers: { request: { remove: ['x-hidden'] } } },
  ];
  cached = await startCachedRoute(
    {},
    ({ url, headers }, response) => {
      const asked = cached.askedFor(url);
      const [, kind = ''] = url.split('/');
      const answer = answers[kind] ?? {};
      for (const [name, value] of Object.entries(answer)) response.setHeader(name, value);
      response.setHeader('x-asked', asked);
      if (kind === 'broken') {
        response.destroy();
        return;
      }
      if (kind === 'other-tag' && asked === 2) {
        response.writeHead(304, { etag: '"other"' }).end();
        return;
      }
      const matches = headers['if-none-match'] !== undefined && kind !== 'other-tag';
      if (matches && kind !== 'changed') {
        for (const name of ['cutover-cache-control', 'surrogate-key']) response.removeHeader(name);
        response.writeHead(304).end();
        return;
      }
      if (kind === 'held' || kind === 'each') held.set(url, () => response.end(`body of ${url}`));
      else response.end(`body of ${url}`);
    },
    { route: { policies } },
  );
});

afterAll(() => cached.close());

const answers: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  tagged: {
    'cutover-cache-control': 'max-age=1',
    'surrogate-key': 'tag-of-it',
    etag: '"1"',
  },
  'other-tag': { 'cutover-cache-control': 'max-age=1', etag: '"1"' },
  varied: { 'cutover-cache-control': 'max-age=1', etag: '"1"', vary: 'x-tenant' },
  hidden: { 'cutover-cache-control': 'max-age=60', vary: 'x-hidden' },
  hop: { 'cutover-cache-control': 'max-age=60', connection: 'x-hop', 'x-hop': 'of the origin' },
  behind: {
    'cutover-cache-control': 'max-age=1, stale-while-revalidate=60',
    etag: '"1"',
  },
  head: { 'cutover-cache-control': 'max-age=1', etag: '"1"' },
  held: { 'cutover-cache-control': 'max-age=60' },
  each: { 'cutover-cache-control': 'no-cache', etag: '"1"' },
  dated: { 'cutover-cache-control': 'max-age=60', 'last-modified': modified },
  fresh: { 'cutover-cache-control': 'max-age=60' },
};

/** Asks until the answer's Cache-Status is such. */
async function getUntil(path: string, status: RegExp, ...lines: string[]) {
  let response = await cached.get(path, ...lines);
  await until(`Cache-Status of ${path} is ${status}`, async () => {
    if (status.test(statusOf(response))) return true;
    response = await cached.get(path, ...lines);
    return status.test(statusOf(response));
  });
  return response;
}

/** Has it stored, and waits until it is stale. */
async function staled(path: string, ...lines: string[]) {
  await getUntil(path, /^cutover; hit; ttl=1/, ...lines);
  const response = await getUntil(path, /fwd=stale|hit; ttl=[0-]/, ...lines);
  return response;
}

describe('a 304', () => {
  test('renews what is stored, under what the origin said before', async () => {
    const response = await staled('/tagged/a');
    expect(statusOf(response)).toBe('cutover; fwd=stale; fwd-status=304; ttl=1; stored');
    expect(response.status).toBe(200);
    expect(response.body).toBe('body of /tagged/a');
    await getUntil('/tagged/a', /fwd=stale; fwd-status=304/);
    const hit = await getUntil('/tagged/a', /hit/);
    expect(response.headers['x-added']).toEqual(['once']);
    expect(hit.headers['x-added']).toEqual(['once']);
    expect(header(hit, 'cache-control')).toBe('no-store');
  });

  test('of another entity tag renews nothing: the whole is fetched', async () => {
    const response = await staled('/other-tag/a');
    expect(response.status).toBe(200);
    expect(statusOf(response)).toBe('cutover; fwd=stale; fwd-status=200; ttl=1; stored');
    expect(response.body).toBe('body of /other-tag/a');
    const seen = cached.seenFor('/other-tag/a').map(({ headers }) => headers['if-none-match']);
    expect(seen.slice(0, 3)).toEqual([undefined, '"1"', undefined]);
  });

  test('renews one variant under its own key', async () => {
    const response = await staled('/varied/a', 'X-Tenant: t');
    expect(statusOf(response)).toBe('cutover; fwd=stale; fwd-status=304; ttl=1; stored');
    expect(statusOf(await cached.get('/varied/a', 'X-Tenant: u'))).toMatch(/fwd=vary-miss/);
  });

  test('behind a stale answer renews it for those who come later', async () => {
    const response = await staled('/behind/a');
    expect(statusOf(response)).toMatch(/^cutover; hit; ttl=(0|-\d+)$/);
    await getUntil('/behind/a', /^cutover; hit; ttl=1$/);
    const [first, second] = cached.seenFor('/behind/a');
    expect([first, second].map((one) => one?.headers['if-none-match'])).toEqual([undefined, '"1"']);
  });
});

describe('HEAD', () => {
  test('of what is stale goes to the origin, and its answer renews what is stored', async () => {
    await getUntil('/head/a', /hit/);
    const head = () =>
      exchange(cached.gateway.port, get('/head/a').replace('GET', 'HEAD'), { toHead: true });
    let response = await head();
    await until('HEAD goes on', async () => {
      response = await head();
      return statusOf(response).includes('fwd=stale');
    });
    expect(statusOf(response)).toBe('cutover; fwd=stale; fwd-status=200');
    await until('HEAD is answered out of the cache again', async () => {
      return statusOf(await head()).startsWith('cutover; hit');
    });
    const methods = cached.seenFor('/head/a').map(({ method }) => method);
    expect(methods.filter((method) => method === 'GET')).toHaveLength(1);
  });
});

describe('requests at the same time', () => {
  test('for a range and for the head wait for the whole that is being fetched', async () => {
    const path = '/held/a';
    const { port } = cached.gateway;
    const whole = cached.get(path);
    await until('it is asked for', async () => held.has(path));
    const range = cached.get(path, 'Range: bytes=0-3');
    const head = exchange(port, get(path).replace('GET', 'HEAD'), { toHead: true });
    await until('all have come', async () => (await running()) === 3);
    held.get(path)?.();
    expect((await whole).status).toBe(200);
    expect(await range).toMatchObject({ status: 206, body: 'body' });
    expect(statusOf(await head)).toBe('cutover; fwd=uri-miss; ttl=60; collapsed');
    expect(cached.askedFor(path)).toBe(1);
  });

  test('do not ask one after another what each has to ask for itself', async () => {
    const path = '/each/a';
    const first = cached.get(path);
    await until('it is asked for', async () => held.has(path));
    const others = Array.from({ length: 20 }, () => cached.get(path));
    await until('all have come', async () => (await running()) === 21);
    held.get(path)?.();
    expect(statusOf(await first)).toMatch(/fwd=uri-miss; fwd-status=200; ttl=0; stored/);
    for (const response of await Promise.all(others)) {
      expect(response.status).toBe(200);
      expect(statusOf(response)).toMatch(/fwd=stale; fwd-status=304/);
    }
    expect(cached.askedFor(path)).toBe(21);
  });
});

/** Exchanges that the gateway has now. */
async function running(): Promise<number> {
  const { body } = await cached.gateway.admin('GET', '/v1/nodes');
  const generations: { pinned: number }[] = body.nodes[0].generations;
  return generations.reduce((sum, { pinned }) => sum + pinned, 0);
}

describe('what is stored', () => {
  test('has none of the fields that the origin listed in Connection', async () => {
    const response = await getUntil('/hop/a', /hit/);
    expect(response.headers['x-hop']).toBeUndefined();
  });

  test("is told apart by the client's own fields, whatever policies do to them", async () => {
    await getUntil('/hidden/a', /hit/, 'X-Hidden: 1');
    expect(statusOf(await cached.get('/hidden/a', 'X-Hidden: 2'))).toMatch(/fwd=vary-miss/);
  });
});

describe('a range of what is stored', () => {
  test('may be asked for by its Last-Modified, where its Date shows that this is a strong one', async () => {
    await getUntil('/dated/a', /hit/);
    const response = await cached.get('/dated/a', 'Range: bytes=0-3', `If-Range: ${modified}`);
    expect(response).toMatchObject({ status: 206, body: 'body' });
    const other = await cached.get('/dated/a', 'Range: bytes=0-3', 'If-Range: "x"');
    expect(other.status).toBe(200);
  });
});

describe('Cache-Status and Surrogate-Capability', () => {
  test('a method that is not cached says so', async () => {
    const request = get('/fresh/post').replace('GET', 'DELETE');
    const response = await exchange(cached.gateway.port, request);
    expect(statusOf(response)).toBe('cutover; fwd=method; fwd-status=200');
  });

  test('so does a condition that is for the origin alone', async () => {
    const response = await cached.get('/fresh/condition', 'If-Match: "x"');
    expect(statusOf(response)).toBe('cutover; fwd=request; fwd-status=200; detail=precondition');
  });

  test('so do problems', async () => {
    const broken = await cached.get('/broken/a');
    expect(broken.status).toBe(502);
    expect(statusOf(broken)).toBe('cutover; fwd=uri-miss; detail=upstream-reset');
    const only = await cached.get('/fresh/only', 'Cache-Control: only-if-cached');
    expect(only.status).toBe(504);
    expect(statusOf(only)).toBe('cutover; detail=only-if-cached');
  });

  test('a request that does not take what is fresh is the reason itself', async () => {
    await getUntil('/fresh/a', /hit/);
    const response = await cached.get('/fresh/a', 'Cache-Control: no-cache');
    expect(statusOf(response)).toMatch(/^cutover; fwd=request; fwd-status=200; ttl=60; stored$/);
  });

  test('the origin is told that Surrogate-Control is understood', async () => {
    await cached.get('/fresh/capable', 'Surrogate-Capability: edge="Surrogate/1.0"');
    const [seen] = cached.seenFor('/fresh/capable');
    expect(seen?.headers['surrogate-capability']).toBe(
      'edge="Surrogate/1.0", cutover="Surrogate/1.0"',
    );
  });
});
