// Goal: bust, cache and cache explain do what they say, in tables for people and as JSON; status, diff
// and apply tell of the cache. Method: commands as processes of their own against one gateway.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CachedGateway, cachedHost, isHit } from '../kit/cached-gateway.ts';
import { type CommandResult, cutover } from '../kit/cli.ts';

let cached: CachedGateway;
let folder: string;

function routes(url: string, rewrite?: string) {
  return {
    upstreams: { shop: { endpoints: [url] } },
    routes: [
      {
        id: 'items',
        match: { path: '/items/{sku}' },
        upstream: 'shop',
        cache: { tags: ['sku-{sku}'], vary: { language: ['en', 'de'], cookies: ['ab'] } },
        ...(rewrite === undefined ? {} : { rewrite: { path: rewrite } }),
      },
    ],
  };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cutover-test-'));
  cached = await CachedGateway.start(routes, { set: ['workers=1', 'node.id=node-x'] });
});

afterAll(async () => {
  await cached.stop();
  rmSync(folder, { recursive: true });
});

function call(words: readonly string[], ...args: string[]): Promise<CommandResult> {
  const { adminUrl, dataFolder } = cached.gateway;
  const tokenFile = join(dataFolder, 'admin-token');
  const node = ['--admin', adminUrl, '--token-file', tokenFile];
  return cutover([...words, ...node, ...args], { USER: 'ada' });
}

describe('bust', () => {
  test('takes what is named, several of it, and prints each worker', async () => {
    for (const sku of ['1', '2', '3']) await cached.warm(`/items/${sku}`);
    const args = ['--tag', 'sku-1', '--tag', 'nothing', '--url', `${cachedHost}/items/2`];
    const { code, out, err } = await call(['bust'], ...args);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^2 entries dropped, position \d+\n/);
    expect(out).toMatch(/node +worker +dropped ms\s+node-x +0 +[\d.]+/);
    const left = await Promise.all(['1', '2', '3'].map((sku) => cached.ask(`/items/${sku}`)));
    expect(left.map(isHit)).toEqual([false, false, true]);
    expect(cached.gateway.log).toContain('"author":"ada"');
  });

  test('prints the answer of the node as JSON; soft marks stale', async () => {
    await cached.warm('/items/4');
    const { code, out } = await call(['bust'], '--route', 'items', '--soft', '--json');
    expect([code, JSON.parse(out).nodes[0].id]).toEqual([0, 'node-x']);
    const told = await call(['cache', 'explain'], `${cachedHost}/items/4`);
    expect(told.out).toMatch(/fresh for +stale by a soft bust/);
    expect((await call(['bust'], '--all')).out).toContain('dropped');
  });

  test('of nothing is called wrongly, and what the node refuses is failed', async () => {
    const nothing = await call(['bust'], '--soft');
    expect([nothing.code, nothing.err]).toEqual([
      2,
      'cutover: say what to bust: --tag, --url, --key, --route or --all\n',
    ]);
    const refused = await call(['bust'], '--url', '/a path');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain('urls[0]: ');
  });
});

describe('cache', () => {
  test('prints figures, reasons and the hit rate of each route', async () => {
    await cached.warm('/items/figures');
    await cached.bust({ tags: ['sku-figures'] });
    const { code, out } = await call(['cache']);
    expect(code).toBe(0);
    expect(out).toMatch(/entries +bytes +memory +stored +evicted +refused +position/);
    expect(out).toMatch(/bust-tag +\d+/);
    expect(out).toMatch(/items +\d+ +\d+ +\d+ +[\d.]+ % +.*hit \d+/);
    const json = JSON.parse((await call(['cache'], '--json')).out);
    expect(json.stored - json.evicted).toBe(json.present);
  });

  test('explain says verdict, key and what is stored', async () => {
    await cached.warm('/items/7', 'accept-language: de', 'cookie: ab=2');
    const url = `http://${cachedHost}/items/7`;
    const lines = ['-H', 'Accept-Language: de', '--header', 'cookie: c=1', '-H', 'cookie: ab=2'];
    const { code, out, err } = await call(['cache', 'explain'], url, ...lines);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^hit: answered out of the cache: what is stored is fresh\n/);
    expect(out).toMatch(/route +items/);
    expect(out).toContain(`${cachedHost} | /items/7 |  | c:ab=2 | l:de`);
    expect(out).toMatch(/tags +sku-7/);
    const other = await call(['cache', 'explain'], url, '--method', 'HEAD', '--json');
    expect(JSON.parse(other.out)).toMatchObject({ verdict: 'fetch', notStored: 'head' });
  });

  test('explain refuses a header that is none', async () => {
    const { code, err } = await call(['cache', 'explain'], 'a.example/', '-H', 'no colon');
    expect([code, err]).toEqual([2, 'cutover: -H no colon is no header; write -H "name: value"\n']);
  });

  test.each([['bust'], ['cache'], ['cache', 'explain']])(
    '%s %s shows examples',
    async (...words) => {
      const { code, out } = await cutover([
        ...words.filter((word) => word !== undefined),
        '--help',
      ]);
      expect([code, out.includes('Example')]).toEqual([0, true]);
    },
  );
});

test('status has the hit rate of each route', async () => {
  await cached.warm('/items/status');
  const { out } = await call(['status']);
  expect(out).toMatch(/cached route +lookups +hits +misses +hit rate/);
  expect(out).toMatch(/items +\d+ +\d+ +\d+ +[\d.]+ %/);
});

test('diff and apply say how many entries are kept and re-keyed', async () => {
  await cached.bust({ all: true });
  await cached.warm('/items/1');
  await cached.warm('/items/2');
  const file = join(folder, 'rekeyed.json');
  writeFileSync(file, JSON.stringify(routes(cached.origin.url, '/other/{sku}')));
  for (const command of ['diff', 'apply']) {
    const { code, out } = await call([command], file);
    expect(code).toBe(0);
    expect(out).toContain('~ cache of route items is re-keyed: starts cold (2 entries)\n');
    expect(out).toContain('entries: kept 0, re-keyed 2\n');
  }
});
