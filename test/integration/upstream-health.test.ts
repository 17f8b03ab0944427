// Goal: endpoints that do not work get no traffic until they work again. Method: origins whose
// answers the test switches, short intervals, waits for what the origins see.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
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
  gateway = await Gateway.start({ definitions: {} });
});

beforeEach(() => {
  for (const name of ['a', 'b']) {
    status[name] = 200;
    healthStatus[name] = 200;
  }
});

afterAll(async () => {
  await gateway?.stop();
  for (const origin of origins) await origin.close();
});

let nameCount = 0;

/** A new upstream each time, so that nothing is left of the test before. */
async function use(upstream: Record<string, unknown>): Promise<void> {
  nameCount += 1;
  await change(upstream);
}

async function change(upstream: Record<string, unknown>): Promise<void> {
  const name = `upstream-${nameCount}`;
  await gateway.apply({
    upstreams: { [name]: { endpoints: urls, ...upstream } },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: name }],
  });
}

/** How often an endpoint of this test's upstream went out of use. */
const outCount = (): number =>
  gateway.log
    .split('\n')
    .filter((line) => line.includes('"unhealthy"') && line.includes(`"upstream-${nameCount}"`))
    .length;
const isOut = (): boolean => outCount() > 0;

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

/** What the node says of the endpoint a, with the gauge. */
async function toldOfA(): Promise<string> {
  const { upstreams } = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
  const { name, endpoints } = upstreams[0];
  const { state, reason } = endpoints[0].workers[0];
  const labels = `{upstream="${name}",endpoint="${urls[0]}",worker="0"}`;
  const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`cutover_endpoint_healthy${labels}`));
  return `${state}, ${reason}, ${line?.split(' ').at(-1)}`;
}

describe('the state of an endpoint', () => {
  test('can be asked for while it is out, and is forgotten with it', async () => {
    await use({ health });
    expect(await toldOfA()).toBe('healthy, null, 1');
    healthStatus['a'] = 503;
    await until('it is told', async () =>
      /^unhealthy, \d+ failed checks in a row, 0$/.test(await toldOfA()),
    );
    await change({});
    await until('it is in use', async () => (await toldOfA()) === 'healthy, null, 1');
  });

  test('tells an open breaker too', async () => {
    await use({ breaker: { failures: '50%', of: 2, open: '1h' } });
    status['a'] = 503;
    await until('it is told', async () => {
      await used();
      return (await toldOfA()) === 'breaker-open, too many failures, 0';
    });
  });
});

describe('active checks', () => {
  test('take an endpoint out and bring it back', async () => {
    await use({ health });
    expect(await used()).toBe('ab');
    healthStatus['a'] = 503;
    await until('a is out', isOut);
    expect(await used()).toBe('b');
    healthStatus['a'] = 200;
    await until('a is back', async () => (await used()) === 'ab');
  });

  test('take an endpoint out under load', async () => {
    await use({ health });
    healthStatus['a'] = 503;
    await until('a is out', async () => (await used()) === 'b', 3_000);
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
    await until('a is out', isOut);
    expect(await used()).toBe('b');
  });

  test('take an endpoint out that nothing listens on', async () => {
    const dead = `http://127.0.0.1:${await closedPort()}`;
    await use({ endpoints: [dead, urls[1]], health, retry: { attempts: 1 } });
    await until('it is out', isOut);
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
    await until('both are out', () => outCount() === 2);
    expect(await used()).toBe('ab');
  });

  test('stop when the block goes', async () => {
    const path = '/health-that-stops';
    await use({ health: { ...health, path } });
    await until('it was asked', () => seenCount(0, path) > 0);
    await change({});
    let last = -1;
    let sameCount = 0;
    await until('nobody asks any more', () => {
      sameCount = seenCount(0, path) === last ? sameCount + 1 : 0;
      last = seenCount(0, path);
      return sameCount >= 20;
    });
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
