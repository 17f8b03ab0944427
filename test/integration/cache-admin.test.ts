// Goal: operators bust what is stored and see what the cache holds and does, with sums that hold.
// Method: a gateway of two workers before an origin, through the admin interface alone.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedGateway, cachedHost, isHit } from '../kit/cached-gateway.ts';
import { Gateway, until } from '../kit/gateway.ts';

let cached: CachedGateway;

function routes(url: string) {
  return {
    upstreams: { shop: { endpoints: [url] } },
    routes: [
      {
        id: 'items',
        match: { path: '/items/{sku}' },
        upstream: 'shop',
        cache: { tags: ['sku-{sku}', 'items'] },
      },
      {
        id: 'lists',
        match: { path: '/lists/**' },
        upstream: 'shop',
        cache: { stale: { 'while-revalidate': '60s' } },
      },
      { id: 'plain', match: { path: '/plain' }, upstream: 'shop' },
    ],
  };
}

beforeAll(async () => {
  cached = await CachedGateway.start(routes, { set: ['workers=2', 'node.id=node-c'] });
});

afterAll(async () => {
  await cached.stop();
});

const admin: Gateway['admin'] = (...args) => cached.gateway.admin(...args);
const report = async () => (await admin('GET', '/v1/cache')).body;
const entriesOf = async (url: string) =>
  (await admin('GET', `/v1/cache/entries?url=${encodeURIComponent(url)}`)).body.entries;

describe('a bust', () => {
  test('by tag drops what has it, and says when each worker had dropped it', async () => {
    await cached.warm('/items/1');
    await cached.warm('/items/2');
    const answer = await cached.bust({ tags: ['sku-1'] });
    expect(answer.entries).toBe(1);
    expect(answer.nodes.map(({ id }) => id)).toEqual(['node-c']);
    const [node] = answer.nodes;
    expect(node?.workers.map(({ id }) => id)).toEqual([0, 1]);
    for (const { droppedMs } of node?.workers ?? []) {
      expect(droppedMs).toBeGreaterThan(0);
      expect(droppedMs).toBeLessThanOrEqual(answer.droppedMs);
    }
    const [one, two] = [await cached.ask('/items/1'), await cached.ask('/items/2')];
    expect([isHit(one), isHit(two)]).toEqual([false, true]);
  });

  test('moves on in the invalidation stream by one', async () => {
    const { position } = await cached.bust({ tags: ['nobody has it'] });
    expect(await cached.bust({ tags: ['nor this'] })).toMatchObject({
      position: position + 1,
      entries: 0,
    });
    expect((await report()).position).toBe(position + 1);
  });

  test('by URL takes it however it is spelt', async () => {
    await cached.warm('/lists/caf%C3%A9~?b=2&a=1');
    const { entries } = await cached.bust({ urls: [`${cachedHost}/lists/caf%c3%a9%7e?a=1&b=2`] });
    expect(entries).toBe(1);
    expect(isHit(await cached.ask('/lists/caf%C3%A9~?b=2&a=1'))).toBe(false);
  });

  test('by key takes what the listing shows', async () => {
    await cached.warm('/lists/by-key');
    const [entry] = await entriesOf(`http://${cachedHost}/lists/by-key`);
    expect((await cached.bust({ keys: [entry.key] })).entries).toBe(1);
    expect(await entriesOf(`http://${cachedHost}/lists/by-key`)).toEqual([]);
  });

  test('by route leaves other routes alone, and all takes everything', async () => {
    await cached.warm('/items/3');
    await cached.warm('/lists/3');
    await cached.bust({ routes: ['items'] });
    expect(isHit(await cached.ask('/lists/3'))).toBe(true);
    expect(isHit(await cached.ask('/items/3'))).toBe(false);
    await cached.bust({ all: true });
    expect((await report()).present).toBe(0);
  });

  test('that is soft leaves what may stand in meanwhile', async () => {
    await cached.warm('/lists/soft');
    expect((await cached.bust({ routes: ['lists'], soft: true })).entries).toBe(1);
    const [entry] = await entriesOf(`${cachedHost}/lists/soft`);
    expect(entry).toMatchObject({ softStale: true, route: 'lists' });
    expect(entry.ttl).toBeLessThanOrEqual(0);
    const answer = await cached.ask('/lists/soft');
    expect(answer.headers['cache-status']?.join()).toMatch(/; hit; ttl=(0|-\d+)$/);
  });

  test('stands in the log and among the events, with who asked and for what', async () => {
    const stop = new AbortController();
    const stream = await fetch(`${cached.gateway.adminUrl}/v1/events`, {
      headers: { authorization: `Bearer ${cached.gateway.token}` },
      signal: stop.signal,
    });
    let events = '';
    void (async () => {
      for await (const chunk of stream.body ?? []) events += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    const body = { tags: ['audited'], routes: ['items'], soft: true };
    await admin('POST', '/v1/cache/bust', body, { 'x-author': 'ada' });
    await until('the event', () => events.includes('event: bust\n'));
    stop.abort();
    const told = JSON.parse(/event: bust\ndata: (.*)\n/.exec(events)?.[1] ?? '');
    expect(told).toMatchObject({ ...body, author: 'ada', entries: 0 });
    const lines = cached.gateway.log.split('\n').filter((line) => line.includes('audited'));
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ ...told, msg: 'bust' }]);
  });

  test.each([
    [{}, 'names nothing'],
    [{ tags: [] }, 'names nothing'],
    [{ tag: ['a'] }, 'did you mean tags'],
    [{ tags: 'a' }, 'tags: '],
    [{ tags: [''] }, 'tags[0]: is empty'],
    [{ tags: ['a'.repeat(257)] }, 'cacheTagBytesMax'],
    [{ urls: ['/only/a/path'] }, 'urls[0]: '],
    [{ keys: ['k'.repeat(2049)] }, 'cacheKeyBytesMax'],
    [{ tags: Array.from({ length: 1001 }, (_, i) => `t${i}`) }, 'bustItemCountMax'],
    ['no: [json', 'request body'],
  ])('of %j is refused', async (body, message) => {
    const { position } = await report();
    const answer = await admin('POST', '/v1/cache/bust', body);
    expect([answer.status, answer.body.code]).toEqual([400, 'body-invalid']);
    expect(JSON.stringify(answer.body)).toContain(message);
    expect((await report()).position).toBe(position);
  });
});

