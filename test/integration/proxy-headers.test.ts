// Goal: header fields pass as they came, except those that concern one connection, and the upstream
// learns who asked. Method: raw clients, an origin that keeps raw headers, several gateways.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { type Origin, startBytesOrigin, startOrigin } from '../kit/origin.ts';
import { exchange, get } from '../kit/raw-client.ts';

let origin: Origin;
let answering: { url: string; close(): Promise<void> };

beforeAll(async () => {
  origin = await startOrigin((_request, response: ServerResponse) => response.end('origin'));
  const lines = [
    'HTTP/1.1 200 Fine',
    'Date: Mon, 01 Jan 2001 00:00:00 GMT',
    'Server: origin',
    'Via: 1.1 first',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'X-Empty:',
    'X-Bytes: caf\xe9',
    'X-Spaces:  a  b  ',
    'Connection: keep-alive, X-Listed',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Upgrade: h2c',
    'TE: trailers',
    'Trailer: x-t',
    'X-Listed: a',
    'Content-Length: 6',
  ];
  answering = await startBytesOrigin(`${lines.join('\r\n')}\r\n\r\norigin`);
});

afterAll(async () => {
  await origin?.close();
  await answering?.close();
});

beforeEach(() => {
  origin.seen.length = 0;
});

const definitions = (): unknown => ({
  upstreams: {
    preserve: { endpoints: [origin.url] },
    endpoint: { endpoints: [origin.url], host: 'endpoint' },
    fixed: { endpoints: [origin.url], host: 'fixed.example' },
    answering: { endpoints: [answering.url] },
  },
  routes: ['preserve', 'endpoint', 'fixed', 'answering'].map((name) => ({
    id: name,
    match: { path: `/${name}` },
    upstream: name,
  })),
});

describe('with the default settings', () => {
  let gateway: Gateway;

  beforeAll(async () => {
    gateway = await Gateway.start({ definitions: definitions() });
  });

  afterAll(async () => {
    await gateway?.stop();
  });

  async function seenOf(...lines: readonly string[]) {
    await exchange(gateway.port, get('/preserve', ...lines));
    return origin.seen[0]?.headers ?? {};
  }

  const ownFields = ['host', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];

  test('a plain request gains only what tells who asked', async () => {
    await exchange(gateway.port, get('/preserve'));
    expect(Object.keys(origin.seen[0]?.headers ?? {}).sort()).toEqual(ownFields);
  });

  test('end-to-end fields pass in order, twice if they came twice', async () => {
    const lines = ['X-A: 1', 'X-B: 2', 'X-A: 3', 'X-Empty:', 'Accept: */*', 'Cookie: a=b; c=d'];
    await exchange(gateway.port, get('/preserve', ...lines));
    const raw = origin.seen[0]?.rawHeaders ?? [];
    const pairs = raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]]] : []));
    expect(pairs.filter(([name]) => !ownFields.includes(name ?? ''))).toEqual([
      ['x-a', '1'],
      ['x-b', '2'],
      ['x-a', '3'],
      ['x-empty', ''],
      ['accept', '*/*'],
      ['cookie', 'a=b; c=d'],
    ]);
  });

  test.each([
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Trailer: x-t',
    'Upgrade: h2c',
    'Connection: keep-alive',
  ])('%s does not pass', async (line) => {
    expect(Object.keys(await seenOf(line)).sort()).toEqual(ownFields);
  });

  test.each([
    [['Connection: X-Listed']],
    [['Connection: close, X-Listed']],
    [['Connection: x-LISTED , keep-alive']],
    [['Connection: keep-alive', 'Connection: X-Listed']],
    [['Connection:,X-Listed,']],
  ])('%j takes X-Listed along', async (lines) => {
    expect((await seenOf(...lines, 'X-Listed: a'))['x-listed']).toBeUndefined();
  });

  test('Connection cannot take away what the gateway tells', async () => {
    const names = 'Via, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Host';
    expect(Object.keys(await seenOf(`Connection: ${names}`)).sort()).toEqual(ownFields);
  });

  test('Connection cannot take away the framing', async () => {
    const lines = 'Host: test\r\nConnection: Content-Length\r\nContent-Length: 5';
    await exchange(gateway.port, `POST /preserve HTTP/1.1\r\n${lines}\r\n\r\nhello`);
    expect(origin.seen.map(({ body }) => body)).toEqual(['hello']);
  });

  test('who asks is told anew, whatever the client says', async () => {
    const headers = await seenOf(
      'X-Forwarded-For: 1.2.3.4',
      'X-Forwarded-Host: evil',
      'X-Forwarded-Proto: https',
      'Forwarded: for=1.2.3.4',
    );
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'test',
      'x-forwarded-proto': 'http',
    });
    expect(headers['forwarded']).toBeUndefined();
  });

  test.each([
    [[], '1.1 cutover'],
    [['Via: 1.0 first'], '1.0 first, 1.1 cutover'],
    [['Via: 1.0 first', 'Via: 1.1 second'], '1.0 first, 1.1 second, 1.1 cutover'],
  ])('Via %j becomes %s', async (lines, wanted) => {
    expect((await seenOf(...lines))['via']).toBe(wanted);
  });

  test.each([
    ['preserve', () => 'Test:81'],
    ['endpoint', () => `127.0.0.1:${origin.port}`],
    ['fixed', () => 'fixed.example'],
  ])('host %s', async (name, wanted) => {
    await exchange(gateway.port, `GET /${name} HTTP/1.1\r\nHost: Test:81\r\n\r\n`);
    expect(origin.seen[0]?.headers.host).toBe(wanted());
    expect(origin.seen[0]?.headers['x-forwarded-host']).toBe('Test:81');
  });

  test('a response passes its end-to-end fields alone', async () => {
    const { status, headers } = await exchange(gateway.port, get('/answering'));
    expect(status).toBe(200);
    const { date, ...rest } = headers;
    expect(rest).toEqual({
      server: ['origin'],
      via: ['1.1 first'],
      'set-cookie': ['a=1', 'b=2'],
      'x-empty': [''],
      'x-bytes': ['caf\xe9'],
      'x-spaces': ['a  b'],
      'content-length': ['6'],
    });
    expect(date).toHaveLength(1);
  });
});

