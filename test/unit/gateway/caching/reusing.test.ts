// Goal: a stored response answers only when RFC 9111, section 4.2 and RFC 5861 allow it. Method:
// one entry (born at 0, fresh until 10 s), asked at times and on terms.
import { describe, expect, test } from 'vitest';
import { parseCacheControl } from '../../../../src/gateway/caching/cache-control.ts';
import {
  judgeReuse,
  mayServeOnError,
  type Reuse,
  type StoredFacts,
} from '../../../../src/gateway/caching/reusing.ts';
import { isErrorStatus } from '../../../../src/gateway/caching/statuses.ts';
import { entryFlag } from '../../../../src/memory/cache/cache-record.ts';

const plain: StoredFacts = {
  bornMs: 0,
  freshUntilMs: 10_000,
  staleWhileRevalidateUntilMs: 10_000,
  staleIfErrorUntilMs: 10_000,
  flags: 0,
  softStale: false,
};
const windowed = { ...plain, staleWhileRevalidateUntilMs: 15_000, staleIfErrorUntilMs: 30_000 };
const strict = { ...plain, flags: entryFlag.mustRevalidate };
const unusable = { ...windowed, flags: entryFlag.noCache };
const busted = { ...windowed, softStale: true };

function reuse(entry: StoredFacts, nowMs: number, control?: string, honour = true): Reuse {
  const request = control === undefined ? null : parseCacheControl(control);
  return judgeReuse(entry, request, nowMs, { honour });
}

describe('a request without terms', () => {
  test.each([
    [plain, 0, 'fresh'],
    [plain, 9999, 'fresh'],
    [plain, 10_000, 'revalidate'],
    [windowed, 10_000, 'stale-while-revalidate'],
    [windowed, 14_999, 'stale-while-revalidate'],
    [windowed, 15_000, 'revalidate'],
    [unusable, 1, 'revalidate'],
    [busted, 1, 'stale-while-revalidate'],
    [{ ...plain, softStale: true }, 1, 'revalidate'],
  ] as const)('%j at %i: %s', (entry, nowMs, expected) => {
    expect(reuse(entry, nowMs)).toBe(expected);
  });
});

describe('RFC 9111 section 5.2.1: the request’s terms', () => {
  test.each([
    [plain, 1, 'no-cache', 'revalidate'],
    [windowed, 11_000, 'no-cache', 'revalidate'],
    [plain, 5000, 'max-age=5', 'fresh'],
    [plain, 5001, 'max-age=5', 'revalidate'],
    [plain, 0, 'max-age=0', 'revalidate'],
    [windowed, 11_000, 'max-age=20', 'stale-while-revalidate'],
    [plain, 5000, 'min-fresh=5', 'fresh'],
    [plain, 5001, 'min-fresh=5', 'revalidate'],
    [windowed, 5001, 'min-fresh=5', 'revalidate'],
    [plain, 12_000, 'max-stale=2', 'fresh'],
    [plain, 12_001, 'max-stale=2', 'revalidate'],
    [plain, 999_999, 'max-stale', 'fresh'],
    [plain, 12_000, 'max-stale=2, max-age=11', 'revalidate'],
    [plain, 12_000, 'max-stale=2, min-fresh=1', 'revalidate'],
    [strict, 12_000, 'max-stale', 'revalidate'],
    [unusable, 1, 'max-stale', 'revalidate'],
    [{ ...plain, softStale: true }, 1, 'max-stale', 'revalidate'],
    [plain, 1, 'only-if-cached', 'fresh'],
    [plain, 11_000, 'only-if-cached', 'only-if-cached-miss'],
    [windowed, 11_000, 'only-if-cached', 'stale-while-revalidate'],
    [plain, 1, 'only-if-cached, no-cache', 'only-if-cached-miss'],
    [plain, 1, 'nothing-to-see-here', 'fresh'],
  ] as const)('%j at %i with %s: %s', (entry, nowMs, control, expected) => {
    expect(reuse(entry, nowMs, control)).toBe(expected);
  });

  test('they count for nothing where the route ignores them', () => {
    expect(reuse(plain, 1, 'no-cache', false)).toBe('fresh');
    expect(reuse(plain, 11_000, 'max-stale', false)).toBe('revalidate');
  });
});

describe('RFC 5861 section 4: instead of an error', () => {
  const onError = (entry: StoredFacts, nowMs: number, control?: string, honour = true) =>
    mayServeOnError(entry, control === undefined ? null : parseCacheControl(control), nowMs, {
      honour,
    });

  test('within the response’s window', () => {
    expect(onError(windowed, 29_999)).toBe(true);
    expect(onError(windowed, 30_000)).toBe(false);
    expect(onError(busted, 1)).toBe(true);
  });

  test('without a window never, though it were fresh', () => {
    expect(onError(plain, 1)).toBe(false);
    expect(onError(plain, 11_000)).toBe(false);
  });

  test('within the request’s window, unless the origin or the route forbids', () => {
    expect(onError(plain, 12_000, 'stale-if-error=2')).toBe(true);
    expect(onError(plain, 12_001, 'stale-if-error=2')).toBe(false);
    expect(onError(strict, 12_000, 'stale-if-error=2')).toBe(false);
    expect(onError(plain, 12_000, 'stale-if-error=2', false)).toBe(false);
  });

  test('no-cache never', () => {
    expect(onError(unusable, 11_000, 'stale-if-error=99')).toBe(false);
  });

  test('errors are 500, 502, 503 and 504', () => {
    const errors = [];
    for (let status = 200; status < 600; status++) if (isErrorStatus(status)) errors.push(status);
    expect(errors).toEqual([500, 502, 503, 504]);
  });
});
