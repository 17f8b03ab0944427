// Goal: bodies arrive whole and are framed anew on each side. Method: raw clients and origins that
// keep what they saw; long bodies are compared by hash.
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, type SeenRequest, startBytesOrigin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const ok = 'HTTP/1.1 200 OK\r\n';
const long = randomBytes(20 * 1024 * 1024);
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Path, bytes of the upstream, whether it closes: the client gets `some text`. */
const framings: readonly (readonly [string, string, boolean])[] = [
  ['/sized', `${ok}content-length: 9\r\n\r\nsome text`, false],
  ['/length-twice', `${ok}content-length: 9\r\ncontent-length: 9\r\n\r\nsome text`, false],
  [
    '/chunked',
    `${ok}transfer-encoding: chunked\r\n\r\n4\r\nsome\r\n5\r\n text\r\n0\r\n\r\n`,
    false,
  ],
  ['/upper', `${ok}Transfer-Encoding: Chunked\r\n\r\n9\r\nsome text\r\n0\r\n\r\n`, false],
  [
    '/extensions',
    `${ok}transfer-encoding: chunked\r\n\r\n9;a="b"\r\nsome text\r\n0;c\r\n\r\n`,
    false,
  ],
  ['/zeros', `${ok}transfer-encoding: chunked\r\n\r\n0009\r\nsome text\r\n000\r\n\r\n`, false],
  [
    '/trailers',
    `${ok}transfer-encoding: chunked\r\n\r\n9\r\nsome text\r\n0\r\nx-t: 1\r\n\r\n`,
    false,
  ],
  ['/until-close', `${ok}\r\nsome text`, true],
  ['/old', 'HTTP/1.0 200 OK\r\n\r\nsome text', true],
  ['/continue', `HTTP/1.1 100 Continue\r\n\r\n${ok}content-length: 9\r\n\r\nsome text`, false],
  [
    '/hints',
    `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${ok}content-length: 9\r\n\r\nsome text`,
    false,
  ],
];

let origin: Origin;
const others: { url: string; close(): Promise<void> }[] = [];
let gateway: Gateway;

function answer(request: SeenRequest, response: ServerResponse): void {
  if (request.url === '/long-sized') response.setHeader('content-length', long.length);
  if (!request.url.startsWith('/long')) {
    response.end('origin');
    return;
  }
  response.write(long);
  response.end();
}

beforeAll(async () => {
  origin = await startOrigin(answer);
  for (const [, bytes, close] of framings) others.push(await startBytesOrigin(bytes, { close }));
  const early = `HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\n\r\nno`;
  others.push(await startBytesOrigin(early));
  const paths = [...framings.map(([path]) => path), '/early'];
  const upstreams = paths.map((path, index) => [
    path.slice(1),
    { endpoints: [others[index]?.url] },
  ]);
  gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] }, ...Object.fromEntries(upstreams) },
      routes: [
        ...paths.map((path) => ({ id: path.slice(1), match: { path }, upstream: path.slice(1) })),
        { id: 'origin', match: { path: '/**' }, upstream: 'origin' },
      ],
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
  for (const other of others) await other.close();
});

beforeEach(() => {
  origin.seen.length = 0;
});

