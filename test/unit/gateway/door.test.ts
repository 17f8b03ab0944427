// Goal: what two parsers could read differently does not get past the door. Method: header lines
// and paths as a request would bring them, and the code that refuses them.
import { describe, expect, test } from 'vitest';
import {
  checkHeaders,
  checkPath,
  isFieldValue,
  isHost,
  isTargetText,
  isToken,
  RequestHeaders,
  requestBit,
} from '../../../src/gateway/door.ts';

type Line = readonly [name: string, value: string];
const host: Line = ['host', 'test'];

function headersOf(...lines: readonly Line[]): RequestHeaders {
  const headers = new RequestHeaders();
  for (const [name, value] of lines) headers.line(name, value);
  return headers;
}

describe('a request asks for its connection to be closed', () => {
  test.each<[string[], boolean]>([
    [[], false],
    [['keep-alive'], false],
    [['TE'], false],
    [['closed, x-close, close-it'], false],
    [['TE, close'], true],
    [['keep-alive,\tClose\t,x'], true],
    [['keep-alive', 'close'], true],
    [['x', 'keep-alive'], false],
  ])('with Connection %j: %s', (values, asks) => {
    const headers = headersOf(host, ...values.map((value): Line => ['connection', value]));
    expect([headers.asksClose, headers.hasConnection]).toEqual([asks, values.length > 0]);
    headers.clear();
    expect(headers.asksClose).toBe(false);
  });

  test('in one word, which uWebSockets.js knows itself', () => {
    expect(headersOf(host, ['connection', 'close']).asksClose).toBe(false);
  });
});

describe('header lines', () => {
  test.each<[string, Line[], string]>([
    ['a host alone', [host], ''],
    ['no host', [], 'bad-host'],
    ['two hosts', [host, host], 'bad-host'],
    ['an empty host', [['host', '']], 'bad-host'],
    ['an empty host after a good one', [host, ['host', '']], 'bad-host'],
    ['a host with a user', [['host', 'a@b']], 'bad-host'],
    ['a length', [host, ['content-length', '12']], ''],
    ['a length of zero', [host, ['content-length', '0']], ''],
    ['two lengths', [host, ['content-length', '1'], ['content-length', '2']], 'bad-content-length'],
    [
      'the same length twice',
      [host, ['content-length', '1'], ['content-length', '1']],
      'bad-content-length',
    ],
    ['an empty length', [host, ['content-length', '']], 'bad-content-length'],
    [
      'an empty length before a good one',
      [host, ['content-length', ''], ['content-length', '5']],
      'bad-content-length',
    ],
    ['a list of lengths', [host, ['content-length', '1, 1']], 'bad-content-length'],
    ['a length with a sign', [host, ['content-length', '+1']], 'bad-content-length'],
    ['a negative length', [host, ['content-length', '-1']], 'bad-content-length'],
    ['a hexadecimal length', [host, ['content-length', '0x1']], 'bad-content-length'],
    [
      'a length past what can be counted',
      [host, ['content-length', '9'.repeat(16)]],
      'bad-content-length',
    ],
    ['a length with a blank', [host, ['content-length', '1 ']], 'bad-content-length'],
    ['chunks', [host, ['transfer-encoding', 'chunked']], ''],
    ['chunks in another case', [host, ['transfer-encoding', 'CHUNKED']], ''],
    [
      'chunks and a length',
      [host, ['transfer-encoding', 'chunked'], ['content-length', '1']],
      'bad-transfer-encoding',
    ],
    [
      'a length of zero and chunks',
      [host, ['content-length', '0'], ['transfer-encoding', 'chunked']],
      'bad-transfer-encoding',
    ],
    [
      'chunks twice',
      [host, ['transfer-encoding', 'chunked'], ['transfer-encoding', 'chunked']],
      'bad-transfer-encoding',
    ],
    [
      'gzip, then chunks in a line of their own',
      [host, ['transfer-encoding', 'gzip'], ['transfer-encoding', 'chunked']],
      'bad-transfer-encoding',
    ],
    ['gzip before chunks', [host, ['transfer-encoding', 'gzip, chunked']], 'bad-transfer-encoding'],
    ['chunks before gzip', [host, ['transfer-encoding', 'chunked, gzip']], 'bad-transfer-encoding'],
    ['an unknown coding', [host, ['transfer-encoding', 'xchunked']], 'bad-transfer-encoding'],
    ['identity', [host, ['transfer-encoding', 'identity']], 'bad-transfer-encoding'],
    ['an empty coding', [host, ['transfer-encoding', '']], 'bad-transfer-encoding'],
    ['chunks with a blank', [host, ['transfer-encoding', 'chunked ']], 'bad-transfer-encoding'],
    [
      'chunks with a tab in front',
      [host, ['transfer-encoding', '\tchunked']],
      'bad-transfer-encoding',
    ],
    ['an expectation', [host, ['expect', '100-continue']], ''],
    ['an expectation in another case', [host, ['expect', '100-Continue']], ''],
    ['an unknown expectation', [host, ['expect', '200-ok']], 'bad-expect'],
    ['an empty expectation', [host, ['expect', '']], 'bad-expect'],
    ['an empty name', [host, ['', 'x']], 'bad-header-name'],
    ['the first problem of two', [host, ['expect', 'x'], ['', 'x']], 'bad-expect'],
  ])('%s', (_name, lines, code) => {
    expect(checkHeaders(headersOf(...lines))).toBe(code);
  });

  test.each<[string, Line[], boolean]>([
    ['nothing', [host], false],
    ['a length', [host, ['content-length', '1']], true],
    ['a length of zero', [host, ['content-length', '0']], false],
    ['chunks', [host, ['transfer-encoding', 'chunked']], true],
  ])('a request with %s has a body: %s', (_name, lines, hasBody) => {
    expect(headersOf(...lines).hasBody).toBe(hasBody);
  });

  test('a list that is used again remembers nothing', () => {
    const headers = headersOf(
      host,
      ['', 'x'],
      ['expect', '100-continue'],
      ['connection', 'close'],
      ['content-length', '1'],
      ['transfer-encoding', 'chunked'],
    );
    headers.clear();
    expect({ ...headers, line: null }).toEqual({ ...new RequestHeaders(), line: null });
  });
});

