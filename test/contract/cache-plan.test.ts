// Goal: what the compiler encodes of a cache block is what the plan tells the pipeline.
// Method: a route through the bytes, and exchanges.
import { describe, expect, test } from 'vitest';
import { decodeRoute } from '../../src/gateway/plan/route-plan.ts';
import { ShapeReader } from '../../src/memory/shape.ts';
import { bytesOf, resolved } from '../kit/compiled.ts';
import { exchangeOf, type PlainExchange, planOf } from '../kit/exchanges.ts';

function cached(cache: object, route: object = {}) {
  const plan = planOf({ upstream: 'a', cache, ...route });
  if (plan.cache === null) throw new Error('the route is cached');
  const { cache: found } = plan;
  return { cache: found, exchange: (request?: PlainExchange) => exchangeOf(plan, request) };
}

test('a route without a cache block has no plan', () => {
  expect(planOf({ upstream: 'a' }).cache).toBeNull();
});

test('nothing said follows the origin', () => {
  expect(cached({}).cache).toMatchObject({
    previousShapeKey: null,
    methodMask: 3,
    needsBody: false,
    queryFiltered: false,
    override: 'origin',
    staleWhileRevalidateMs: -1,
    staleIfErrorMs: -1,
    negativeTtlMs: -1,
    minUses: 1,
    bytesMax: Number.POSITIVE_INFINITY,
    honoursRequest: true,
    setCookie: 'refuse',
    coalesces: true,
    waitMs: 5000,
    debugToken: null,
    constantResponse: true,
  });
});

test('what is said is what the plan says', () => {
  const { cache } = cached({
    ttl: '1s',
    override: 'none',
    stale: { 'while-revalidate': '0s', 'if-error': '8760h' },
    negative: '10s',
    methods: ['HEAD'],
    vary: { consumer: true },
    'min-uses': 3,
    'max-size': '1MiB',
    'request-directives': 'ignore',
    'set-cookie': 'strip',
    coalesce: 'off',
    wait: '250ms',
    debug: { token: { env: 'TOKEN' } },
  });
  expect(cache).toMatchObject({
    methodMask: 2,
    override: 'none',
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: 31_536_000_000,
    negativeTtlMs: 10_000,
    minUses: 3,
    bytesMax: 1_048_576,
    honoursRequest: false,
    setCookie: 'strip',
    coalesces: false,
    waitMs: 250,
    debugToken: 'env TOKEN',
  });
});

test('a response is constant while all its policies are', () => {
  const policies = (value: string) => [{ headers: { response: { set: { 'x-a': value } } } }];
  expect(cached({}, { policies: policies('1') }).cache.constantResponse).toBe(true);
  expect(cached({}, { policies: policies('${revision}') }).cache.constantResponse).toBe(false);
});

describe('the TTL', () => {
  test.each([
    [200, 1000],
    [203, 1000],
    [204, 1000],
    [300, 1000],
    [301, 1000],
    [308, 1000],
    [206, -1],
    [302, -1],
    [404, -1],
    [500, -1],
  ])('of ttl for %i is %i', (status, ms) => {
    const { cache, exchange } = cached({ ttl: '1s' });
    expect(cache.ttlMs(exchange(), status, null)).toBe(ms);
  });

  test.each([
    [200, 7000],
    [301, 1000],
    [404, 5000],
    [405, 2000],
    [302, 0],
    [503, -1],
  ])('of a status %i is %i', (status, ms) => {
    const { cache, exchange } = cached({
      ttl: '1s',
      'status-ttl': { '4xx': '2s', 404: '5s', 200: '7s', 302: '0s' },
    });
    expect(cache.ttlMs(exchange(), status, null)).toBe(ms);
  });

  test.each<[PlainExchange, string | null, number]>([
    [{ query: 'kind=static' }, null, 3_600_000],
    [{ query: 'kind=other' }, null, -1],
    [{ headers: [['x-plan', 'gold']] }, null, 60_000],
    [{ headers: [['cookie', 'ab=b']] }, null, 2000],
    [{ method: 'POST' }, '{"mode":"fast","n":[5]}', 3000],
    [{ method: 'POST' }, '{"mode":"fast","n":["5"]}', 3000],
    [{ method: 'POST' }, '{"mode":"fast","n":[6]}', -1],
    [{ method: 'POST' }, '{"mode":', -1],
    [{ method: 'POST' }, null, -1],
  ])('by rule of %j with %s is %i', (request, body, ms) => {
    const { cache, exchange } = cached({
      methods: ['GET', 'POST'],
      body: ['$.mode'],
      ttl: [
        { when: { query: { kind: 'static' } }, ttl: '1h' },
        { when: { headers: { 'X-Plan': { regex: 'g.*' } } }, ttl: '1m' },
        { when: { cookies: { ab: { present: true } } }, ttl: '2s' },
        { when: { body: { '$.mode': 'fast', '$.n[0]': '5' } }, ttl: '3s' },
      ],
    });
    expect(cache.ttlMs(exchange(request), 200, body === null ? null : Buffer.from(body))).toBe(ms);
  });

  test('is that of the first rule that holds', () => {
    const { cache, exchange } = cached({
      ttl: [{ when: { query: { a: '1' } }, ttl: '1s' }, { ttl: '2s' }],
    });
    const at = (query: string) => cache.ttlMs(exchange({ query }), 200, null);
    expect([at('a=1'), at('a=2'), at('')]).toEqual([1000, 2000, 2000]);
  });
});

