// Goal: a response of an upstream is framed as RFC 9112 says. Method: whole responses as text, and
// what the parser told of them.
import { describe, expect, test } from 'vitest';
import { head, parse, parsePieces } from '../../../kit/parsed.ts';

describe('length of the body', () => {
  const cases = [
    ['a length', `${head('200 OK', 'Content-Length: 5')}hello`, 5, 'hello', true],
    ['a length of zero', head('200 OK', 'Content-Length: 0'), 0, '', true],
    [
      'the same length twice',
      `${head('200 OK', 'Content-Length: 2', 'Content-Length: 2')}ab`,
      2,
      'ab',
      true,
    ],
    [
      'chunks',
      `${head('200 OK', 'Transfer-Encoding: chunked')}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n`,
      -1,
      'abcde',
      true,
    ],
    [
      'chunks in any case',
      `${head('200 OK', 'TRANSFER-ENCODING: Chunked')}1\r\na\r\n0\r\n\r\n`,
      -1,
      'a',
      true,
    ],
    [
      'no chunks but the last',
      `${head('200 OK', 'Transfer-Encoding: chunked')}0\r\n\r\n`,
      -1,
      '',
      true,
    ],
    [
      'hex digits of both cases',
      `${head('200 OK', 'Transfer-Encoding: chunked')}A\r\n0123456789\r\n0b\r\n0123456789a\r\n0\r\n\r\n`,
      -1,
      '01234567890123456789a',
      true,
    ],
    [
      'chunk extensions',
      `${head('200 OK', 'Transfer-Encoding: chunked')}3;a=b;c="d"\r\nabc\r\n0 ;last\r\n\r\n`,
      -1,
      'abc',
      true,
    ],
    [
      'trailers',
      `${head('200 OK', 'Transfer-Encoding: chunked')}1\r\na\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n`,
      -1,
      'a',
      true,
    ],
    [
      'line ends inside of chunks',
      `${head('200 OK', 'Transfer-Encoding: chunked')}6\r\n\r\n0\r\n\r\r\n0\r\n\r\n`,
      -1,
      '\r\n0\r\n\r',
      true,
    ],
  ] as const;

  test.each(cases)('%s', (_name, text, contentLength, body, reusable) => {
    const parsed = parse(text);
    expect(parsed).toMatchObject({ fail: '', body, ends: 1, reusable, done: true });
    expect(parsed.heads.map((one) => one.contentLength)).toEqual([contentLength]);
  });

  test('without one it is all until the close', () => {
    const parsed = parse(`${head('200 OK')}all of it`, { close: true });
    expect(parsed).toMatchObject({ fail: '', body: 'all of it', ends: 1, reusable: false });
    expect(parsed.heads[0]?.contentLength).toBe(-1);
  });

  test('an empty body until the close', () => {
    expect(parse(head('200 OK'), { close: true })).toMatchObject({ body: '', ends: 1, fail: '' });
  });

  test.each([
    ['in its head', 'HTTP/1.1 200 OK\r\nContent-Len'],
    ['in a sized body', `${head('200 OK', 'Content-Length: 9')}hello`],
    ['in a chunk', `${head('200 OK', 'Transfer-Encoding: chunked')}5\r\nab`],
    ['before the last chunk', `${head('200 OK', 'Transfer-Encoding: chunked')}2\r\nab\r\n`],
    [
      'before the end of the trailers',
      `${head('200 OK', 'Transfer-Encoding: chunked')}0\r\nX: 1\r\n`,
    ],
  ])('a close %s is no end', (_name, text) => {
    expect(parse(text, { close: true })).toMatchObject({ ends: 0, done: false });
  });

  test.each([
    ['204', head('204 No Content'), false],
    ['204 with a length', head('204 No Content', 'Content-Length: 5'), false],
    ['304 with a length', head('304 Not Modified', 'Content-Length: 5'), false],
    ['304 with chunks', head('304 Not Modified', 'Transfer-Encoding: chunked'), false],
    ['the answer to HEAD', head('200 OK', 'Content-Length: 5'), true],
    ['the answer to HEAD without a length', head('200 OK'), true],
    ['the answer to HEAD with chunks', head('200 OK', 'Transfer-Encoding: chunked'), true],
  ])('%s has no body', (_name, text, toHead) => {
    expect(parse(text, { toHead })).toMatchObject({ body: '', ends: 1, fail: '', reusable: true });
  });

  test('the answer to HEAD tells the length of the body that GET would have', () => {
    const parsed = parse(head('200 OK', 'Content-Length: 1234'), { toHead: true });
    expect(parsed.heads[0]?.contentLength).toBe(1234);
  });

  test('205 has the body that its length says', () => {
    const parsed = parse(`${head('205 Reset Content', 'Content-Length: 2')}ab`);
    expect(parsed).toMatchObject({ body: 'ab', ends: 1, fail: '' });
  });
});

