// Goal: what could be framed in two ways is refused. Method: one malformed response each; nothing
// of it may be told as a head, or as an end.
import { describe, expect, test } from 'vitest';
import { head, parse, parsePieces } from '../../../kit/parsed.ts';

const chunked = head('200 OK', 'Transfer-Encoding: chunked');

describe('heads', () => {
  test.each([
    ['two lengths', 'Content-Length: 1\r\nContent-Length: 2'],
    ['a list of lengths', 'Content-Length: 1, 1'],
    ['a length with a sign', 'Content-Length: +1'],
    ['a negative length', 'Content-Length: -1'],
    ['a hexadecimal length', 'Content-Length: 0x1'],
    ['an empty length', 'Content-Length:'],
    ['a length with a fraction', 'Content-Length: 1.0'],
    ['a length past what can be counted', 'Content-Length: 9999999999999999'],
    ['a length with chunks', 'Content-Length: 1\r\nTransfer-Encoding: chunked'],
    ['chunks with a length', 'Transfer-Encoding: chunked\r\nContent-Length: 1'],
    ['an unknown coding', 'Transfer-Encoding: xchunked'],
    ['a coding before chunks', 'Transfer-Encoding: gzip, chunked'],
    ['a coding after chunks', 'Transfer-Encoding: chunked, gzip'],
    ['chunks twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'],
    ['chunks twice in a list', 'Transfer-Encoding: chunked, chunked'],
    ['an empty coding', 'Transfer-Encoding:'],
    ['no colon', 'X-A'],
    ['no name', ': value'],
    ['a blank before the colon', 'Content-Length : 1'],
    ['a folded line', 'X-A: b\r\n c'],
    ['a folded line that looks like a field', 'X-A: b\r\n Content-Length: 1'],
    ['a line end without CR', 'X-A: b\nContent-Length: 1'],
    ['a line end without LF', 'X-A: b\rContent-Length: 1'],
    ['a doubled CR', 'X-A: b\r\r\nX-B: c'],
    ['a NUL', 'X-A: b\0c'],
    ['a DEL', 'X-A: b\x7fc'],
    ['a name in brackets', '(X-A): b'],
    ['a name past ASCII', 'X-\xe4: b'],
  ])('%s', (_name, lines) => {
    const parsed = parse(`HTTP/1.1 200 OK\r\n${lines}\r\n\r\na`, { close: true });
    expect(parsed.fail).not.toBe('');
    expect(parsed).toMatchObject({ heads: [], body: '', ends: 0, reusable: false });
  });

  test.each(['Content-Length: \xa01', 'Content-Length: 1\xa0'])(
    'a length beside the byte 0xa0',
    (line) => {
      expect(parse(`${head('200 OK', line)}a`).fail).not.toBe('');
    },
  );

  test('a coding beside the byte 0xa0', () => {
    expect(parse(`${head('200 OK', 'Transfer-Encoding: chunked\xa0')}0\r\n\r\n`).fail).not.toBe('');
  });

  test('HTTP/1.0 with chunks', () => {
    const text = 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(parse(text).fail).not.toBe('');
  });
});

describe('status lines', () => {
  test.each([
    '',
    'HTTP/1.1',
    'HTTP/1.1 OK',
    'HTTP/1.1  200 OK',
    'HTTP/1.1\t200 OK',
    'HTTP/1.1 20 OK',
    'HTTP/1.1 099 OK',
    'HTTP/1.1 600 OK',
    'HTTP/1.1 -20 OK',
    'HTTP/1.2 200 OK',
    'HTTP/1.10 200 OK',
    'HTTP/2 200 OK',
    'http/1.1 200 OK',
    'ICY 200 OK',
    ' HTTP/1.1 200 OK',
    '\r\nHTTP/1.1 200 OK',
  ])('%j', (line) => {
    const parsed = parse(`${line}\r\nContent-Length: 0\r\n\r\n`);
    expect(parsed.fail).not.toBe('');
    expect(parsed).toMatchObject({ heads: [], ends: 0, reusable: false });
  });

  test.each(['HTTP/1.1 2e2 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 200OK', 'HTTP/1.1 200\tOK'])(
    '%j',
    (line) => {
      expect(parse(`${line}\r\nContent-Length: 0\r\n\r\n`).fail).not.toBe('');
    },
  );
});

describe('chunks', () => {
  test.each([
    ['no size', '\r\n'],
    ['a sign', '+1\r\na\r\n0\r\n\r\n'],
    ['a blank in front', ' 1\r\na\r\n0\r\n\r\n'],
    ['a prefix', '0x1\r\na\r\n0\r\n\r\n'],
    ['a letter past f', 'g\r\na\r\n0\r\n\r\n'],
    ['more than 8 digits', '100000001\r\na\r\n0\r\n\r\n'],
    ['two sizes', '1 1\r\na\r\n0\r\n\r\n'],
    ['an extension without a semicolon', '1 a\r\na\r\n0\r\n\r\n'],
    ['LF alone after the size', '1\na\r\n0\r\n\r\n'],
    ['LF alone in an extension', '1;a\nb\r\na\r\n0\r\n\r\n'],
    ['CR alone in an extension', '1;a\rb\r\na\r\n0\r\n\r\n'],
    ['a chunk longer than its size', '1\r\nab\r\n0\r\n\r\n'],
    ['LF alone after a chunk', '1\r\na\n0\r\n\r\n'],
    ['bytes after the end', '0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ])('%s', (_name, body) => {
    const parsed = parse(chunked + body);
    expect(parsed.fail).not.toBe('');
    expect(parsed.reusable).toBe(false);
  });

  test.each([
    ['size', '1'.repeat(1200)],
    ['extension', `1;${'a'.repeat(1200)}`],
  ])('a %s that never ends', (_name, line) => {
    expect(parsePieces([chunked, ...line]).fail).toBe('a line of its chunks is too long');
  });

  test('trailers that never end', () => {
    const trailers = new Array(700).fill(`x: ${'y'.repeat(100)}\r\n`);
    expect(parsePieces([`${chunked}0\r\n`, ...trailers]).fail).toBe('its trailers are too long');
  });

  test.each(['\nHTTP/1.1 200 OK', 'x: a\nb', 'x: a\rb', 'x: \0', 'no colon'])(
    'a malformed trailer %j',
    (line) => {
      expect(parse(`${chunked}0\r\n${line}\r\n\r\n`).fail).not.toBe('');
    },
  );
});

describe('limits', () => {
  test('a head that never ends', () => {
    const pieces = new Array(70).fill(`x: ${'y'.repeat(1024)}\r\n`);
    const parsed = parsePieces(['HTTP/1.1 200 OK\r\n', ...pieces]);
    expect(parsed).toMatchObject({ fail: 'its head is too long', heads: [], reusable: false });
  });

  const longHead = head('200 OK', 'Content-Length: 0', `x: ${'y'.repeat(90 * 1024)}`);

  test('a head over the limit whose end comes in the second piece', () => {
    const parsed = parsePieces([longHead.slice(0, 60_000), longHead.slice(60_000)]);
    expect(parsed.fail).toBe('its head is too long');
  });

  test('a long extension fares the same in one piece and in many', () => {
    const text = `${chunked}1;${'a'.repeat(2000)}\r\na\r\n0\r\n\r\n`;
    expect(parsePieces([...text]).fail).toBe(parse(text).fail);
  });

  test('a trailer of 2000 bytes fares the same in one piece and in many', () => {
    const text = `${chunked}0\r\nx: ${'y'.repeat(2000)}\r\n\r\n`;
    expect(parsePieces([...text])).toEqual(parse(text));
  });
});
