// Goal: endpoints that do not work get no traffic until they work again. Method: origins whose
// answers the test switches, short intervals, waits for what the origins see.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { closedPort, type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const status: Record<string, number> = {};
const healthStatus: Record<string, number> = {};
const origins: Origin[] = [];
let urls: string[] = [];
let gateway: Gateway;

beforeAll(async () => {
  for (const name of ['a', 'b']) {
    origins.push(
      await startOrigin(({ url }, response) => {
        response.statusCode = (url === '/health' ? healthStatus : status)[name] ?? 200;
        if (response.statusCode === 999) response.destroy();
        else response.end(name);
      }),
    );
  }
  urls = origins.map(({ url }) => url);
});

beforeEach(async () => {
  for (const name of ['a', 'b']) {
    status[name] = 200;
    healthStatus[name] = 200;
  }
  gateway = await Gateway.start({ definitions: {} });
});

afterEach(async () => {
  await gateway?.stop();
});

afterAll(async () => {
  for (const origin of origins) await origin.close();
});

async function use(upstream: Record<string, unknown>): Promise<void> {
  await gateway.apply({
    upstreams: { main: { endpoints: urls, ...upstream } },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: 'main' }],
  });
}

const seenCount = (at: number, path: string): number =>
  (origins[at]?.seen ?? []).filter(({ url }) => url === path).length;

async function used(count = 6): Promise<string> {
  const bodies = new Set<string>();
  for (let i = 0; i < count; i++) bodies.add((await exchange(gateway.port, get('/x'))).body);
  return [...bodies].sort().join('');
}

async function codeOf(): Promise<unknown> {
  const { status: code, body } = await exchange(gateway.port, get('/x'));
  return code === 200 ? 200 : JSON.parse(body).code;
}

const health = { path: '/health', interval: '50ms', timeout: '200ms', unhealthy: 2, healthy: 2 };

describe('active checks', () => {
  test('take an endpoint out and bring it back', async () => {
    await use({ health });
    expect(await used()).toBe('ab');
    healthStatus['a'] = 503;
    await until('a is out', async () => (await used()) === 'b');
    healthStatus['a'] = 200;
    await until('a is back', async () => (await used()) === 'ab');
  });

  test.each([204, 302])('take %i as well', async (code) => {
    healthStatus['a'] = code;
    const before = seenCount(0, '/health');
    await use({ health });
    await until('it was asked', () => seenCount(0, '/health') >= before + 4);
    expect(await used()).toBe('ab');
  });

  test.each([404, 500, 999])('take %i as ill', async (code) => {
    healthStatus['a'] = code;
    await use({ health });
    await until('a is out', async () => (await used()) === 'b');
  });

  test('take an endpoint out that nothing listens on', async () => {
    const dead = `http://127.0.0.1:${await closedPort()}`;
    await use({ endpoints: [dead, urls[1]], health, retry: { attempts: 1 } });
    await until('it is out', () => gateway.log.includes('unhealthy'));
    expect([await used(), await used()]).toEqual(['b', 'b']);
  });

  test('are asked with the name of the endpoint', async () => {
    const before = seenCount(0, '/health');
    await use({ health, host: 'fixed.example' });
    await until('it was asked', () => seenCount(0, '/health') > before);
    const seen = origins[0]?.seen.filter(({ url }) => url === '/health').at(-1);
    expect(seen?.method).toBe('GET');
    expect(seen?.headers).toMatchObject({ 'user-agent': 'cutover-health' });
  });

  test('leave all in when all are ill', async () => {
    await use({ health });
    healthStatus['a'] = 503;
    healthStatus['b'] = 503;
    const before = [seenCount(0, '/health'), seenCount(1, '/health')];
    await until('both were asked', () =>
      before.every((count, at) => seenCount(at, '/health') >= count + 4),
    );
    expect(await used()).toBe('ab');
  });

  test('stop when the block goes', async () => {
    await use({ health });
    await until('it was asked', () => seenCount(0, '/health') > 0);
    await use({});
    const stopped = async (): Promise<boolean> => {
      const before = seenCount(0, '/health');
      for (let i = 0; i < 50; i++) await gateway.admin('GET', '/readyz');
      await new Promise((resolve) => setTimeout(resolve, 150));
      return seenCount(0, '/health') === before;
    };
    await until('nobody asks any more', stopped);
  });

  test('do not use up the only connection', async () => {
    await use({ health, endpoints: urls.slice(0, 1), connections: 1 });
    expect(await used(20)).toBe('a');
  });
});

test('failures of live requests take an endpoint out too', async () => {
  await use({ health: { ...health, interval: '60s', unhealthy: 3 }, retry: { attempts: 1 } });
  status['a'] = 500;
  for (let i = 0; i < 6; i++) await exchange(gateway.port, get('/x'));
  const before = seenCount(0, '/x');
  expect(await used(8)).toBe('b');
  expect(seenCount(0, '/x')).toBe(before);
});

describe('a breaker', () => {
  const breaker = { failures: '50%', of: 4, open: '300ms' };

  test('opens, lets one try, closes', async () => {
    await use({ endpoints: urls.slice(0, 1), breaker });
    status['a'] = 500;
    for (let i = 0; i < 4; i++) expect((await exchange(gateway.port, get('/x'))).status).toBe(500);
    expect(await codeOf()).toBe('breaker-open');
    const before = seenCount(0, '/x');
    status['a'] = 200;
    await until('it tries', async () => (await codeOf()) === 200);
    expect(seenCount(0, '/x')).toBe(before + 1);
    expect([await codeOf(), await codeOf(), await codeOf()]).toEqual([200, 200, 200]);
  });

  test('opens again when the try fails', async () => {
    await use({ endpoints: urls.slice(0, 1), breaker });
    status['a'] = 500;
    for (let i = 0; i < 4; i++) await exchange(gateway.port, get('/x'));
    const before = seenCount(0, '/x');
    await until('it tries', async () => {
      await exchange(gateway.port, get('/x'));
      return seenCount(0, '/x') > before;
    });
    expect(await codeOf()).toBe('breaker-open');
    expect(seenCount(0, '/x')).toBe(before + 1);
  });

  test('stays closed below its share', async () => {
    await use({ endpoints: urls.slice(0, 1), breaker: { ...breaker, failures: '75%' } });
    for (const code of [500, 200, 500, 200, 500, 200, 500, 200]) {
      status['a'] = code;
      expect((await exchange(gateway.port, get('/x'))).status).toBe(code);
    }
  });

  test('sends others past the open one', async () => {
    await use({ breaker: { ...breaker, open: '60s' }, retry: { attempts: 1 } });
    status['a'] = 500;
    for (let i = 0; i < 8; i++) await exchange(gateway.port, get('/x'));
    status['a'] = 200;
    expect(await used(8)).toBe('b');
  });

  test('is told of with Retry-After', async () => {
    await use({ endpoints: urls.slice(0, 1), breaker: { ...breaker, open: '60s' } });
    status['a'] = 503;
    for (let i = 0; i < 4; i++) await exchange(gateway.port, get('/x'));
    const client = await RawClient.connect(gateway.port);
    client.send(get('/x'));
    const reply = await client.response();
    expect([reply.status, reply.headers['retry-after']]).toEqual([503, ['1']]);
    client.close();
  });
});
