// Goal: what an upstream does wrong becomes the right status and code, and a cut body never looks
// complete. Method: origins that speak plain bytes, short time limits, raw clients.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { closedPort, startBytesOrigin, startRawOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

type Closable = { readonly url: string; close(): Promise<void> };

const ok = 'HTTP/1.1 200 OK\r\n';

/** Name, bytes of the upstream: all are 502 upstream-protocol. */
const malformed: readonly (readonly [string, string])[] = [
  ['not HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['no status', 'HTTP/1.1 OK\r\n\r\n'],
  ['status 99', 'HTTP/1.1 099 No\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 No\r\n\r\n'],
  ['101 unasked', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
  ['two lengths', `${ok}content-length: 1\r\ncontent-length: 2\r\n\r\na`],
  ['a list of lengths', `${ok}content-length: 1, 2\r\n\r\na`],
  ['a length that is no number', `${ok}content-length: a\r\n\r\n`],
  ['a negative length', `${ok}content-length: -1\r\n\r\n`],
  ['length and chunks', `${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['an unknown encoding', `${ok}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  [
    'chunked twice',
    `${ok}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['a space before a colon', `${ok}content-length : 0\r\n\r\n`],
  ['a folded line', `${ok}x: a\r\n b\r\ncontent-length: 0\r\n\r\n`],
  ['a line without a colon', `${ok}nothing\r\ncontent-length: 0\r\n\r\n`],
  ['an empty name', `${ok}: a\r\ncontent-length: 0\r\n\r\n`],
  ['a bare LF', `${ok}x: a\ny: b\r\ncontent-length: 0\r\n\r\n`],
  ['a bare CR', `${ok}x: a\ry: b\r\ncontent-length: 0\r\n\r\n`],
  ['NUL in a value', `${ok}x: a\0b\r\ncontent-length: 0\r\n\r\n`],
  ['a head of 200 kB', `${ok}x: ${'a'.repeat(200_000)}\r\ncontent-length: 0\r\n\r\n`],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n'],
  ['no space after the status', 'HTTP/1.1 200OK\r\ncontent-length: 0\r\n\r\n'],
  ['a head of 70 kB', `${ok}x: ${'a'.repeat(70_000)}\r\ncontent-length: 0\r\n\r\n`],
];

/** Name, bytes before the origin closes: the client's connection closes without an end. */
const cut: readonly (readonly [string, string])[] = [
  ['a sized body', `${ok}content-length: 10\r\n\r\nsome`],
  ['a chunked body between chunks', `${ok}transfer-encoding: chunked\r\n\r\n4\r\nsome\r\n`],
  ['a chunked body within a chunk', `${ok}transfer-encoding: chunked\r\n\r\na\r\nsome`],
  ['a body with a malformed chunk', `${ok}transfer-encoding: chunked\r\n\r\n4\r\nsome\r\nzz\r\n`],
  [
    'a chunk longer than its size',
    `${ok}transfer-encoding: chunked\r\n\r\n4\r\nsomething\r\n0\r\n\r\n`,
  ],
];

const origins = new Map<string, Closable>();
let gateway: Gateway;

const pathOf = (kind: string, index: number): string => `/${kind}-${index}`;

beforeAll(async () => {
  for (const [index, [, bytes]] of malformed.entries()) {
    origins.set(pathOf('malformed', index), await startBytesOrigin(bytes));
  }
  for (const [index, [, bytes]] of cut.entries()) {
    origins.set(pathOf('cut', index), await startBytesOrigin(bytes, { close: true }));
  }
  const reset = await startRawOrigin((socket) => socket.on('data', () => socket.destroy()));
  origins.set('/reset', reset);
  origins.set('/half-head', await startBytesOrigin(`${ok}x: `, { close: true }));
  origins.set('/silent', await startRawOrigin(() => {}));
  origins.set('/halting', await startBytesOrigin(`${ok}content-length: 10\r\n\r\nsome`));
  const refused = `http://127.0.0.1:${await closedPort()}`;
  const urls = [...origins].map(([path, { url }]) => [path, url] as const);
  const all = [...urls, ['/refused', refused] as const];
  gateway = await Gateway.start({
    definitions: {
      upstreams: Object.fromEntries(
        all.map(([path, url]) => [
          path.slice(1),
          {
            endpoints: [url],
            timeout: { connect: '200ms', headers: '200ms', idle: '200ms' },
            retry: { attempts: 1 },
          },
        ]),
      ),
      routes: all.map(([path]) => ({
        id: path.slice(1),
        match: { path },
        upstream: path.slice(1),
      })),
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  for (const origin of origins.values()) await origin.close();
});

async function problemOf(path: string): Promise<unknown> {
  const { status, headers, body } = await exchange(gateway.port, get(path));
  expect(headers['content-type']).toEqual(['application/problem+json']);
  const document = JSON.parse(body);
  expect(document.status).toBe(status);
  return [status, document.code];
}

describe('a malformed response is a 502', () => {
  test.each(malformed.map(([name], index) => [name, index] as const))(
    '%s',
    async (_name, index) => {
      expect(await problemOf(pathOf('malformed', index))).toEqual([502, 'upstream-protocol']);
    },
  );
});

describe('no response', () => {
  test.each([
    ['/refused', 502, 'upstream-connect'],
    ['/reset', 502, 'upstream-reset'],
    ['/half-head', 502, 'upstream-reset'],
    ['/silent', 504, 'upstream-headers-timeout'],
  ])('%s: %i %s', async (path, status, code) => {
    expect(await problemOf(path)).toEqual([status, code]);
  });

  test('keeps the connection of the client', async () => {
    const client = await RawClient.connect(gateway.port);
    for (const path of ['/refused', '/reset', '/silent', '/refused']) {
      client.send(get(path));
      expect([502, 504]).toContain((await client.response()).status);
    }
    expect(client.closed).toBe(false);
    client.close();
  });
});

describe('a cut body closes the connection of the client', () => {
  test.each(cut.map(([name], index) => [name, index] as const))('%s', async (_name, index) => {
    const client = await RawClient.connect(gateway.port);
    client.send(get(pathOf('cut', index)));
    await expect(client.response()).rejects.toThrow('the connection closed after');
    expect(client.rest).not.toContain('0\r\n\r\n');
  });

  test('an upstream that stops sending', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/halting'));
    await expect(client.response()).rejects.toThrow('the connection closed after');
  });
});

test.each([
  ['/refused', 'connect'],
  ['/reset', 'reset'],
  ['/silent', 'headers-timeout'],
  ['/malformed-0', 'protocol'],
])('%s is counted as failed for %s', async (path, reason) => {
  const count = async (): Promise<number> => {
    const { body } = await gateway.admin('GET', '/metrics');
    const line = `outcome="failed",reason="${reason}"\\} (\\d+)`;
    return Number(new RegExp(line).exec(body)?.[1]);
  };
  const before = await count();
  await exchange(gateway.port, get(path));
  expect(await count()).toBe(before + 1);
});