describe('interim responses', () => {
  test('are passed over', () => {
    const parsed = parse(
      head('100 Continue') +
        head('103 Early Hints', 'Link: </a.css>', 'Content-Length: 3') +
        `${head('200 OK', 'Content-Length: 2')}ok`,
    );
    expect(parsed.heads.map(({ status }) => status)).toEqual([200]);
    expect(parsed).toMatchObject({ body: 'ok', ends: 1, fail: '' });
  });

  test('a switch of protocols is refused', () => {
    const parsed = parse(head('101 Switching Protocols', 'Upgrade: websocket'));
    expect(parsed).toMatchObject({ fail: 'it switched protocols unasked', reusable: false });
    expect(parsed.heads).toEqual([]);
  });
});

describe('fields of the head', () => {
  test('keep their order, and their names become lower case', () => {
    const parsed = parse(head('200 OK', 'X-B: 1', 'x-a:2', 'X-B:  3 \t', 'Content-Length: 0'));
    expect(parsed.heads[0]?.names).toEqual(['x-b', 'x-a', 'x-b']);
    expect(parsed.heads[0]?.values).toEqual(['1', '2', '3']);
  });

  test('those of one connection are left out', () => {
    const parsed = parse(
      head(
        '200 OK',
        'Connection: keep-alive',
        'Keep-Alive: timeout=5, max=100',
        'Proxy-Connection: keep-alive',
        'TE: trailers',
        'Trailer: X-Sum',
        'Upgrade: h2c',
        'Content-Length: 0',
        'Server: origin',
      ),
    );
    expect(parsed.heads[0]?.names).toEqual(['server']);
    expect(parsed.heads[0]?.keepAliveSeconds).toBe(5);
  });

  test('bytes over 0x7f stay as they are', () => {
    const parsed = parse(head('200 OK', 'Content-Length: 0', 'X-Name: Gr\xfc\xdfe'));
    expect(parsed.heads[0]?.values).toEqual(['Gr\xfc\xdfe']);
  });

  test('a value that ends with the byte 0xa0 keeps it', () => {
    const value = Buffer.from('voilà').toString('latin1');
    const parsed = parse(head('200 OK', 'Content-Length: 0', `X-Name: ${value}`));
    expect(parsed.heads[0]?.values).toEqual([value]);
  });

  test('an empty value is a value', () => {
    const parsed = parse(head('200 OK', 'Content-Length: 0', 'X-Empty:', 'X-Blank:  '));
    expect(parsed.heads[0]?.values).toEqual(['', '']);
  });

  test('a reason may be missing', () => {
    expect(parse('HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n').heads[0]?.status).toBe(200);
    expect(parse('HTTP/1.1 299 \r\nContent-Length: 0\r\n\r\n').heads[0]?.status).toBe(299);
  });
});

describe('whether the connection may carry another exchange', () => {
  test.each([
    ['HTTP/1.1', 'X: y', true],
    ['HTTP/1.1', 'Connection: keep-alive', true],
    ['HTTP/1.1', 'Connection: close', false],
    ['HTTP/1.1', 'Connection: Keep-Alive, Close', false],
    ['HTTP/1.1', 'Connection: x-a\r\nConnection: close', false],
    ['HTTP/1.0', 'X: y', false],
    ['HTTP/1.0', 'Connection: keep-alive', false],
  ])('%s with %s: %s', (version, line, reusable) => {
    const parsed = parse(`${version} 200 OK\r\n${line}\r\nContent-Length: 0\r\n\r\n`);
    expect(parsed).toMatchObject({ fail: '', ends: 1, reusable });
  });

  test('the values of Connection are told as one list', () => {
    const parsed = parse(head('200 OK', 'Connection: x-a', 'Connection: x-b', 'Content-Length: 0'));
    expect(parsed.heads[0]?.connection).toBe('x-a, x-b');
  });

  test('bytes after the end of the response are an error', () => {
    const parsed = parse(`${head('200 OK', 'Content-Length: 2')}abc`);
    expect(parsed).toMatchObject({ body: 'ab', ends: 1, reusable: false });
    expect(parsed.fail).toBe('bytes came after the end of the response');
  });

  test('nothing is read after an error', () => {
    const good = `${head('200 OK', 'Content-Length: 2')}ab`;
    const parsed = parsePieces(['HTTP/2 200\r\n\r\n', good]);
    expect(parsed).toMatchObject({ heads: [], body: '', ends: 0, reusable: false });
  });
});
