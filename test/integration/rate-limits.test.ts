// Goal: a limit holds for all workers of a node together and says so to clients; applies keep what was
// counted and what is cached. Method: a real gateway with two workers; windows of an hour, so that none
// ends meanwhile; callers of each test have keys of their own.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { CachedGateway, isHit } from '../kit/cached-gateway.ts';
import { expectSettled, header } from '../kit/cached-route.ts';
import { until } from '../kit/gateway.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

let node: CachedGateway;
let url = '';

function setOf(limit: number, more: object = {}) {
  const rate = { 'rate-limit': { limit, window: '1h', by: 'header X-Key', ...more } };
  const shape = { headers: { response: { set: { 'x-shape': '1' } } } };
  const cache = { ttl: '1h' };
  return {
    upstreams: { origin: { endpoints: [url] } },
    routes: [
      {
        id: 'plain',
        match: { path: '/plain' },
        respond: { body: 'hello' },
        policies: [rate, shape],
      },
      { id: 'cached', match: { path: '/cached/**' }, upstream: 'origin', policies: [rate], cache },
      { id: 'free', match: { path: '/free' }, respond: {} },
    ],
  };
}

beforeAll(async () => {
  node = await CachedGateway.start(
    (origin) => {
      url = origin;
      return setOf(10);
    },
    { set: ['workers=2'] },
  );
});

afterAll(async () => {
  await expectSettled(node.gateway);
  await node.stop();
});

/** Statuses of so many requests, each on a connection of its own: workers get them in turn. */
async function statuses(count: number, path: string, key: string): Promise<number[]> {
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push((await node.ask(path, `X-Key: ${key}`)).status);
  return found;
}

async function admitted(count: number, path: string, key: string): Promise<number> {
  return (await statuses(count, path, key)).filter((status) => status === 200).length;
}

async function metric(name: string): Promise<number> {
  const { body } = await node.gateway.admin('GET', '/metrics');
  const lines = String(body)
    .split('\n')
    .filter((line) => line.startsWith(name));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('over the limit', () => {
  test('a request is answered 429 with a problem document and when to come again', async () => {
    await statuses(10, '/plain', 'told');
    const refused = await node.ask('/plain', 'X-Key: told');
    expect(refused.status).toBe(429);
    expect(header(refused, 'content-type')).toBe('application/problem+json');
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'rate-limited', status: 429 });
    const seconds = Number(header(refused, 'retry-after'));
    expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 7200).toBe(true);
    expect(header(refused, 'x-shape')).toBe('1');
  });

  test('the connection stays, and other routes and callers are served on it', async () => {
    await statuses(10, '/plain', 'stays');
    const client = await RawClient.connect(node.gateway.port);
    const ask = async (path: string, key: string) => {
      client.send(get(path, `X-Key: ${key}`));
      return (await client.response()).status;
    };
    expect(await ask('/plain', 'stays')).toBe(429);
    expect(await ask('/free', 'stays')).toBe(200);
    expect(await ask('/plain', 'another')).toBe(200);
    client.close();
  });

  test('it is counted: in the ledger, for the route, and in the table', async () => {
    const ledger = 'cutover_exchanges_total{generation';
    const refusedBefore = await metric('cutover_rate_limited_total{route="plain"}');
    await statuses(13, '/plain', 'counted');
    expect((await metric('cutover_rate_limited_total{route="plain"}')) - refusedBefore).toBe(3);
    const { body } = await node.gateway.admin('GET', '/metrics');
    expect(String(body)).toMatch(new RegExp(`${ledger}.*outcome="refused",reason="rate-limit"`));
    expect(await metric('cutover_rate_limit_used ')).toBeGreaterThan(2);
    expect(await metric('cutover_rate_limit_uncounted_total ')).toBe(0);
  });
});

test('two workers count together, to the last request', async () => {
  const before = await node.gateway.admin('GET', '/v1/nodes');
  expect(before.body.nodes[0].workers).toHaveLength(2);
  const all = Array.from({ length: 40 }, () =>
    exchange(node.gateway.port, get('/plain', 'X-Key: together')),
  );
  const found = (await Promise.all(all)).map(({ status }) => status);
  expect(found.filter((status) => status === 200)).toHaveLength(10);
  expect(found.filter((status) => status === 429)).toHaveLength(30);
});

test('what is answered out of the cache counts too', async () => {
  await node.warm('/cached/a', 'X-Key: warms');
  const answers = [];
  for (let i = 0; i < 12; i++) answers.push(await node.ask('/cached/a', 'X-Key: hits'));
  expect(answers.filter(isHit)).toHaveLength(10);
  expect(answers.slice(10).map(({ status }) => status)).toEqual([429, 429]);
});

describe('an apply', () => {
  test('that changes the number keeps what was counted, and what is cached', async () => {
    await node.warm('/cached/kept', 'X-Key: warms-again');
    expect(await admitted(12, '/cached/kept', 'keeps')).toBe(10);
    await node.gateway.apply(setOf(13));
    const asked = node.origin.seen.length;
    const more = [];
    for (let i = 0; i < 5; i++) more.push(await node.ask('/cached/kept', 'X-Key: keeps'));
    expect(more.map(({ status }) => status)).toEqual([200, 200, 200, 429, 429]);
    expect(more.slice(0, 3).every(isHit)).toBe(true);
    expect(node.origin.seen).toHaveLength(asked);
    await node.gateway.apply(setOf(10));
    expect(await admitted(1, '/cached/kept', 'keeps')).toBe(0);
  });

  test('that takes the limit away and brings it back keeps what was counted', async () => {
    expect(await admitted(10, '/plain', 'back')).toBe(10);
    const without = setOf(10);
    without.routes[0] = {
      id: 'plain',
      match: { path: '/plain' },
      respond: { body: 'free' },
    } as never;
    await node.gateway.apply(without);
    expect(await admitted(3, '/plain', 'back')).toBe(3);
    await node.gateway.apply(setOf(10));
    expect(await admitted(2, '/plain', 'back')).toBe(0);
  });

  test('that changes the window begins anew', async () => {
    expect(await admitted(11, '/plain', 'window')).toBe(10);
    await node.gateway.apply(setOf(10, { window: '30m' }));
    expect(await admitted(11, '/plain', 'window')).toBe(10);
    await node.gateway.apply(setOf(10));
  });
});

test('the deaths of a worker and of control lose no count', async () => {
  const { gateway, run } = await startBreakable({ definitions: setOf(10), set: ['workers=1'] });
  const ask = async () => (await exchange(gateway.port, get('/plain', 'X-Key: a'))).status;
  for (let i = 0; i < 10; i++) expect(await ask()).toBe(200);
  await run('worker-0', 'process.exit(3)');
  await until('worker 0 was started again', () => gateway.log.includes('worker lost'));
  await run('control', 'process.exit(3)');
  await until('the shape is loaded anew', async () => {
    const { generations } = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
    return generations.length === 1 && generations[0].generation > 1;
  });
  await until('a worker answers', async () => (await ask().catch(() => 503)) === 429);
});

test('a short window opens again by itself', async () => {
  await node.gateway.apply(setOf(3, { window: '200ms', id: 'short' }));
  let refused = 0;
  await until('one is refused', async () => {
    if ((await statuses(1, '/plain', 'short'))[0] === 429) refused += 1;
    return refused > 0;
  });
  await until('one is admitted again', async () => (await admitted(1, '/plain', 'short')) === 1);
  await node.gateway.apply(setOf(10));
});
