// Goal: a request is sent again where that cannot do harm, and nowhere else. Method: one
// gateway, sets applied one after another, origins that count what they saw.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { closedPort, type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get } from '../kit/raw-client.ts';

const origins: Origin[] = [];
let urls: string[] = [];
let gateway: Gateway;

beforeAll(async () => {
  for (const name of ['a', 'b', 'c']) {
    const origin = await startOrigin(({ url }, response) => {
      const status = /^\/status\/(\d+)/.exec(url)?.[1];
      if (status !== undefined) response.statusCode = Number(status);
      if (url.startsWith('/cut')) response.destroy();
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

const post = (path: string, body: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('a repeat', () => {
  const dead = async (): Promise<string> => `http://127.0.0.1:${await closedPort()}`;

  test.each(['GET', 'POST'])('of %s, when no connection came about', async (method) => {
    await use({ endpoints: [await dead(), ...urls.slice(0, 1)] });
    for (let count = 0; count < 2; count++) {
      const { status } = await exchange(gateway.port, `${method} / HTTP/1.1\r\nHost: test\r\n\r\n`);
      expect(status).toBe(200);
    }
    expect(seenCounts()).toEqual([2, 0, 0]);
  });

  test('of POST with a body, when no connection came about', async () => {
    await use({ endpoints: [await dead(), ...urls.slice(0, 1)] });
    for (let count = 0; count < 2; count++) {
      expect((await exchange(gateway.port, post('/', 'some'))).status).toBe(200);
    }
    expect(origins[0]?.seen.map(({ body }) => body)).toEqual(['some', 'some']);
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])('of %s after a reset', async (method) => {
    await use({ endpoints: urls.slice(0, 2) });
    const { status } = await exchange(
      gateway.port,
      `${method} /cut HTTP/1.1\r\nHost: test\r\n\r\n`,
      { toHead: true },
    );
    expect([status, seenCounts()]).toEqual([502, [1, 1, 0]]);
  });

  test.each(['POST', 'PATCH', 'PURGE'])('never of %s that may have arrived', async (method) => {
    await use({ endpoints: urls.slice(0, 2) });
    const request = `${method} /cut HTTP/1.1\r\nHost: test\r\n\r\n`;
    expect((await exchange(gateway.port, request)).status).toBe(502);
    const [first = 0, second = 0] = seenCounts();
    expect(first + second).toBe(1);
  });

  test('never with a body that is gone', async () => {
    await use({ endpoints: urls.slice(0, 2) });
    const request = post('/cut', 'some').replace('POST', 'PUT');
    expect((await exchange(gateway.port, request)).status).toBe(502);
    const [first = 0, second = 0] = seenCounts();
    expect(first + second).toBe(1);
  });

  test.each([502, 503, 504])('of GET after %i, where it is wanted', async (status) => {
    await use({ endpoints: urls.slice(0, 2), retry: { on: [status] } });
    expect((await exchange(gateway.port, get(`/status/${status}`))).status).toBe(status);
    expect(seenCounts()).toEqual([1, 1, 0]);
  });

  test.each([502, 503, 504])('not of GET after %i, where it is not', async (status) => {
    await use({ endpoints: urls.slice(0, 2) });
    expect((await exchange(gateway.port, get(`/status/${status}`))).body).toHaveLength(1);
    const [first = 0, second = 0] = seenCounts();
    expect(first + second).toBe(1);
  });

  test('not of POST after 503', async () => {
    await use({ endpoints: urls.slice(0, 2), retry: { on: [503] } });
    expect((await exchange(gateway.port, post('/status/503', ''))).status).toBe(503);
    const [first = 0, second = 0] = seenCounts();
    expect(first + second).toBe(1);
  });

  test('as often as attempts says', async () => {
    await use({ endpoints: urls, retry: { attempts: 3 } });
    await send(1, '/cut');
    expect(seenCounts()).toEqual([1, 1, 1]);
  });

  test('never with attempts: 1', async () => {
    await use({ endpoints: urls, retry: { attempts: 1 } });
    await send(1, '/cut');
    expect(seenCounts().reduce((sum, count) => sum + count)).toBe(1);
  });

  test('within the budget, and three in any case', async () => {
    await use({ endpoints: urls.slice(0, 1), retry: { attempts: 2, budget: '10%' } });
    await send(40, '/cut');
    expect(seenCounts()).toEqual([44, 0, 0]);
  });

  test('is counted', async () => {
    await use({ endpoints: urls.slice(0, 2) });
    await send(1, '/cut');
    const { body } = await gateway.admin('GET', '/metrics');
    expect(body).toContain(`cutover_upstream_retries_total{upstream="upstream-${nameCount}"} 1\n`);
  });
});
