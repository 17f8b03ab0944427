// Goal: an explanation says what the next answer is, and that answer then is so. Method: one gateway;
// each case is explained first, then asked for, and the answer's Cache-Status is compared.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedGateway, cachedHost } from '../kit/cached-gateway.ts';
import { until } from '../kit/gateway.ts';
import { exchange, type RawResponse } from '../kit/raw-client.ts';

let cached: CachedGateway;
/** Ends the answer that the origin keeps back. */
let release = () => {};

function routes(url: string) {
  const upstream = 'shop';
  return {
    upstreams: { shop: { endpoints: [url] } },
    routes: [
      {
        id: 'items',
        match: { path: '/items/**' },
        upstream,
        cache: {
          vary: { query: ['lang'], headers: ['x-tenant'] },
          bypass: { headers: { 'x-preview': { present: true } } },
          'no-store': { query: { fresh: '1' } },
        },
      },
      {
        id: 'stale',
        match: { path: '/stale/**' },
        upstream,
        cache: { stale: { 'while-revalidate': '60s' } },
      },
      { id: 'plain', match: { path: '/plain' }, upstream },
      { id: 'own', match: { path: '/own' }, respond: { body: 'own' } },
      {
        id: 'price',
        match: { path: '/price' },
        upstream,
        cache: { methods: ['GET', 'POST'], body: ['$.weight'], ttl: '60s' },
      },
      {
        id: 'spoken',
        match: { path: '/spoken/**' },
        upstream,
        cache: { vary: { language: ['en', 'de'] } },
      },
      { id: 'slow', match: { path: '/slow/**' }, upstream, cache: { ttl: '60s' } },
      { id: 'rare', match: { path: '/rare/**' }, upstream, cache: { 'min-uses': 3 } },
    ],
  };
}

beforeAll(async () => {
  cached = await CachedGateway.start(routes, { set: ['workers=1'] }, ({ url }, response) => {
    const windows = 'max-age=60, stale-while-revalidate=30';
    if (url.startsWith('/items/window')) response.setHeader('cache-control', windows);
    else if (url.startsWith('/items/secret')) response.setHeader('cache-control', 'no-store');
    else if (url.startsWith('/stale')) response.setHeader('cache-control', 'max-age=0');
    else response.setHeader('cache-control', 'max-age=60');
    if (url.startsWith('/spoken')) response.setHeader('vary', 'accept-language');
    if (url.startsWith('/slow')) {
      release = () => response.end('slow');
      return;
    }
    if (url.startsWith('/items/lang')) response.setHeader('vary', 'accept-language');
    response.setHeader('etag', '"1"');
    response.end(`origin ${url}`);
  });
});

afterAll(async () => {
  await cached.stop();
});

