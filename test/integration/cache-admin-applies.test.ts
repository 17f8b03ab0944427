// Goal: an apply keeps what is stored unless it changes what that is made of, says how much it kept,
// and a rollback is warm. Method: one gateway before an origin that counts; definitions are applied.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { generationRetainedCount } from '../../src/base/limits.ts';
import { CachedGateway, isHit } from '../kit/cached-gateway.ts';
import { until } from '../kit/gateway.ts';

let cached: CachedGateway;

interface Changes {
  /** Further fields of the route `a`. */
  readonly a?: object;
  readonly cacheOfA?: object;
}

function definitions({ a = {}, cacheOfA = {} }: Changes = {}) {
  const cache = { ttl: '60s' };
  return {
    upstreams: { shop: { endpoints: [cached?.origin.url ?? 'http://127.0.0.1:9'] } },
    routes: [
      {
        id: 'a',
        match: { path: '/a/{rest}' },
        upstream: 'shop',
        cache: { ...cache, ...cacheOfA },
        ...a,
      },
      { id: 'b', match: { path: '/b/{rest}' }, upstream: 'shop', cache },
    ],
  };
}

beforeAll(async () => {
  cached = await CachedGateway.start(() => ({ routes: [] }), { set: ['workers=1'] });
});

afterAll(async () => {
  await cached.stop();
});

beforeEach(async () => {
  await cached.gateway.apply(definitions());
  await cached.bust({ all: true });
  for (const path of ['/a/1', '/a/2', '/b/1']) await cached.warm(path);
});

const hits = async (...paths: string[]) =>
  Promise.all(paths.map(async (path) => isHit(await cached.ask(path))));
const report = async () => (await cached.gateway.admin('GET', '/v1/cache')).body;

describe('an apply', () => {
  test.each([
    [
      'a header of the request',
      { a: { policies: [{ headers: { request: { set: { x: '1' } } } }] } },
    ],
    ['a TTL', { cacheOfA: { ttl: '90s' } }],
    [
      'a limit and a stale window',
      { cacheOfA: { 'max-size': '1MiB', stale: { 'if-error': '1m' } } },
    ],
    ['what a route matches', { a: { match: { path: '/a/{rest}', methods: ['GET'] } } }],
  ] as const)('that changes %s keeps every entry', async (_what, changes) => {
    const asked = cached.origin.seen.length;
    const { diff, cache } = await cached.gateway.apply(definitions(changes));
    expect(diff.cache).toEqual({ kept: ['a', 'b'], rekeyed: [] });
    expect(cache).toEqual({
      kept: 3,
      rekeyed: 0,
      routes: [
        { route: 'a', effect: 'kept', entries: 2 },
        { route: 'b', effect: 'kept', entries: 1 },
      ],
    });
    expect(await hits('/a/1', '/a/2', '/b/1')).toEqual([true, true, true]);
    expect(cached.origin.seen.length).toBe(asked);
  });

  test.each([
    [
      'a header of the response',
      { a: { policies: [{ headers: { response: { set: { x: '1' } } } }] } },
    ],
    ['a rewrite', { a: { rewrite: { path: '/other/{rest}' } } }],
    ['what keys vary by', { cacheOfA: { vary: { headers: ['x-tenant'] } } }],
  ] as const)('that changes %s re-keys its route alone', async (_what, changes) => {
    const wanted = definitions(changes);
    const { body } = await cached.gateway.admin('POST', '/v1/diff', wanted);
    const { diff, cache } = await cached.gateway.apply(wanted);
    expect(diff.cache).toEqual({ kept: ['b'], rekeyed: ['a'] });
    expect(cache).toMatchObject({ kept: 1, rekeyed: 2 });
    expect(body.cache).toEqual(cache);
    expect(await hits('/a/1', '/b/1')).toEqual([false, true]);
    const outcomes = async () =>
      (await report()).routes.find(({ route }: { route: string }) => route === 'a').outcomes;
    await until('it is counted', async () => (await outcomes())['miss-rekeyed'] > 0);
  });

  test('as a dry run says the same and keeps all', async () => {
    const wanted = definitions({ a: { rewrite: { path: '/dry/{rest}' } } });
    const { body } = await cached.gateway.admin('PUT', '/v1/definitions?dryRun=true', wanted);
    expect(body.cache).toMatchObject({ kept: 1, rekeyed: 2 });
    expect(await hits('/a/1', '/b/1')).toEqual([true, true]);
  });
});

describe('a rollback', () => {
  test('within the retained generations finds its entries warm', async () => {
    const { revision } = (await cached.gateway.admin('GET', '/v1/nodes')).body.nodes[0];
    for (let i = 1; i <= generationRetainedCount; i++) {
      await cached.gateway.apply(definitions({ a: { rewrite: { path: `/warm-${i}/{rest}` } } }));
    }
    expect(await hits('/a/1')).toEqual([false]);
    const asked = cached.origin.seen.length;
    const back = await cached.gateway.admin('POST', `/v1/revisions/${revision}/rollback`);
    expect(back.body.outcome).toBe('applied');
    // The route comes back to the shape that it had, with its two entries.
    expect(back.body.cache.kept).toBe(3);
    expect(back.body.cache.routes).toContainEqual({ route: 'a', effect: 'kept', entries: 2 });
    expect(await hits('/a/1', '/a/2', '/b/1')).toEqual([true, true, true]);
    expect(cached.origin.seen.length).toBe(asked);
  });

  test('past them starts cold: the entries left with their shape, and are counted', async () => {
    const before = await report();
    for (let i = 1; i <= generationRetainedCount + 1; i++) {
      await cached.gateway.apply(definitions({ a: { rewrite: { path: `/gone-${i}/{rest}` } } }));
    }
    const evicted = async () => (await report()).evictedBy.shape - before.evictedBy.shape;
    await until('its two entries are gone', async () => (await evicted()) >= 2);
    const after = await report();
    expect(after.stored - after.evicted).toBe(after.present);
    expect(await hits('/b/1')).toEqual([true]);
    await cached.gateway.apply(definitions());
    expect(await hits('/a/1', '/b/1')).toEqual([false, true]);
  });
});