const post = (path: string, ...lines: readonly string[]): string =>
  `POST ${path} HTTP/1.1\r\nHost: test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

/** What the origin saw of the one request: its framing and its body. */
function seenFraming(): unknown {
  const [seen] = origin.seen;
  return [seen?.headers['content-length'], seen?.headers['transfer-encoding'], seen?.body];
}

describe('a body on its way up', () => {
  test.each([
    ['sized', `${post('/a', 'Content-Length: 5')}hello`, ['5', undefined, 'hello']],
    [
      'with zeros before its length',
      `${post('/a', 'Content-Length: 005')}hello`,
      ['5', undefined, 'hello'],
    ],
    ['empty', post('/a', 'Content-Length: 0'), ['0', undefined, '']],
    ['none at all', post('/a'), [undefined, undefined, '']],
    ['of GET', `${get('/a', 'Content-Length: 5')}hello`, ['5', undefined, 'hello']],
    [
      'in chunks',
      `${post('/a', 'Transfer-Encoding: chunked')}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
      [undefined, 'chunked', 'hello'],
    ],
    [
      'in chunks, empty',
      `${post('/a', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      [undefined, 'chunked', ''],
    ],
    ['of zero bytes', `${post('/a', 'Content-Length: 3')}\0\r\n`, ['3', undefined, '\0\r\n']],
  ])('%s', async (_name, bytes, wanted) => {
    expect((await exchange(gateway.port, bytes)).status).toBe(200);
    expect(seenFraming()).toEqual(wanted);
  });

  test('a byte at a time', async () => {
    const client = await RawClient.connect(gateway.port);
    for (const byte of `${post('/a', 'Content-Length: 5')}hello`) {
      client.send(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await client.response()).status).toBe(200);
    client.close();
    expect(seenFraming()).toEqual(['5', undefined, 'hello']);
  });

  test('that the upstream does not wait for does not spoil the connection', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(`${post('/early', 'Content-Length: 10')}some`);
    expect(await client.response()).toMatchObject({ status: 401, body: 'no' });
    client.send(` text.${get('/b')}`);
    expect(await client.response()).toMatchObject({ status: 200, body: 'origin' });
    client.close();
    expect(origin.seen.map(({ url }) => url)).toEqual(['/b']);
  });
});

describe('Expect: 100-continue', () => {
  test('is met before the body comes', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(post('/a', 'Content-Length: 5', 'Expect: 100-continue'));
    await until('100 came', () => client.rest.startsWith('HTTP/1.1 100 '), 2_000);
    client.send('hello');
    expect((await client.response()).status).toBe(200);
  });

  test('is no obstacle for a client that does not wait', async () => {
    const bytes = `${post('/a', 'Content-Length: 5', 'Expect: 100-continue')}hello`;
    expect((await exchange(gateway.port, bytes)).status).toBe(200);
    expect(seenFraming()).toEqual(['5', undefined, 'hello']);
    expect(origin.seen[0]?.headers['expect']).toBeUndefined();
  });
});

describe('a body on its way down', () => {
  test.each(framings)('%s', async (path, bytes) => {
    const client = await RawClient.connect(gateway.port);
    for (let count = 0; count < 2; count++) {
      client.send(get(path));
      const { status, headers, body, interim } = await client.response();
      expect([status, body, interim]).toEqual([200, 'some text', []]);
      const sized = /^content-length/im.test(bytes);
      expect(headers['content-length']).toEqual(sized ? ['9'] : undefined);
      expect(headers['transfer-encoding']).toEqual(sized ? undefined : ['chunked']);
      expect(headers['x-t']).toBeUndefined();
      expect(headers['connection']).toBeUndefined();
    }
    expect([client.rest, client.closed]).toEqual(['', false]);
    client.close();
  });
});

describe('20 MiB', () => {
  interface Answer {
    readonly head: IncomingMessage['headers'];
    readonly body: Buffer;
  }

  function send(path: string, headers: Record<string, string | number>, body?: Buffer) {
    return new Promise<Answer>((resolve, reject) => {
      const method = body === undefined ? 'GET' : 'POST';
      const one = httpRequest({ port: gateway.port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('error', reject);
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ head: response.headers, body: Buffer.concat(chunks) }));
      });
      one.on('error', reject);
      one.end(body);
    });
  }

  test.each([
    ['/long-sized', String(long.length)],
    ['/long-chunked', undefined],
  ])('down, %s', async (path, length) => {
    const { head, body } = await send(path, {});
    expect(head['content-length']).toBe(length);
    expect(hashOf(body)).toBe(hashOf(long));
  });

  test('up, again and again, sized and in chunks', async () => {
    for (let count = 0; count < 5; count++) {
      origin.seen.length = 0;
      await send('/a', { 'content-length': long.length }, long);
      await send('/a', { 'transfer-encoding': 'chunked' }, long);
      const hashes = origin.seen.map(({ body }) => hashOf(Buffer.from(body, 'latin1')));
      expect(hashes).toEqual([hashOf(long), hashOf(long)]);
    }
  });
});
