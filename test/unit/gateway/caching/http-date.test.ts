// Goal: the three forms of RFC 9110, section 5.6.7 are read and nothing else is. Method: known
// moments, malformed texts, and a round trip over random moments.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatHttpDate, parseHttpDate } from '../../../../src/gateway/caching/http-date.ts';

const exampleMs = Date.UTC(1994, 10, 6, 8, 49, 37);

describe('RFC 9110 section 5.6.7', () => {
  test.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
  ])('%s is read', (text) => {
    expect(parseHttpDate(text)).toBe(exampleMs);
  });

  test.each([
    '',
    '0',
    '-1',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 08:49:37 gmt',
    'SUN, 06 Nov 1994 08:49:37 GMT',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06  Nov  1994 08:49:37 GMT',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 1994 08.49.37 GMT',
    'Sun, 31 Jun 1994 08:49:37 GMT',
    'Wed, 29 Feb 2023 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nox 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 06 Nov 0094 08:49:37 GMT',
    '1994-11-06T08:49:37Z',
  ])('%s is not a date', (text) => {
    expect(parseHttpDate(text)).toBeNull();
  });

  test('a leap second is the second before', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT')).toBe(Date.UTC(2016, 11, 31, 23, 59, 59));
  });

  test('a year of two digits lies at most 50 years ahead', () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const yearOf = (digits: string) =>
      new Date(parseHttpDate(`Sunday, 06-Nov-${digits} 08:49:37 GMT`, nowMs) ?? 0).getUTCFullYear();
    expect([yearOf('76'), yearOf('77'), yearOf('26'), yearOf('00')]).toEqual([
      2076, 1977, 2026, 2000,
    ]);
  });

  test('what is written is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799 }), (second) => {
        expect(parseHttpDate(formatHttpDate(second * 1000))).toBe(second * 1000);
        expect(formatHttpDate(second * 1000)).toBe(new Date(second * 1000).toUTCString());
      }),
    );
  });
});
