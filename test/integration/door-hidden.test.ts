// Goal: the door also refuses what uWebSockets.js hides from it or waits for. Method: raw bytes to
// a gateway before an origin that keeps what it saw.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n';
const post = (path: string, ...lines: readonly string[]): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

let origin: Origin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startOrigin();
  gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [
        { id: 'local', match: { path: '/local' }, respond: { body: 'local' } },
        { id: 'proxied', match: { path: '/**' }, upstream: 'origin' },
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

async function statusOf(bytes: string): Promise<number> {
  return (await exchange(gateway.port, bytes)).status;
}

describe('an empty header name', () => {
  test('is refused', async () => {
    expect(await statusOf(get('/a', ': x'))).toBe(400);
  });

  test('does not hide a second host', async () => {
    expect(await statusOf(get('/a', ': x', 'Host: other'))).toBe(400);
  });

  test('does not hide a length', async () => {
    const length = `Content-Length: ${smuggled.length}`;
    const client = await RawClient.connect(gateway.port);
    client.send(post('/local', ': x', length) + smuggled);
    await client.response();
    await until('it is closed or read on', () => client.closed || origin.seen.length > 0);
    expect(origin.seen).toEqual([]);
  });
});

describe('bytes over 0x7f at the ends of a value are not dropped', () => {
  test.each([
    ['after chunked', `${post('/a', 'Transfer-Encoding: chunked\xa0')}0\r\n\r\n`],
    ['before chunked', `${post('/a', 'Transfer-Encoding: \xffchunked')}0\r\n\r\n`],
    ['before a length', `${post('/a', 'Content-Length: \xa03')}abc`],
    ['after a length', `${post('/a', 'Content-Length: 3\xa0')}abc`],
    ['after a host', 'GET /a HTTP/1.1\r\nHost: test\xa0\r\n\r\n'],
  ])('%s', async (_name, bytes) => {
    expect(await statusOf(bytes)).toBe(400);
  });
});

describe('a malformed chunk is refused', () => {
  test.each([
    ['an empty size, taken for the last chunk', '\r\n\r\n'],
    ['bare line feeds', '3\nabc\n0\n\n'],
    ['other bytes for its line end', '3\r\nabcXX0\r\n\r\n'],
    ['a space after its size', '3 \r\nabc\r\n0\r\n\r\n'],
  ])('%s', async (_name, chunks) => {
    expect(await statusOf(post('/a', 'Transfer-Encoding: chunked') + chunks)).toBe(400);
  });
});

describe('what must not reach the origin', () => {
  test('a malformed escape in the host', async () => {
    expect(await statusOf('GET /a HTTP/1.1\r\nHost: a%zz\r\n\r\n')).toBe(400);
  });

  test('a port that there is none of', async () => {
    expect(await statusOf('GET /a HTTP/1.1\r\nHost: a:99999\r\n\r\n')).toBe(400);
  });

  test('DEL in a value, whatever the route does', async () => {
    expect(await statusOf(get('/local', 'X: a\x7fb'))).toBe(400);
  });

  test.each(['CONNECT', 'TRACE'])('%s is not implemented', async (method) => {
    const client = await RawClient.connect(gateway.port);
    client.send(`${method} /a HTTP/1.1\r\nHost: test\r\n\r\n`);
    const { status, body } = await client.response();
    expect([status, JSON.parse(body).code]).toEqual([501, 'method-not-implemented']);
    client.close();
    expect(origin.seen).toEqual([]);
  });

  test('what follows a CONNECT', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(`CONNECT /a HTTP/1.1\r\nHost: test\r\n\r\n${smuggled}`);
    await until('it is closed or read on', () => client.closed || origin.seen.length > 0);
    expect(origin.seen).toEqual([]);
  });
});

const unfinished: readonly (readonly [string, string])[] = [
  ['a bare CR in a value', get('/a', 'X: a\rY: b')],
  ['CR CR LF', get('/a', 'X: a\r')],
  [
    'a chunk longer than its size',
    `${post('/a', 'Transfer-Encoding: chunked')}3\r\nabcdef\r\n0\r\n\r\n`,
  ],
  ['a head without an end', 'GET /a HTTP/1.1\r\nHost: test\r\n'],
  ['a body without an end', `${post('/a', 'Content-Length: 3')}a`],
];

describe('what never ends', () => {
  const clients: { name: string; client: RawClient }[] = [];

  beforeAll(async () => {
    for (const [name, bytes] of unfinished) {
      const client = await RawClient.connect(gateway.port);
      client.send(bytes);
      clients.push({ name, client });
    }
  });

  afterAll(() => {
    for (const { client } of clients) client.close();
  });

  test('does not reach the origin', async () => {
    await exchange(gateway.port, get('/after'));
    expect(origin.seen.map(({ url }) => url)).toEqual(['/after']);
  });

  test('is closed after a while', async () => {
    const open = () => clients.filter(({ client }) => !client.closed).map(({ name }) => name);
    await until('all are closed', () => open().length === 0, 60_000).catch(() => {});
    expect(open()).toEqual([]);
  }, 65_000);
});

test.each([
  ['one', ['\r\n']],
  ['two', ['\r\n\r\n']],
  ['five', ['\r\n'.repeat(5)]],
  ['two in pieces', ['\r', '\n', '\r', '\n']],
  ['three in two pieces', ['\r\n\r', '\n\r\n']],
])('empty lines before a request are passed over at once: %s', async (_name, pieces) => {
  const client = await RawClient.connect(gateway.port);
  for (const piece of pieces) {
    client.send(piece);
    // So that it is a read of its own; however it is cut, the answer is the same.
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.send(`${get('/a')}\r\n\r\n${get('/b')}`);
  await until('the origin saw both', () => origin.seen.length > 1, 2_000);
  expect(origin.seen.map(({ url }) => url)).toEqual(['/a', '/b']);
  client.close();
});
