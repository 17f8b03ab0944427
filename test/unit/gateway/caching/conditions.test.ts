// Goal: a client's conditions are answered from the store as RFC 9110, section 13 says, and the
// origin is asked by the stored validators. Method: tables of condition and validators.
import { describe, expect, test } from 'vitest';
import {
  answerCondition,
  askOrigin,
  hasCondition,
  notModifiedHeaders,
  type Validators,
} from '../../../../src/gateway/caching/conditions.ts';
import { headerLines, linesOf } from '../../../kit/header-lines.ts';

const monday = 'Mon, 05 Jan 2026 10:00:00 GMT';
const tuesday = 'Tue, 06 Jan 2026 10:00:00 GMT';
const wednesday = 'Wed, 07 Jan 2026 10:00:00 GMT';

function entry(parts: Partial<Validators>): Validators {
  return { status: 200, etag: '', lastModified: '', ...parts };
}

const answer = (stored: Partial<Validators>, lines: readonly string[], method = 'GET') =>
  answerCondition(method, headerLines(...lines), entry(stored));

describe('RFC 9110 section 13.1.2: If-None-Match', () => {
  test.each([
    ['"a"', '"a"', 'not-modified'],
    ['"a"', 'W/"a"', 'not-modified'],
    ['W/"a"', '"a"', 'not-modified'],
    ['W/"a"', 'W/"a"', 'not-modified'],
    ['"a"', '"b", "a" , W/"c"', 'not-modified'],
    ['"a,b"', '"x", "a,b"', 'not-modified'],
    ['"a\\"', '"a\\", "b"', 'not-modified'],
    ['"a"', '*', 'not-modified'],
    ['', '*', 'not-modified'],
    ['"a"', '"A"', 'full'],
    ['"a"', 'a', 'full'],
    ['"a"', 'w/"a"', 'full'],
    ['"a"', '"x"', 'full'],
    ['"b"', '"a,b"', 'full'],
    ['', '""', 'full'],
    ['"a"', '', 'full'],
  ])('a stored %s against %s: %s', (etag, list, expected) => {
    expect(answer({ etag }, [`if-none-match: ${list}`])).toBe(expected);
  });

  test('lines are one list', () => {
    const lines = ['if-none-match: "x"', 'if-none-match: "a"'];
    expect(answer({ etag: '"a"' }, lines)).toBe('not-modified');
  });

  test('section 13.2.2: it hides If-Modified-Since', () => {
    const lines = ['if-none-match: "x"', `if-modified-since: ${wednesday}`];
    expect(answer({ etag: '"a"', lastModified: monday }, lines)).toBe('full');
  });
});

describe('RFC 9110 section 13.1.3: If-Modified-Since', () => {
  test.each([
    [{ lastModified: tuesday }, tuesday, 'not-modified'],
    [{ lastModified: tuesday }, wednesday, 'not-modified'],
    [{ lastModified: tuesday }, monday, 'full'],
    [{ lastModified: tuesday }, 'Tuesday, 06-Jan-26 10:00:00 GMT', 'not-modified'],
    [{ lastModified: tuesday }, 'foo', 'full'],
    [{ lastModified: 'foo' }, wednesday, 'full'],
    [{ date: tuesday }, tuesday, 'not-modified'],
    [{ date: tuesday }, monday, 'full'],
    [{}, wednesday, 'full'],
  ])('%j since %s: %s', (stored, since, expected) => {
    expect(answer(stored, [`if-modified-since: ${since}`])).toBe(expected);
  });
});

describe('RFC 9111 section 4.3.2: what a cache weighs', () => {
  const lines = ['if-none-match: "a"'];

  test('conditions on a GET or HEAD for a response that was successful', () => {
    expect(answer({ etag: '"a"' }, lines, 'HEAD')).toBe('not-modified');
    expect(answer({ etag: '"a"' }, lines, 'POST')).toBe('full');
    expect(answer({ etag: '"a"', status: 404 }, lines)).toBe('full');
    expect(answer({ etag: '"a"', status: 301 }, lines)).toBe('full');
    expect(answer({ etag: '"a"' }, [])).toBe('full');
  });

  test.each(['if-match: "a"', `if-unmodified-since: ${monday}`])('%s is the origin’s', (line) => {
    expect(answer({ etag: '"a"' }, [line, ...lines])).toBe('forward');
  });

  test('whether there is anything to weigh', () => {
    expect(hasCondition(headerLines('host: a', 'accept: */*'))).toBe(false);
    for (const line of ['if-none-match: "a"', 'range: bytes=0-1', `if-modified-since: ${monday}`]) {
      expect(hasCondition(headerLines('host: a', line))).toBe(true);
    }
  });
});

describe('RFC 9111 section 4.3.1: asking the origin', () => {
  test('both validators replace the client’s own conditions', () => {
    const headers = headerLines(
      'host: a',
      'if-none-match: "x", "y"',
      'range: bytes=0-1',
      'if-match: "z"',
    );
    expect(askOrigin(headers, entry({ etag: 'W/"a"', lastModified: monday }))).toBe(true);
    expect(linesOf(headers)).toEqual([
      'host: a',
      'if-none-match: W/"a"',
      `if-modified-since: ${monday}`,
    ]);
  });

  test('without a validator it is asked for the whole', () => {
    const headers = headerLines('host: a', 'if-none-match: "x"');
    expect(askOrigin(headers, entry({}))).toBe(false);
    expect(linesOf(headers)).toEqual(['host: a']);
  });
});

describe('RFC 9110 section 15.4.5: a 304 made from what is stored', () => {
  test('says all but what describes a body', () => {
    const stored = headerLines(
      'date: d',
      'etag: "a"',
      'last-modified: m',
      'content-type: text/plain',
      'content-encoding: br',
      'content-language: en',
      'content-location: /a',
      'content-security-policy: x',
      'vary: a',
      'cache-control: max-age=1',
      'expires: e',
    );
    expect(notModifiedHeaders(stored).names).toEqual([
      'date',
      'etag',
      'content-location',
      'content-security-policy',
      'vary',
      'cache-control',
      'expires',
    ]);
    expect(notModifiedHeaders(headerLines('last-modified: m')).names).toEqual(['last-modified']);
  });
});
