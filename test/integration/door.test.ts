// Goal: what two HTTP parsers could read in two ways is refused and never passed on. Method: raw
// bytes to a gateway before an origin that keeps what it saw; each case alone, then with a second
// request in the same packet.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const host = 'Host: test\r\n';
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n';

const target = (path: string): string => `GET ${path} HTTP/1.1\r\n${host}\r\n`;
const method = (name: string): string => `${name} /a HTTP/1.1\r\n${host}\r\n`;
const hostIs = (value: string): string => `GET /a HTTP/1.1\r\nHost:${value}\r\n\r\n`;
const field = (line: string): string => `GET /a HTTP/1.1\r\n${host}${line}\r\n\r\n`;
const framed = (...lines: readonly string[]): string =>
  `POST /a HTTP/1.1\r\n${host}${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
const chunked = (body: string): string => `${framed('Transfer-Encoding: chunked')}${body}`;

/** Name, code of the problem document, bytes. */
const byGateway: readonly (readonly [string, string, string])[] = [
  ['two lengths', 'bad-content-length', `${framed('Content-Length: 3', 'Content-Length: 5')}abc`],
  [
    'a length twice',
    'bad-content-length',
    `${framed('Content-Length: 3', 'Content-Length: 3')}abc`,
  ],
  ['an empty length', 'bad-content-length', framed('Content-Length: ')],
  [
    'an empty length, then one',
    'bad-content-length',
    framed('Content-Length:', 'Content-Length: 3'),
  ],
  ['xchunked', 'bad-transfer-encoding', `${framed('Transfer-Encoding: xchunked')}0\r\n\r\n`],
  [
    'chunked, gzip',
    'bad-transfer-encoding',
    `${framed('Transfer-Encoding: chunked, gzip')}0\r\n\r\n`,
  ],
  [
    'gzip, chunked',
    'bad-transfer-encoding',
    `${framed('Transfer-Encoding: gzip, chunked')}0\r\n\r\n`,
  ],
  [
    'chunked, chunked',
    'bad-transfer-encoding',
    `${framed('Transfer-Encoding: chunked, chunked')}0\r\n\r\n`,
  ],
  [
    'two transfer encodings',
    'bad-transfer-encoding',
    `${framed('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
  ],
  [
    'chunked, then identity',
    'bad-transfer-encoding',
    `${framed('Transfer-Encoding: chunked', 'Transfer-Encoding: identity')}0\r\n\r\n`,
  ],
  ['no transfer encoding', 'bad-transfer-encoding', framed('Transfer-Encoding: ')],
  ['a quoted one', 'bad-transfer-encoding', `${framed('Transfer-Encoding: "chunked"')}0\r\n\r\n`],
  [
    'one with a parameter',
    'bad-transfer-encoding',
    `${framed('Transfer-Encoding: chunked;q=1')}0\r\n\r\n`,
  ],
  ['an empty host', 'bad-host', hostIs('')],
  ['a host with a user', 'bad-host', hostIs(' me@test')],
  ['a host with a path', 'bad-host', hostIs(' test/a')],
  ['a host with a query', 'bad-host', hostIs(' test?a')],
  ['a list of hosts', 'bad-host', hostIs(' test, other')],
  ['a host with a scheme', 'bad-host', hostIs(' http://test')],
  ['a host with a backslash', 'bad-host', hostIs(' test\\other')],
  ['a host with two ports', 'bad-host', hostIs(' test:80:80')],
  ['a host with a name as its port', 'bad-host', hostIs(' test:http')],
  ['a cut IPv6 host', 'bad-host', hostIs(' [::1')],
  ['G@T', 'bad-method', method('G@T')],
  ['a method with a colon', 'bad-method', method('GET:')],
  ['no method', 'bad-method', method('')],
  ['a fragment', 'bad-target', target('/a#b')],
  ['a fragment after a query', 'bad-target', target('/a?b#c')],
  ['raw non-ASCII in the path', 'bad-target', target('/\xe9')],
  ['raw non-ASCII in the query', 'bad-target', target('/a?\xe9')],
  ['DEL in the path', 'bad-target', target('/a\x7f')],
  ['a backslash', 'bad-target', target('/a\\b')],
  ['an escaped backslash', 'bad-path-escape', target('/a%5Cb')],
  ['an escaped NUL', 'bad-path-escape', target('/a%00')],
  ['escaped line ends', 'bad-path-escape', target('/a%0d%0a')],
  ['/./', 'bad-path-dot-segment', target('/a/./b')],
  ['/../', 'bad-path-dot-segment', target('/a/../b')],
  ['/.. at the end', 'bad-path-dot-segment', target('/a/..')],
  ['escaped dots', 'bad-path-dot-segment', target('/a/%2e%2E/b')],
  ['half escaped dots', 'bad-path-dot-segment', target('/a/.%2e/b')],
  ['dots before an escaped slash', 'bad-path-dot-segment', target('/a/..%2fadmin/x')],
  ['dots and slash escaped', 'bad-path-dot-segment', target('/a/%2e%2e%2F')],
  ['dots behind an escaped slash', 'bad-path-dot-segment', target('/a%2F..')],
  ['dots with a parameter', 'bad-path-dot-segment', target('/a/..;/hello')],
  ['an escape that is not hex', 'bad-path-escape', target('/a%zz')],
  ['a cut escape', 'bad-path-escape', target('/a%2')],
  ['DEL in a value', 'bad-header-value', field('X: a\x7fb')],
  ['raw non-ASCII in a value', 'bad-header-value', field('X: a\xe9b')],
  ['an unknown expectation', 'bad-expect', framed('Expect: x', 'Content-Length: 0')],
];