describe('with other settings', () => {
  async function seenWith(set: readonly string[], lines: readonly string[]) {
    const gateway = await Gateway.start({ definitions: definitions(), set });
    try {
      await exchange(gateway.port, get('/preserve', ...lines));
      return origin.seen[0]?.headers ?? {};
    } finally {
      await gateway.stop();
    }
  }

  const told = [
    'X-Forwarded-For: 1.2.3.4',
    'X-Forwarded-Host: shop.example',
    'X-Forwarded-Proto: https',
    'Forwarded: for=1.2.3.4;proto=https',
  ];

  test('a trusted peer is believed', async () => {
    const set = ['forwarded.trust=["127.0.0.0/8"]', 'forwarded.style=both'];
    expect(await seenWith(set, told)).toMatchObject({
      'x-forwarded-for': '1.2.3.4, 127.0.0.1',
      'x-forwarded-host': 'shop.example',
      'x-forwarded-proto': 'https',
      forwarded: 'for=1.2.3.4;proto=https, for=127.0.0.1;host="test";proto=http',
    });
  });

  test('another peer is not', async () => {
    const set = ['forwarded.trust=["10.0.0.0/8","::1"]', 'forwarded.style=both'];
    expect(await seenWith(set, told)).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'test',
      'x-forwarded-proto': 'http',
      forwarded: 'for=127.0.0.1;host="test";proto=http',
    });
  });

  test('style forwarded tells in one field', async () => {
    const headers = await seenWith(['forwarded.style=forwarded'], told);
    expect(headers['forwarded']).toBe('for=127.0.0.1;host="test";proto=http');
    expect(Object.keys(headers).filter((name) => name.startsWith('x-forwarded'))).toEqual([]);
  });

  test('style off tells nothing, and passes nothing that a client made up', async () => {
    const headers = await seenWith(['forwarded.style=off', 'forwarded.via='], told);
    expect(Object.keys(headers)).toEqual(['host']);
  });

  test('without a name of ours Via passes as it came', async () => {
    expect((await seenWith(['forwarded.via='], ['Via: 1.0 first']))['via']).toBe('1.0 first');
  });
});