describe('fields that Connection lists', () => {
  const names = (headers: RequestHeaders) => {
    headers.dropListed();
    return headers.names.filter((name) => name !== 'host');
  };

  test('are no part of the request, nor what they say of caches', () => {
    const headers = headersOf(
      host,
      ['x-a', '1'],
      ['connection', 'close, X-A ,\tauthorization'],
      ['x-b', '2'],
      ['connection', 'cache-control,x-c'],
      ['x-c', '3'],
      ['authorization', 'Bearer a'],
      ['cache-control', 'no-store'],
      ['range', 'bytes=0-1'],
    );
    expect(names(headers)).toEqual(['connection', 'x-b', 'connection', 'range']);
    expect(headers.cacheBits).toBe(requestBit.range);
  });

  test('stay where they say how the request is framed and whom it is for', () => {
    const lines: Line[] = [
      ['connection', 'host, content-length, te, keep-alive'],
      ['content-length', '5'],
      ['te', 'trailers'],
    ];
    const headers = headersOf(host, ...lines);
    expect(names(headers)).toEqual(['connection', 'content-length', 'te']);
    expect([headers.host, headers.hasBody]).toEqual([host[1], true]);
  });
});

describe('hosts', () => {
  test.each([
    'a',
    'shop.example',
    'SHOP.example:8080',
    'a:0',
    'a_b',
    '127.0.0.1',
    '127.0.0.1:80',
    '[::1]',
    '[::1]:8080',
    '[::ffff:1.2.3.4]',
    'xn--bcher-kva.example',
    'a.',
    `${'a'.repeat(253)}:65535`,
  ])('%j', (text) => {
    expect(isHost(text)).toBe(true);
  });

  test.each([
    '',
    ' ',
    'a b',
    'a ',
    ' a',
    'a\t',
    'user@a',
    'a/b',
    '/',
    'a?b',
    'a#b',
    'a\\b',
    'http://a',
    'a:b',
    'a:-1',
    'a:+1',
    ':80',
    'a:80:80',
    'a:123456',
    '[]',
    '[::1',
    '::1',
    '[::1]a',
    '[::1]:',
    '[g::1]',
    '[::1%25eth0]',
    'a\0',
    'a\x7f',
    'b\xfccher',
    'a"b',
    'a<b',
    'a^b',
    'a`b',
    'a{b',
    'a|b',
    'a]',
    '\u010a',
    'a'.repeat(260),
  ])('not %j', (text) => {
    expect(isHost(text)).toBe(false);
  });
});

