// Goal: SIGTERM loses no exchange: what runs finishes, what is idle closes, and the exit code is 0.
// Method: the origin holds a response so that a gateway with one worker drains as long as is needed.
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const held: (() => void)[] = [];
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(({ url }, response) => {
    if (url === '/hold') held.push(() => response.end('held'));
    else if (url === '/half') {
      response.writeHead(200, { 'content-length': 8 });
      response.write('half');
      held.push(() => response.end('full'));
    } else response.end('answer');
  });
});

beforeEach(() => {
  held.length = 0;
});

afterAll(async () => {
  await origin.close();
});

async function start(...set: string[]): Promise<Gateway> {
  const definitions = {
    upstreams: { origin: { endpoints: [origin.url] } },
    routes: [
      { id: 'all', match: { path: '/**' }, upstream: 'origin' },
      { id: 'local', match: { path: '/local' }, respond: { body: 'local' } },
    ],
  };
  const gateway = await Gateway.start({ definitions, set: ['workers=1', ...set] });
  onTestFinished(() => gateway.kill());
  return gateway;
}

async function holding(gateway: Gateway, path = '/hold'): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port);
  const before = held.length;
  client.send(get(path));
  await until('the origin holds it', () => held.length > before);
  return client;
}

/** SIGTERM, until the node says that it drains. */
async function drain(gateway: Gateway): Promise<void> {
  gateway.process.kill('SIGTERM');
  await until('it drains', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].workers[0].state === 'draining';
  });
}

function refuses(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });
}

describe('SIGTERM', () => {
  test('with nothing running ends with exit code 0 and closes idle connections', async () => {
    const gateway = await start();
    const idle = await RawClient.connect(gateway.port);
    idle.send(get('/local'));
    await idle.response();
    const fresh = await RawClient.connect(gateway.port);
    gateway.process.kill('SIGTERM');
    await Promise.all([idle.ended(), fresh.ended()]);
    expect(await gateway.exited).toBe(0);
  });

  test('lets a running exchange finish, and refuses new connections meanwhile', async () => {
    const gateway = await start();
    const client = await holding(gateway);
    await drain(gateway);
    await until('the port is closed', () => refuses(gateway.port));
    held[0]?.();
    const { status, headers, body } = await client.response();
    expect([status, body, headers['connection']]).toEqual([200, 'held', ['close']]);
    await client.ended();
    expect(await gateway.exited).toBe(0);
  });

  test('lets a response that has begun finish', async () => {
    const gateway = await start();
    const client = await holding(gateway, '/half');
    await until('its head is there', () => client.rest.endsWith('half'));
    await drain(gateway);
    held[0]?.();
    expect((await client.response()).body).toBe('halffull');
    expect(await gateway.exited).toBe(0);
  });

  test('makes the node not ready, still alive, and says so', async () => {
    const gateway = await start();
    const client = await holding(gateway);
    await drain(gateway);
    const ready = await gateway.admin('GET', '/readyz');
    expect([ready.status, ready.body]).toEqual([
      503,
      { ready: false, reason: 'the node is draining' },
    ]);
    expect((await gateway.admin('GET', '/livez')).status).toBe(200);
    held[0]?.();
    await client.response();
    expect(await gateway.exited).toBe(0);
  });

  test('given twice changes nothing', async () => {
    const gateway = await start();
    const client = await holding(gateway);
    await drain(gateway);
    gateway.process.kill('SIGTERM');
    gateway.process.kill('SIGINT');
    held[0]?.();
    expect((await client.response()).body).toBe('held');
    expect(await gateway.exited).toBe(0);
  });

  test('is not held up by admin connections and watchers', async () => {
    const gateway = await start();
    const headers = { authorization: `Bearer ${gateway.token}` };
    const events = await fetch(`${gateway.adminUrl}/v1/events`, { headers });
    const idle = await RawClient.connect(Number(new URL(gateway.adminUrl).port));
    gateway.process.kill('SIGTERM');
    await events.text();
    await idle.ended();
    expect(await gateway.exited).toBe(0);
  });

  test('SIGINT does the same', async () => {
    const gateway = await start();
    gateway.process.kill('SIGINT');
    expect(await gateway.exited).toBe(0);
  });
});

describe('the drain timeout', () => {
  test('cuts off what still runs and ends with exit code 0', async () => {
    const gateway = await start('drain.timeout=300ms');
    const waiting = await holding(gateway);
    const begun = await holding(gateway, '/half');
    gateway.process.kill('SIGTERM');
    await Promise.all([waiting.ended(), begun.ended()]);
    expect(waiting.rest).toBe('');
    expect(begun.rest).toMatch(/half$/);
    expect(await gateway.exited).toBe(0);
  });
});
