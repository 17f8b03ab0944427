// Goal: directives mean what RFC 9111, section 5.2 says, and what is malformed errs on the stale
// side. Method: tables of values and what is read from them.
import { describe, expect, test } from 'vitest';
import {
  type CacheDirectives,
  deltaSecondsMax,
  newDirectives,
  parseCacheControl,
  requestDirectives,
} from '../../../../src/gateway/caching/cache-control.ts';
import { headerLines } from '../../../kit/header-lines.ts';

type Case = readonly [value: string, read: Partial<CacheDirectives>];

function holds(cases: readonly Case[]): void {
  test.each(cases)('%s', (value, read) => {
    expect(parseCacheControl(value)).toEqual({ ...newDirectives(), ...read });
  });
}

describe('RFC 9111 section 5.2.2: response directives', () => {
  holds([
    ['max-age=60', { maxAge: 60 }],
    ['MaX-aGe=60', { maxAge: 60 }],
    ['max-age="60"', { maxAge: 60 }],
    ['max-age=0060', { maxAge: 60 }],
    ['s-maxage=7, max-age=60', { maxAge: 60, sMaxage: 7 }],
    ['no-store', { noStore: true }],
    ['no-cache', { noCache: true }],
    ['private', { private: true }],
    ['public, immutable', { public: true, immutable: true }],
    ['must-revalidate,proxy-revalidate', { mustRevalidate: true, proxyRevalidate: true }],
    ['must-understand, no-transform', { mustUnderstand: true, noTransform: true }],
    [', ,max-age=1,,', { maxAge: 1 }],
    ['foobar, x="a, max-age=9", max-age=1', { maxAge: 1 }],
    ['x="\\", no-store", max-age=1', { maxAge: 1 }],
  ]);
});

describe('RFC 9111 sections 5.2.2.4 and 5.2.2.7: no-cache and private with field lists', () => {
  holds([
    ['no-cache="Set-Cookie, X-A"', { noCache: ['set-cookie', 'x-a'] }],
    ['no-cache=x-a', { noCache: ['x-a'] }],
    ['private="a", private="b"', { private: ['a', 'b'] }],
    ['private="a", private', { private: true }],
    ['no-cache, no-cache="a"', { noCache: true }],
    ['no-cache=""', { noCache: true }],
    ['no-cache="a" b', { noCache: true }],
  ]);
});

describe('RFC 5861: windows of staleness', () => {
  holds([
    ['stale-while-revalidate=30', { staleWhileRevalidate: 30 }],
    ['stale-if-error=600', { staleIfError: 600 }],
    ['stale-if-error=x', { staleIfError: 0 }],
  ]);
});

describe('RFC 9111 section 5.2.1: request directives', () => {
  holds([
    ['max-stale', { maxStale: Number.POSITIVE_INFINITY }],
    ['max-stale=9', { maxStale: 9 }],
    ['max-stale=x', { maxStale: 0 }],
    ['min-fresh=5', { minFresh: 5 }],
    ['min-fresh=5, min-fresh=9', { minFresh: 9 }],
    ['min-fresh=x', { minFresh: deltaSecondsMax }],
    ['only-if-cached', { onlyIfCached: true }],
  ]);
});

describe('RFC 9111 section 4.2.1: what is malformed or given twice is stale', () => {
  holds([
    ['max-age', { maxAge: 0 }],
    ['max-age=', { maxAge: 0 }],
    ['max-age=-1', { maxAge: 0 }],
    ['max-age=1.5', { maxAge: 0 }],
    ["max-age='60'", { maxAge: 0 }],
    ['max-age=60a', { maxAge: 0 }],
    ['max-age =60', { maxAge: 0 }],
    ['max-age= 60', { maxAge: 0 }],
    ['max-age="60', { maxAge: 0 }],
    ['max-age=60, max-age=1', { maxAge: 1 }],
    ['max-age=1, max-age=60', { maxAge: 1 }],
    ['no-store=x', { noStore: true }],
    ['must-revalidate="x"', { mustRevalidate: true }],
    ['public=x, immutable=1, must-understand=1', {}],
    ['x="a, no-store', { noStore: true }],
  ]);

  test('section 1.2.2: a number too large is the largest', () => {
    expect(parseCacheControl('max-age=99999999999').maxAge).toBe(deltaSecondsMax);
    expect(parseCacheControl(`max-age=${'9'.repeat(400)}`).maxAge).toBe(deltaSecondsMax);
  });
});

describe('what a request asks', () => {
  test('nothing is null', () => {
    expect(requestDirectives(headerLines('accept: */*'))).toBeNull();
    expect(requestDirectives(headerLines('pragma: foo'))).toBeNull();
  });

  test('lines of Cache-Control are one list', () => {
    const asked = requestDirectives(
      headerLines('cache-control: no-store', 'cache-control: max-age=1'),
    );
    expect(asked).toMatchObject({ noStore: true, maxAge: 1 });
  });

  test('RFC 9111 section 5.4: Pragma counts only without Cache-Control', () => {
    expect(requestDirectives(headerLines('pragma: foo, No-Cache'))?.noCache).toBe(true);
    const both = headerLines('pragma: no-cache', 'cache-control: max-age=5');
    expect(requestDirectives(both)).toMatchObject({ noCache: false, maxAge: 5 });
  });
});
