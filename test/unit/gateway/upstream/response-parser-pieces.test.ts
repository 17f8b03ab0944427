// Goal: where a network cuts a response does not matter. Method: the same bytes whole, cut at every
// place, byte by byte, and random responses in random pieces.
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { head, parse, parsePieces } from '../../../kit/parsed.ts';

const responses = {
  sized: `${head('200 OK', 'Content-Length: 5', 'X-A: b')}hello`,
  chunked: `${head('200 OK', 'Transfer-Encoding: chunked')}3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nX: 1\r\n\r\n`,
  'until close': `${head('200 OK', 'X-A: b')}hello\r\n\r\nworld`,
  'after an interim one': `${head('103 Early Hints', 'Link: </a>')}${head('204 No Content')}`,
  'with line ends in its body': `${head('200 OK', 'Content-Length: 8')}\r\n\r\n\r\n\r\n`,
  'with too much': `${head('200 OK', 'Content-Length: 1')}ab`,
  'with a broken chunk': `${head('200 OK', 'Transfer-Encoding: chunked')}2\r\nabc\r\n0\r\n\r\n`,
  'with a bare line end': 'HTTP/1.1 200 OK\r\nX: a\nb\r\n\r\n',
};

describe.each(Object.entries(responses))('a response %s', (_name, text) => {
  const whole = parse(text, { close: true });

  test('is the same cut at any place', () => {
    for (let at = 0; at <= text.length; at++) {
      expect(parsePieces([text.slice(0, at), text.slice(at)], { close: true })).toEqual(whole);
    }
  });

  test('is the same byte by byte', () => {
    expect(parsePieces([...text], { close: true })).toEqual(whole);
  });

  test('is the same cut at any two places', () => {
    for (let a = 0; a <= text.length; a += 3) {
      for (let b = a; b <= text.length; b += 2) {
        const pieces = [text.slice(0, a), text.slice(a, b), text.slice(b)];
        expect(parsePieces(pieces, { close: true })).toEqual(whole);
      }
    }
  });
});

const token = fc.stringMatching(/^x-[a-z0-9-]{1,12}$/);
const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
const fields = fc.array(fc.tuple(token, value), { maxLength: 8 });
const bytes = fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all).toString('latin1'));

interface Made {
  readonly text: string;
  readonly body: string;
  readonly names: readonly string[];
  readonly values: readonly string[];
}

const made: fc.Arbitrary<Made> = fc
  .record({
    kind: fc.constantFrom('sized', 'chunked', 'until close'),
    status: fc.integer({ min: 200, max: 599 }).filter((one) => one !== 204 && one !== 304),
    fields,
    trailers: fields,
    parts: fc.array(bytes, { maxLength: 6 }),
    extension: fc.constantFrom('', ';a=b', ' ; c="d"'),
    interim: fc.nat(2),
  })
  .map(({ kind, status, fields: list, trailers, parts, extension, interim }) => {
    const body = parts.join('');
    const lines = list.map(([name, text]) => `${name}: ${text}`);
    const last = trailers.map(([name, text]) => `${name}: ${text}\r\n`).join('');
    const chunks = parts
      .filter((part) => part !== '')
      .map((part) => `${part.length.toString(16)}${extension}\r\n${part}\r\n`);
    const framed = {
      sized: head(`${status} Made`, ...lines, `Content-Length: ${body.length}`) + body,
      chunked: `${head(`${status} Made`, 'Transfer-Encoding: chunked', ...lines)}${chunks.join('')}0\r\n${last}\r\n`,
      'until close': head(`${status} Made`, ...lines) + body,
    };
    return {
      text: head('100 Continue').repeat(interim) + framed[kind as keyof typeof framed],
      body,
      names: list.map(([name]) => name),
      values: list.map(([, text]) => text),
    };
  });

function cut(text: string, places: readonly number[]): string[] {
  const at = [...places.map((place) => place % (text.length + 1))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => text.slice(from, at[index] ?? text.length));
}

describe('random responses', () => {
  test('are read as they were made, in whatever pieces they come', () => {
    fc.assert(
      fc.property(made, fc.array(fc.nat(), { maxLength: 12 }), (response, places) => {
        const parsed = parsePieces(cut(response.text, places), { close: true });
        expect(parsed).toMatchObject({ fail: '', ends: 1, done: true, body: response.body });
        expect(parsed.heads).toHaveLength(1);
        expect(parsed.heads[0]?.names).toEqual(response.names);
        expect(parsed.heads[0]?.values).toEqual(response.values);
      }),
      { numRuns: 500, seed: 11 },
    );
  });

  test('with one byte changed are read the same, whole and in pieces', () => {
    const damaged = fc.tuple(made, fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        damaged,
        fc.array(fc.nat(), { maxLength: 12 }),
        ([{ text }, at, byte], places) => {
          const place = at % text.length;
          const other = text.slice(0, place) + String.fromCharCode(byte) + text.slice(place + 1);
          const pieces = parsePieces(cut(other, places), { close: true });
          expect(pieces).toEqual(parse(other, { close: true }));
        },
      ),
      { numRuns: 1000, seed: 12 },
    );
  });
});

test('reading many small chunks copies no byte more than a few times', () => {
  const chunks = '1\r\nx\r\n'.repeat(1000);
  const text = `${head('200 OK', 'Transfer-Encoding: chunked')}${chunks}0\r\n\r\n`;
  const from = vi.spyOn(Buffer, 'from');
  const concat = vi.spyOn(Buffer, 'concat');
  const parsed = parse(text);
  const given = from.mock.calls.map(([one]) => one as unknown);
  const joined = concat.mock.calls.flatMap(([list]) => [...list]);
  vi.restoreAllMocks();
  expect(parsed.body).toBe('x'.repeat(1000));
  const copied = [...given, ...joined].filter((one) => Buffer.isBuffer(one));
  const copiedBytes = copied.reduce((sum, one) => sum + one.length, 0);
  expect(copiedBytes).toBeLessThan(4 * text.length);
});