describe('paths', () => {
  test.each([
    '/',
    '/a',
    '/a/b.html',
    '/a//b',
    '/a;b=c',
    '/.hidden',
    '/a..b',
    '/a.',
    '/...',
    "/!$&'()*+,;=:@-._~",
  ])('%s is used as it is', (path) => {
    expect(checkPath(path) ?? { path, code: '' }).toEqual({ path, code: '' });
  });

  test.each([
    ['/%61', '/a'],
    ['/%7Euser', '/~user'],
    ['/a%2fb', '/a%2Fb'],
    ['/caf%c3%a9', '/caf%C3%A9'],
    ['/%2525', '/%2525'],
    ['/a%3Fb%23', '/a%3Fb%23'],
    ['/%20', '/%20'],
    ['/%2e%2e%2e', '/...'],
  ])('%s becomes %s', (path, normal) => {
    expect(checkPath(path)).toEqual({ path: normal, code: '' });
  });

  test.each([
    ['', 'bad-target'],
    ['a', 'bad-target'],
    ['*', 'bad-target'],
    ['http://a/b', 'bad-target'],
    ['/a b', 'bad-target'],
    ['/a#b', 'bad-target'],
    ['/a\tb', 'bad-target'],
    ['/a\0b', 'bad-target'],
    ['/a\x7f', 'bad-target'],
    ['/\xe4', 'bad-target'],
    ['/\u0141', 'bad-target'],
    ['/a\\b', 'bad-target'],
    ['/%', 'bad-path-escape'],
    ['/%4', 'bad-path-escape'],
    ['/%zz', 'bad-path-escape'],
    ['/%4/', 'bad-path-escape'],
    ['/%u0041', 'bad-path-escape'],
    ['/.', 'bad-path-dot-segment'],
    ['/..', 'bad-path-dot-segment'],
    ['/a/../b', 'bad-path-dot-segment'],
    ['/a/./b', 'bad-path-dot-segment'],
    ['/%2e', 'bad-path-dot-segment'],
    ['/%2E%2e/a', 'bad-path-dot-segment'],
    ['/.%2e', 'bad-path-dot-segment'],
    ['/a/..%2fb', 'bad-path-dot-segment'],
    ['/a/..;v=1/b', 'bad-path-dot-segment'],
  ])('%j is refused: %s', (path, code) => {
    expect(checkPath(path)).toEqual({ path: '', code });
  });

  test.each(['/a%00', '/a%0d%0a', '/a%7f', '/a%5Cb'])('%s is a forbidden escape', (path) => {
    expect(checkPath(path)).toEqual({ path: '', code: 'bad-path-escape' });
  });
});

describe('characters', () => {
  test.each([
    ['GET', true],
    ["!#$%&'*+-.^_`|~09azAZ", true],
    ['', false],
    ['G T', false],
    ['G@T', false],
    ['G\xe4T', false],
    ['G\u0141T', false],
    ['GET\0', false],
  ])('%j is a token: %s', (text, expected) => {
    expect(isToken(text)).toBe(expected);
  });

  test('a field value holds visible ASCII, space and tab', () => {
    const good = Array.from({ length: 0x200 }, (_, code) => code).filter((code) =>
      isFieldValue(`a${String.fromCharCode(code)}b`),
    );
    const visible = Array.from({ length: 0x7f - 0x20 }, (_, index) => 0x20 + index);
    expect(good).toEqual([0x09, ...visible]);
    expect(isFieldValue('')).toBe(true);
  });

  test('a target holds visible ASCII without a number sign', () => {
    const good = Array.from({ length: 0x200 }, (_, code) => code).filter((code) =>
      isTargetText(String.fromCharCode(code)),
    );
    const visible = Array.from({ length: 0x7f - 0x21 }, (_, index) => 0x21 + index);
    expect(good).toEqual(visible.filter((code) => code !== 0x23));
    expect(isTargetText('')).toBe(true);
  });
});
