// Goal: requests go to the endpoints that the balance names, over as few connections as may be.
// Method: one gateway, sets applied one after another, origins that count what they saw.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin, startRawOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const held: ServerResponse[] = [];
const origins: Origin[] = [];
let urls: string[] = [];
let gateway: Gateway;

beforeAll(async () => {
  for (const name of ['a', 'b', 'c']) {
    const origin = await startOrigin(({ url }, response) => {
      if (url.startsWith('/held')) held.push(response);
      else response.end(name);
    });
    origins.push(origin);
  }
  urls = origins.map(({ url }) => url);
  gateway = await Gateway.start({ definitions: {} });
});

afterAll(async () => {
  await gateway?.stop();
  for (const origin of origins) await origin.close();
});

beforeEach(() => {
  for (const origin of origins) origin.seen.length = 0;
  held.length = 0;
});

let nameCount = 0;

/** A new upstream each time, so that nothing is left of the test before. */
async function use(upstream: Record<string, unknown>): Promise<void> {
  nameCount += 1;
  const name = `upstream-${nameCount}`;
  await gateway.apply({
    upstreams: { [name]: upstream },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: name }],
  });
}

const seenCounts = (): number[] => origins.map(({ seen }) => seen.length);

async function send(count: number, path = '/', ...lines: readonly string[]): Promise<string[]> {
  const bodies: string[] = [];
  for (let i = 0; i < count; i++) {
    bodies.push((await exchange(gateway.port, get(path, ...lines))).body);
  }
  return bodies;
}

describe('balance', () => {
  test('round robin goes by turns', async () => {
    await use({ endpoints: urls });
    const bodies = await send(9);
    expect(seenCounts()).toEqual([3, 3, 3]);
    expect(bodies.slice(3)).toEqual(bodies.slice(0, 6));
  });

  test('round robin keeps weights, and spreads them', async () => {
    const [first, second, third] = urls;
    await use({ endpoints: [{ url: first, weight: 4 }, { url: second, weight: 2 }, third] });
    const bodies = await send(14);
    expect(seenCounts()).toEqual([8, 4, 2]);
    expect(bodies.join('')).not.toContain('aaa');
  });

  test('least requests passes the busy one over', async () => {
    await use({ endpoints: urls.slice(0, 2), balance: 'least-requests' });
    const client = await RawClient.connect(gateway.port);
    client.send(get('/held'));
    await until('one has it', () => held.length === 1);
    const busy = seenCounts().indexOf(1);
    const bodies = await send(6);
    expect(new Set(bodies)).toEqual(new Set([busy === 0 ? 'b' : 'a']));
    held[0]?.end();
    await client.response();
    client.close();
  });

  test.each([
    ['header X-User', (one: number) => `X-User: user-${one}`],
    ['cookie user', (one: number) => `Cookie: a=b; user=user-${one}`],
  ])('hash by %s keeps to one endpoint and uses all', async (hash, line) => {
    await use({ endpoints: urls, balance: 'hash', hash });
    const used = new Set<string>();
    // So many that one of three is left out once in three million runs: ports differ each time.
    for (let one = 0; one < 40; one++) {
      const bodies = await send(3, '/', line(one));
      expect(new Set(bodies).size).toBe(1);
      used.add(bodies[0] ?? '');
    }
    expect([...used].sort()).toEqual(['a', 'b', 'c']);
  });

  test('hash by ip keeps to one endpoint', async () => {
    await use({ endpoints: urls, balance: 'hash', hash: 'ip' });
    expect(new Set(await send(9)).size).toBe(1);
  });

  test('hash moves few keys when an endpoint goes', async () => {
    const placeOf = async (): Promise<string[]> => {
      const places: string[] = [];
      for (let one = 0; one < 60; one++) places.push(...(await send(1, '/', `X-User: ${one}`)));
      return places;
    };
    await use({ endpoints: urls, balance: 'hash', hash: 'header x-user' });
    const before = await placeOf();
    await use({ endpoints: urls.slice(0, 2), balance: 'hash', hash: 'header x-user' });
    const after = await placeOf();
    const moved = before.filter((place, at) => place !== 'c' && place !== after[at]);
    expect(moved.length).toBeLessThan(10);
  });
});

describe('connections', () => {
  test('are used again', async () => {
    const raw = await startRawOrigin((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    await use({ endpoints: [raw.url] });
    await send(10);
    expect(raw.connectionCount()).toBe(1);
    await raw.close();
  });

  test.each([
    ['Connection: close', 'HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok'],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok'],
    [
      'Keep-Alive: timeout=1',
      'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok',
    ],
    ['bytes behind the response', 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokmore'],
  ])('are not used again after %s', async (_name, bytes) => {
    const raw = await startRawOrigin((socket) => {
      socket.on('data', () => socket.write(bytes));
    });
    await use({ endpoints: [raw.url] });
    expect(await send(3)).toEqual(['ok', 'ok', 'ok']);
    expect(raw.connectionCount()).toBe(3);
    await raw.close();
  });

  test('that the upstream closed meanwhile lose no request', async () => {
    const raw = await startRawOrigin((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        socket.once('data', () => socket.destroy());
      });
    });
    await use({ endpoints: [raw.url] });
    for (const request of [get('/'), get('/'), get('/'), get('/')]) {
      expect((await exchange(gateway.port, request)).status).toBe(200);
    }
    await raw.close();
  });

  test('are limited; others wait for their turn', async () => {
    await use({ endpoints: urls.slice(0, 1), connections: 2 });
    const clients = await Promise.all([1, 2, 3, 4].map(() => RawClient.connect(gateway.port)));
    for (const client of clients) client.send(get('/held'));
    await until('two are there', () => held.length === 2);
    await gateway.admin('GET', '/metrics');
    expect(held.length).toBe(2);
    held[0]?.end('x');
    await until('the third is there', () => held.length === 3);
    held[1]?.end('x');
    await until('the fourth is there', () => held.length === 4);
    for (const response of held.slice(2)) response.end('x');
    for (const client of clients) expect((await client.response()).body).toBe('x');
    for (const client of clients) client.close();
  });

  test('are limited hot', async () => {
    const route = { id: 'all', match: { path: '/**' }, upstream: 'hot' };
    const withLimit = (connections: number) => ({
      upstreams: { hot: { endpoints: urls.slice(0, 1), connections } },
      routes: [route],
    });
    await gateway.apply(withLimit(1));
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(gateway.port)));
    for (const client of clients) client.send(get('/held'));
    await until('one is there', () => held.length === 1);
    await gateway.apply(withLimit(3));
    await until('all are there', () => held.length === 3);
    for (const response of held) response.end('x');
    for (const client of clients) expect((await client.response()).body).toBe('x');
    for (const client of clients) client.close();
  });
});