/** Name, status, bytes: uWebSockets.js answers these itself. */
const byParser: readonly (readonly [string, number, string])[] = [
  ['length and chunks', 400, framed('Content-Length: 3', 'Transfer-Encoding: chunked')],
  ['chunks and length', 400, framed('Transfer-Encoding: chunked', 'Content-Length: 3')],
  ['a list of lengths', 400, framed('Content-Length: 3, 3')],
  ['+3', 400, framed('Content-Length: +3')],
  ['-3', 400, framed('Content-Length: -3')],
  ['0x3', 400, framed('Content-Length: 0x3')],
  ['3a', 400, framed('Content-Length: 3a')],
  ['a length past 64 bits', 400, framed('Content-Length: 99999999999999999999')],
  ['a vertical tab before chunked', 400, framed('Transfer-Encoding: \x0bchunked')],
  ['space before the colon of a length', 400, framed('Content-Length : 3')],
  ['space before the colon of chunks', 400, framed('Transfer-Encoding : chunked')],
  ['a tab before a colon', 400, field('X\t: a')],
  ['a space in a name', 400, field('a b: c')],
  ['@ in a name', 400, field('a@b: c')],
  ['raw non-ASCII in a name', 400, field('a\xe9: c')],
  ['a line without a colon', 400, field('nothing')],
  ['a folded line', 400, field('X: a\r\n b')],
  ['a folded first line', 400, `GET /a HTTP/1.1\r\n ${host}\r\n`],
  ['a bare LF in a value', 400, field('X: a\nY: b')],
  ['a bare LF at the end', 400, `GET /a HTTP/1.1\r\n${host}\n`],
  ['bare LF throughout', 505, 'GET /a HTTP/1.1\nHost: test\n\n'],
  ['NUL in a value', 400, field('X: a\0b')],
  ['NUL in a name', 400, field('X\0: a')],
  ['NUL in the target', 505, target('/a\0')],
  ['a control character in a value', 400, field('X: a\x01b')],
  ['two hosts', 400, `GET /a HTTP/1.1\r\n${host}Host: other\r\n\r\n`],
  ['a host twice', 400, `GET /a HTTP/1.1\r\n${host}${host}\r\n`],
  ['no host', 400, 'GET /a HTTP/1.1\r\nX: a\r\n\r\n'],
  ['no header line', 400, 'GET /a HTTP/1.1\r\n\r\n'],
  ['the absolute form', 505, target('http://test/a')],
  ['the authority form', 505, target('test:80')],
  ['the asterisk form', 505, `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
  ['CONNECT', 505, `CONNECT test:80 HTTP/1.1\r\n${host}\r\n`],
  ['a target without a slash', 505, target('a')],
  ['a space in the target', 505, target('/a b')],
  ['two spaces', 505, `GET  /a HTTP/1.1\r\n${host}\r\n`],
  ['tabs for spaces', 505, `GET\t/a\tHTTP/1.1\r\n${host}\r\n`],
  ['HTTP/1.0', 505, `GET /a HTTP/1.0\r\n${host}\r\n`],
  ['HTTP/1.2', 505, `GET /a HTTP/1.2\r\n${host}\r\n`],
  ['HTTP/2.0', 505, `GET /a HTTP/2.0\r\n${host}\r\n`],
  ['HTTP/1.1x', 505, `GET /a HTTP/1.1x\r\n${host}\r\n`],
  ['a head of 20 kB', 431, field(`X: ${'a'.repeat(20_000)}`)],
  ['a target of 20 kB', 431, target(`/${'a'.repeat(20_000)}`)],
  ['a chunk size that is not hex', 400, chunked('zz\r\nabc\r\n0\r\n\r\n')],
  ['a negative chunk size', 400, chunked('-1\r\nabc\r\n0\r\n\r\n')],
  ['a chunk size of 80 bits', 400, chunked('ffffffffffffffffffff\r\nabc\r\n0\r\n\r\n')],
  ['a chunk size with 0x', 400, chunked('0x3\r\nabc\r\n0\r\n\r\n')],
  ['trailers', 505, chunked('0\r\nX: a\r\n\r\n')],
];

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

/** What the origin saw of bytes, and then of an ordinary request that came after them. */
async function seenAfter(bytes: string): Promise<string[]> {
  const client = await RawClient.connect(gateway.port);
  client.send(bytes);
  const seen = (): string[] => origin.seen.map(({ url }) => url);
  await until('it is closed or read on', () => client.closed || seen().includes('/smuggled'));
  client.close();
  await exchange(gateway.port, get('/after'));
  return seen();
}

describe('alone', () => {
  test.each(byGateway)('%s: %s and a close', async (_name, code, bytes) => {
    const client = await RawClient.connect(gateway.port);
    client.send(bytes);
    const { status, headers, body } = await client.response();
    expect(status).toBe(400);
    expect(headers['content-type']).toEqual(['application/problem+json']);
    expect(headers['connection']).toEqual(['close']);
    expect(JSON.parse(body)).toMatchObject({
      type: `urn:cutover:problem:${code}`,
      title: 'Bad Request',
      status: 400,
      code,
    });
    await client.ended();
    expect(client.rest).toBe('');
    expect(origin.seen).toEqual([]);
  });

  test.each(byParser)('%s: %i and a close', async (_name, wanted, bytes) => {
    const client = await RawClient.connect(gateway.port);
    client.send(bytes);
    expect((await client.response()).status).toBe(wanted);
    await client.ended();
    expect(client.rest).toBe('');
    expect(origin.seen).toEqual([]);
  });
});

describe('with a request behind it that must not be read', () => {
  test.each(byGateway)('%s', async (_name, _code, bytes) => {
    expect(await seenAfter(bytes + smuggled)).toEqual(['/after']);
  });

  test.each(byParser)('%s', async (_name, _status, bytes) => {
    expect(await seenAfter(bytes + smuggled)).not.toContain('/smuggled');
  });
});
