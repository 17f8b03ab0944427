// Goal: one range of a stored whole is cut as RFC 9110, section 14 says. Method: a table, and a
// comparison with slices of an array over random ranges.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseRange,
  parseRange,
  partialHeaders,
  unsatisfiableHeaders,
} from '../../../../src/gateway/caching/ranges.ts';
import { headerLines, linesOf } from '../../../kit/header-lines.ts';

const modified = 'Mon, 05 Jan 2026 10:00:00 GMT';
const later = 'Mon, 05 Jan 2026 10:00:01 GMT';

describe('RFC 9110 section 14.1.2: byte ranges of ten bytes', () => {
  test.each([
    ['bytes=0-0', { from: 0, to: 1 }],
    ['bytes=2-4', { from: 2, to: 5 }],
    ['Bytes=2-4', { from: 2, to: 5 }],
    ['bytes= 2-4 ', { from: 2, to: 5 }],
    ['bytes=5-', { from: 5, to: 10 }],
    ['bytes=5-999', { from: 5, to: 10 }],
    ['bytes=-3', { from: 7, to: 10 }],
    ['bytes=-99', { from: 0, to: 10 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=10-12', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=4-2', 'ignore'],
    ['bytes=-', 'ignore'],
    ['bytes=a-b', 'ignore'],
    ['bytes=0-1,3-4', 'ignore'],
    ['bytes=0-1, 0-1', 'ignore'],
    ['items=0-1', 'ignore'],
    ['bytes', 'ignore'],
    ['bytes=0-9999999999999999', 'ignore'],
    ['', 'ignore'],
  ])('%s', (value, expected) => {
    expect(parseRange(value, 10)).toEqual(expected);
  });

  test('nothing of an empty body satisfies', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseRange('bytes=-5', 0)).toBe('unsatisfiable');
  });

  test('a range lies within the body', () => {
    const index = fc.option(fc.nat(30), { nil: undefined });
    fc.assert(
      fc.property(index, index, fc.nat(20), (first, last, length) => {
        const bytes = Array.from({ length }, (_, at) => at);
        const range = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, length);
        if (first === undefined && last === undefined) return range === 'ignore';
        if (first !== undefined && last !== undefined && last < first) return range === 'ignore';
        const cut =
          first === undefined
            ? bytes.slice(Math.max(0, length - (last ?? 0)))
            : bytes.slice(first, last === undefined ? undefined : last + 1);
        if (cut.length === 0) return range === 'unsatisfiable';
        if (typeof range === 'string') return false;
        expect(bytes.slice(range.from, range.to)).toEqual(cut);
        return true;
      }),
    );
  });
});

describe('RFC 9110 section 14.2: who gets a range', () => {
  const whole = { status: 200, etag: '"a"', lastModified: modified, date: later };
  const asked = headerLines('range: bytes=0-1');

  test('a GET for a 200', () => {
    expect(chooseRange('GET', asked, whole, 10)).toEqual({ from: 0, to: 2 });
    expect(chooseRange('HEAD', asked, whole, 10)).toBe('ignore');
    expect(chooseRange('GET', asked, { ...whole, status: 404 }, 10)).toBe('ignore');
    expect(chooseRange('GET', headerLines(), whole, 10)).toBe('ignore');
  });

  test.each([
    ['"a"', {}, true],
    ['"b"', {}, false],
    ['W/"a"', { etag: 'W/"a"' }, false],
    ['"a"', { etag: 'W/"a"' }, false],
    [modified, {}, true],
    [later, {}, false],
    [modified, { date: modified }, false],
    [modified, { date: '' }, false],
    ['foo', { lastModified: 'foo' }, false],
  ] as const)('section 13.1.5: If-Range %s against %j: %s', (condition, parts, holds) => {
    const headers = headerLines('range: bytes=0-1', `if-range: ${condition}`);
    expect(chooseRange('GET', headers, { ...whole, ...parts }, 10)).toEqual(
      holds ? { from: 0, to: 2 } : 'ignore',
    );
  });
});

describe('the heads', () => {
  test('RFC 9110 section 15.3.7: a 206 says which part it is and leaves what is stored alone', () => {
    const stored = headerLines('etag: "a"', 'content-length: 10', 'x: 1');
    expect(linesOf(partialHeaders(stored, { from: 2, to: 5 }, 10))).toEqual([
      'etag: "a"',
      'x: 1',
      'content-range: bytes 2-4/10',
    ]);
    expect(stored.has('content-length')).toBe(true);
  });

  test('RFC 9110 section 15.5.17: a 416 says how long the whole is', () => {
    expect(linesOf(unsatisfiableHeaders(10))).toEqual(['content-range: bytes */10']);
  });
});