describe('conditions', () => {
  const both = { headers: { 'x-a': '1' }, query: { q: { present: true } } };

  test.each<[object, PlainExchange, boolean]>([
    [{}, {}, false],
    [{ bypass: both }, { headers: [['x-a', '1']], query: 'q' }, true],
    [{ bypass: both }, { headers: [['x-a', '1']] }, false],
    [{ bypass: { cookies: { s: { present: true } } } }, { headers: [['cookie', 's=1']] }, true],
    [{ bypass: [{ query: { a: '1' } }, { query: { b: '1' } }] }, { query: 'b=1' }, true],
    [{ bypass: [{ query: { a: '1' } }, { query: { b: '1' } }] }, { query: 'c=1' }, false],
  ])('%j of %j: %s', (fields, request, held) => {
    const { cache, exchange } = cached(fields);
    expect(cache.bypasses(exchange(request))).toBe(held);
    expect(cache.refusesToStore(exchange(request))).toBe(false);
    const stored = cached({ 'no-store': (fields as { bypass?: object }).bypass });
    expect(stored.cache.refusesToStore(stored.exchange(request))).toBe(held);
    expect(stored.cache.bypasses(stored.exchange(request))).toBe(false);
  });
});

describe('tags', () => {
  const route = { match: { path: '/{sku}/**' } };

  function tagsOf(tags: string[], request: PlainExchange = {}): string[] {
    const { cache, exchange } = cached({ tags }, route);
    return cache.tags(exchange({ path: '/7/a/b', ...request }));
  }

  test.each<[string[], string[]]>([
    [[], []],
    [['all'], ['all']],
    [
      ['sku-{sku}', 'rest-{**}', 'sku-${path.sku}'],
      ['sku-7', 'rest-a/b'],
    ],
    [[' a ', 'a'], ['a']],
    [['${request.header.x-none}', 'b'], ['b']],
    [['${request.header.x-a}'], ['x']],
  ])('%j are %j', (written, rendered) => {
    expect(tagsOf(written, { headers: [['x-a', ' x ']] })).toEqual(rendered);
  });

  test('too long to be named by a bust keep an answer from being stored', () => {
    const { cache, exchange } = cached({ tags: ['q-${request.query}'] }, route);
    const fits = exchange({ query: 'x'.repeat(254) });
    const tooLong = exchange({ query: 'x'.repeat(255) });
    expect([cache.tags(fits)[0]?.length, cache.refusesToStore(fits)]).toEqual([256, false]);
    expect([cache.tags(tooLong), cache.refusesToStore(tooLong)]).toEqual([[], true]);
  });
});

test('the shape key before is told where it is another', () => {
  const definitions = resolved({
    upstreams: { a: { endpoints: ['http://a'] } },
    routes: [{ id: 'r', match: { path: '/' }, upstream: 'a', cache: {} }],
  });
  const planAfter = (before: string | null) => {
    const known = new Map(before === null ? [] : [['r', before]]);
    return decodeRoute(new ShapeReader(bytesOf(definitions, known)).route(0)).cache;
  };
  const own = planAfter(null)?.shapeKey ?? '';
  expect(own).toMatch(/^[\w-]{11}$/);
  expect(planAfter(null)?.previousShapeKey).toBeNull();
  expect(planAfter(own)?.previousShapeKey).toBeNull();
  expect(planAfter('abcdefghijk')?.previousShapeKey).toBe('abcdefghijk');
});