async function explain(path: string, more: object = {}) {
  const body = { url: cachedHost + path, ...more };
  const answer = await cached.gateway.admin('POST', '/v1/cache/explain', body);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

const statusOf = ({ headers }: RawResponse) => headers['cache-status']?.join(',') ?? '';

describe('what is explained', () => {
  test('of an empty cache is a cold fetch, and then a hit of the same key', async () => {
    const cold = await explain('/items/1?utm=x&lang=de', { headers: { 'X-Tenant': 'a' } });
    expect(cold).toMatchObject({
      route: 'items',
      verdict: 'fetch',
      reason: 'miss-cold',
      stores: true,
      entry: null,
      worker: 0,
    });
    expect(cold.key).toBe(`${cold.shapeKey}\nG\n${cachedHost}\n/items/1\nlang=de\nh:x-tenant=a`);
    await cached.warm('/items/1?utm=y&lang=de', 'x-tenant: a');
    const warm = await explain('/items/1?lang=de', { headers: { 'x-tenant': 'a' } });
    expect(warm).toMatchObject({ verdict: 'hit', reason: 'fresh', key: cold.key });
    expect(warm.entry).toMatchObject({
      kind: 'response',
      route: 'items',
      status: 200,
      etag: '"1"',
    });
    const url = encodeURIComponent(`${cachedHost}/items/1?lang=de`);
    const { entries } = (await cached.gateway.admin('GET', `/v1/cache/entries?url=${url}`)).body;
    expect(entries.map(({ key }: { key: string }) => key)).toEqual([cold.key]);
  });

  test('of a field that Connection lists is as if it were not there', async () => {
    const headers = { 'x-tenant': 'a', connection: 'close, x-tenant' };
    const listed = await explain('/items/listed', { headers });
    expect(listed.key).toMatch(/\nh:x-tenant$/);
    expect(listed.key).toBe((await explain('/items/listed')).key);
  });

  test('of a path is what the door makes of it', async () => {
    await cached.warm('/items/%7Euser');
    expect(await explain('/items/~user')).toMatchObject({ verdict: 'hit' });
    expect(await explain('/items/%7euser')).toMatchObject({ verdict: 'hit' });
    expect(await explain('/items/../x')).toMatchObject({
      verdict: 'local',
      reason: 'bad-path-dot-segment',
    });
  });

  test('of a variant names the Vary that is stored', async () => {
    await cached.warm('/items/lang', 'accept-language: de');
    const known = { vary: ['accept-language'] };
    const german = await explain('/items/lang', { headers: { 'accept-language': 'de' } });
    expect(german).toMatchObject({ ...known, verdict: 'hit' });
    const french = await explain('/items/lang', { headers: { 'accept-language': 'fr' } });
    expect(french).toMatchObject({ ...known, verdict: 'fetch', reason: 'miss-vary', entry: null });
    const answer = await cached.ask('/items/lang', 'accept-language: fr');
    expect(statusOf(answer)).toContain('fwd=vary-miss');
  });

  test('of a class of languages is that of all who belong to it', async () => {
    await cached.warm('/spoken/1', 'accept-language: de-AT, de;q=0.9');
    const other = await explain('/spoken/1', { headers: { 'accept-language': 'de-CH, fr;q=0.1' } });
    expect(other).toMatchObject({ verdict: 'hit', vary: ['accept-language'] });
    expect(statusOf(await cached.ask('/spoken/1', 'accept-language: de-CH, fr;q=0.1'))).toContain(
      'hit',
    );
  });

  test('of a fetch that is under way is to wait for it, but for who asks for itself', async () => {
    const first = cached.ask('/slow/1');
    await until('the origin has it', () => cached.origin.seen.at(-1)?.url === '/slow/1');
    expect(await explain('/slow/1')).toMatchObject({ verdict: 'wait', reason: 'miss-cold' });
    const noStore = { headers: { 'cache-control': 'no-store' } };
    expect(await explain('/slow/1', noStore)).toMatchObject({ verdict: 'fetch' });
    release();
    expect((await first).body).toBe('slow');
  });

  test('of what was busted says so', async () => {
    await cached.warm('/items/busted');
    await cached.bust({ urls: [`${cachedHost}/items/busted`] });
    expect(await explain('/items/busted')).toMatchObject({
      verdict: 'fetch',
      reason: 'miss-busted',
    });
  });

  test('of a fresh one tells the windows that come after its time', async () => {
    await cached.warm('/items/window');
    expect((await explain('/items/window')).entry).toMatchObject({
      staleWhileRevalidate: 30,
      staleIfError: 0,
    });
  });

  test('of a stale one follows its windows and a soft bust', async () => {
    await cached.ask('/stale/1');
    await until('it is stored', async () => (await explain('/stale/1')).entry !== null);
    expect(await explain('/stale/1')).toMatchObject({
      verdict: 'stale',
      reason: 'stale-while-revalidate',
    });
    expect(statusOf(await cached.ask('/stale/1'))).toContain('hit');
    await cached.warm('/items/soft');
    await cached.bust({ routes: ['items'], soft: true });
    expect(await explain('/items/soft')).toMatchObject({
      verdict: 'revalidate',
      reason: 'soft-bust',
    });
    expect(statusOf(await cached.ask('/items/soft'))).toContain('fwd=stale');
    expect(cached.origin.seen.at(-1)?.headers['if-none-match']).toBe('"1"');
  });

  test('of what could not be stored says that nobody waits for it', async () => {
    await cached.ask('/items/secret');
    await until('it is marked', async () => (await explain('/items/secret')).entry !== null);
    expect(await explain('/items/secret')).toMatchObject({
      verdict: 'fetch',
      reason: 'miss-pass',
      entry: { kind: 'pass' },
    });
  });

  test('of a request that wants more goes by the request', async () => {
    await cached.warm('/items/asks');
    const control = (value: string) => ({ headers: { 'cache-control': value } });
    expect(await explain('/items/asks', control('no-cache'))).toMatchObject({
      verdict: 'revalidate',
      reason: 'must-validate',
    });
    expect(await explain('/items/none', control('only-if-cached'))).toMatchObject({
      verdict: 'not-in-cache',
    });
    expect(await explain('/items/none', control('no-store'))).toMatchObject({
      verdict: 'fetch',
      stores: false,
      notStored: 'request-no-store',
    });
  });

  test.each([
    ['/plain', {}, 'past', 'no-cache-block'],
    ['/own', {}, 'local', 'local-reply'],
    ['/nowhere', {}, 'local', 'no-route'],
    ['/items/1', { method: 'PUT' }, 'past', 'method'],
    ['/items/1', { headers: { 'x-preview': 'yes' } }, 'past', 'bypass'],
    ['/items/1', { headers: { 'if-match': '"1"' } }, 'past', 'precondition'],
    ['/items/1', { headers: { 'x-tenant': 'a'.repeat(2100) } }, 'past', 'no-key'],
    ['/items/1', { body: 'of a GET' }, 'past', 'body'],
    ['/price', { method: 'POST' }, 'past', 'no-body'],
    ['/price', { method: 'POST', body: 'not json' }, 'past', 'no-key'],
    ['/items/cold', { method: 'HEAD' }, 'fetch', 'miss-cold'],
  ])('%s with %j is %s: %s', async (path, more, verdict, reason) => {
    expect(await explain(path, more)).toMatchObject({ verdict, reason });
  });

  test.each([
    ['/items/cold', { method: 'HEAD' }, 'head'],
    ['/items/cold', { headers: { range: 'bytes=0-1' } }, 'range'],
    ['/items/cold?fresh=1', {}, 'no-store'],
    ['/rare/1', {}, 'min-uses'],
  ])('%s with %j is not stored: %s', async (path, more, notStored) => {
    expect(await explain(path, more)).toMatchObject({ stores: false, notStored });
  });

  test('of a POST goes by the fields of its body', async () => {
    const body = '{"weight": 3.0, "note": "a"}';
    const post = `POST /price HTTP/1.1\r\nhost: ${cachedHost}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    await until('a POST is answered out of the cache', async () =>
      statusOf(await exchange(cached.gateway.port, post)).includes('hit'),
    );
    const same = await explain('/price', { method: 'POST', body: '{"note":"b","weight":3}' });
    expect(same).toMatchObject({ verdict: 'hit', reason: 'fresh' });
    expect(await explain('/price', { method: 'POST', body: '{"weight":4}' })).toMatchObject({
      verdict: 'fetch',
      reason: 'miss-cold',
    });
  });
});

test('explaining changes nothing: nothing is counted, fetched, or held', async () => {
  await cached.warm('/items/quiet');
  const figures = async () => (await cached.gateway.admin('GET', '/v1/cache')).body;
  const asked = cached.origin.seen.length;
  const before = await figures();
  for (let i = 0; i < 50; i++) await explain(i % 2 === 0 ? '/items/quiet' : `/items/quiet-${i}`);
  expect(await figures()).toEqual(before);
  expect(cached.origin.seen.length).toBe(asked);
  const { generations } = (await cached.gateway.admin('GET', '/v1/nodes')).body.nodes[0];
  expect(generations.map(({ pinned }: { pinned: number }) => pinned)).toEqual([0]);
});

test.each([
  [{}, 'url'],
  [{ url: '/a' }, 'is no URL'],
  [{ url: 'a.example/', header: {} }, 'did you mean headers'],
  [{ url: 'a.example/', headers: { 'a b': 'c' } }, 'is no header field'],
  [{ url: 'a.example/', headers: { a: 'b\r\nc: d' } }, 'is no header field'],
  [{ url: 'a.example/', body: 'b'.repeat(70_000) }, 'keyBodyBytesMax'],
])('a question like %j is refused', async (body, message) => {
  const answer = await cached.gateway.admin('POST', '/v1/cache/explain', body);
  expect([answer.status, answer.body.code]).toEqual([400, 'body-invalid']);
  expect(JSON.stringify(answer.body)).toContain(message);
});
