// Goal: what is over a limit gets the error that names it, and harms nothing else. Method: a
// gateway with small limits, raw requests at a limit and one past it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const bodyMax = 64 * 1024;

let origin: Origin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startOrigin((request, response) => {
    if (!request.url.startsWith('/held')) response.end('origin');
  });
  gateway = await Gateway.start({
    set: [`limits.body=${bodyMax}B`, 'limits.header=8KiB'],
    definitions: {
      upstreams: {
        origin: { endpoints: [origin.url] },
        narrow: { endpoints: [origin.url], connections: 1 },
      },
      routes: [
        { id: 'local', match: { path: '/local' }, respond: { body: 'local' } },
        { id: 'narrow', match: { path: '/held' }, upstream: 'narrow' },
        { id: 'deep', match: { path: '/deep/**' }, upstream: 'origin' },
        { id: 'all', match: { path: '/**' }, upstream: 'origin' },
      ],
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
});

beforeEach(() => {
  origin.seen.length = 0;
});

const sized = (count: number): string =>
  `POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: ${count}\r\n\r\n${'x'.repeat(count)}`;
const chunked = (count: number): string =>
  `POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(count / 4096)}`;

describe('limits.body', () => {
  test('takes a body of its size', async () => {
    expect((await exchange(gateway.port, sized(bodyMax))).status).toBe(200);
    expect(origin.seen[0]?.body).toHaveLength(bodyMax);
  });

  test.each([
    ['a length one past it', sized(bodyMax + 1)],
    [
      'a length past it, before the body comes',
      `POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: ${bodyMax + 1}\r\n\r\n`,
    ],
    ['chunks past it', `${chunked(bodyMax)}1\r\nx\r\n0\r\n\r\n`],
    ['chunks past it that do not end', chunked(bodyMax + 4096)],
  ])('%s: 413 and a close', async (_name, bytes) => {
    const client = await RawClient.connect(gateway.port);
    client.send(bytes);
    const { status, headers, body } = await client.response();
    expect([status, JSON.parse(body).code]).toEqual([413, 'body-too-large']);
    expect(headers['connection']).toEqual(['close']);
    await client.ended();
    expect(origin.seen).toEqual([]);
  });

  test('a refused body does not become a request', async () => {
    const smuggled = get('/smuggled');
    const client = await RawClient.connect(gateway.port);
    const length = `Content-Length: ${bodyMax + 1}`;
    client.send(`POST /a HTTP/1.1\r\nHost: test\r\n${length}\r\n\r\n${smuggled}`);
    expect((await client.response()).status).toBe(413);
    await client.ended();
    await exchange(gateway.port, get('/after'));
    expect(origin.seen.map(({ url }) => url)).toEqual(['/after']);
  });

  test('the worker goes on', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = await RawClient.connect(gateway.port);
        client.send(chunked(bodyMax + 4096));
        expect((await client.response()).status).toBe(413);
        client.close();
      }),
    );
    expect((await exchange(gateway.port, get('/local'))).body).toBe('local');
    expect(gateway.log).not.toContain('worker broken');
  });
});

describe('limits.header', () => {
  test('takes a head below it', async () => {
    const line = `X: ${'a'.repeat(7_000)}`;
    expect((await exchange(gateway.port, get('/local', line))).status).toBe(200);
  });

  test.each([
    ['one long line', `X: ${'a'.repeat(9_000)}`],
    ['many short lines', Array.from({ length: 200 }, () => `X: ${'a'.repeat(50)}`).join('\r\n')],
  ])('%s past it: 431 and a close', async (_name, lines) => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/local', lines));
    expect((await client.response()).status).toBe(431);
    await client.ended();
  });

  test.each([50, 99])('takes %i lines', async (count) => {
    const lines = Array.from({ length: count - 2 }, (_, at) => `X-${at}: a`);
    expect((await exchange(gateway.port, get('/a', ...lines))).status).toBe(200);
    expect(origin.seen[0]?.headers[`x-${count - 3}`]).toBe('a');
  });
});

describe('segments of a path', () => {
  test.each([
    [64, 200],
    [65, 414],
    [1_000, 414],
  ])('%i: %i', async (count, wanted) => {
    const path = `/deep${'/a'.repeat(count - 1)}`;
    const { status, body } = await exchange(gateway.port, get(path));
    expect(status).toBe(wanted);
    if (wanted === 414) expect(JSON.parse(body).code).toBe('path-too-long');
  });
});

test('requests that wait for an upstream: one past 1024 is a 503', async () => {
  const clients = await Promise.all(
    Array.from({ length: 1025 }, () => RawClient.connect(gateway.port)),
  );
  for (const client of clients) client.send(get('/held'));
  const running = async (): Promise<number> => {
    const { body } = await gateway.admin('GET', '/metrics');
    return Number(/cutover_exchanges_running\{[^}]*\} (\d+)/.exec(body)?.[1]);
  };
  await until('all are there', async () => (await running()) === 1025);
  const { status, headers, body } = await exchange(gateway.port, get('/held'));
  expect([status, JSON.parse(body).code]).toEqual([503, 'upstream-busy']);
  expect(headers['retry-after']).toEqual(['1']);
  for (const client of clients) client.close();
  await until('all are gone', async () => (await running()) === 0);
});