describe('figures', () => {
  test('add up: hits and misses are the lookups, stored less evicted is present', async () => {
    await cached.warm('/items/sum');
    await cached.ask('/plain');
    await until('all is accounted for', async () => {
      const metrics = (await admin('GET', '/metrics')).body as string;
      return metrics.includes('cutover_cache_lookups_total{route="items",outcome="hit"}');
    });
    const figures = await report();
    const sum = (counts: Record<string, number>) =>
      Object.values(counts).reduce((total, count) => total + count, 0);
    expect(figures.hits + figures.misses).toBe(figures.lookups);
    expect(figures.stored - sum(figures.evictedBy)).toBe(figures.present);
    expect(figures.evictedBy['bust-tag']).toBeGreaterThan(0);
    expect(figures.memoryBytes).toBe(8 * 1024 * 1024);
    const ids = figures.routes.map(({ route }: { route: string }) => route);
    expect([...ids].sort()).toEqual(['items', 'lists']);
    for (const one of figures.routes) {
      expect(sum(one.outcomes)).toBe(one.lookups);
      expect(one.hitRate).toBeCloseTo(one.hits / one.lookups, 12);
    }
    expect(sum(figures.routes.map(({ lookups }: { lookups: number }) => lookups))).toBe(
      figures.lookups,
    );
  });

  test('count each lookup once', async () => {
    const before = await report();
    const asked = 20;
    for (let i = 0; i < asked; i++) await cached.ask(`/items/count-${i % 4}`);
    const of = (figures: typeof before) =>
      figures.routes.find(({ route }: { route: string }) => route === 'items').lookups;
    await until('all are counted', async () => of(await report()) >= of(before) + asked);
    expect(of(await report())).toBe(of(before) + asked);
  });

  test('stand with the node, whose status has the hit rates', async () => {
    const [node] = (await admin('GET', '/v1/nodes')).body.nodes;
    const { position, routes: looked } = await report();
    expect(node.cache).toEqual({ position, routes: looked });
  });
});

describe('the listing of a URL', () => {
  test('has all variants of it, with what they are', async () => {
    await cached.warm('/items/list');
    const [entry, ...others] = await entriesOf(`http://${cachedHost}/items/list`);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      kind: 'response',
      route: 'items',
      status: 200,
      state: 'live',
      etag: '"1"',
      tags: ['sku-list', 'items'],
    });
    expect(entry.key.split('\n').slice(1)).toEqual(['G', cachedHost, '/items/list', '']);
    expect(entry.ttl).toBeGreaterThan(0);
    expect(entry.ttl).toBeLessThanOrEqual(60);
  });

  test.each([
    ['', 'say of which URL'],
    [`?url=${encodeURIComponent('/a b')}`, 'no URL'],
    ['?uri=a', 'there is no parameter uri'],
  ])('%j is refused', async (query, message) => {
    const { status, body } = await admin('GET', `/v1/cache/entries${query}`);
    expect([status, body.code]).toEqual([400, 'query-invalid']);
    expect(body.detail).toContain(message);
  });
});

test('without a cache each call says so', async () => {
  const without = await Gateway.start({ set: ['cache.memory=0B'], definitions: { routes: [] } });
  try {
    for (const [method, path, body] of [
      ['GET', '/v1/cache'],
      ['GET', '/v1/cache/entries?url=a.example/'],
      ['POST', '/v1/cache/bust', { all: true }],
      ['POST', '/v1/cache/explain', { url: 'a.example/' }],
    ] as const) {
      const answer = await without.admin(method, path, body);
      expect([path, answer.status, answer.body.code]).toEqual([path, 409, 'cache-off']);
      expect(answer.body.detail).toContain('cache.memory');
    }
    const [node] = (await without.admin('GET', '/v1/nodes')).body.nodes;
    expect(node.cache).toBeNull();
  } finally {
    await without.stop();
  }
});
