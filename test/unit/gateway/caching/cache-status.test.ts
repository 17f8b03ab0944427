// Goal: each member says in RFC 9211's words what happened. Method: facts and the member, which
// the package that reads structured fields must accept.
import { parseList } from 'structured-headers';
import { describe, expect, test } from 'vitest';
import {
  appendStatus,
  cacheStatus,
  hitStatus,
} from '../../../../src/gateway/caching/cache-status.ts';

describe('RFC 9211 section 2: parameters', () => {
  test.each([
    [{ hit: true, ttlMs: 57_001 }, 'cutover; hit; ttl=58'],
    [{ hit: true, ttlMs: -1001 }, 'cutover; hit; ttl=-1'],
    [{ hit: true, ttlMs: -1 }, 'cutover; hit; ttl=0'],
    [{ fwd: 'uri-miss', stored: true }, 'cutover; fwd=uri-miss; stored'],
    [{ fwd: 'stale', fwdStatus: 304, ttlMs: 9000 }, 'cutover; fwd=stale; fwd-status=304; ttl=9'],
    [{ fwd: 'vary-miss', collapsed: true }, 'cutover; fwd=vary-miss; collapsed'],
    [{ fwd: 'bypass', detail: 'no-store' }, 'cutover; fwd=bypass; detail=no-store'],
    [{ fwd: 'request', detail: 'two words' }, 'cutover; fwd=request; detail="two words"'],
    [{ fwd: 'miss', detail: '9x' }, 'cutover; fwd=miss; detail="9x"'],
    [{ key: 'a"b\\c\n\u00e9' }, 'cutover; key="a\\"b\\\\c%0A%E9"'],
    [{}, 'cutover'],
  ] as const)('%j', (facts, member) => {
    expect(cacheStatus(facts)).toBe(member);
    expect(parseList(member)).toHaveLength(1);
  });

  test('a hit’s short form is the same', () => {
    expect(hitStatus(57_999)).toBe(cacheStatus({ hit: true, ttlMs: 57_999 }));
    expect(hitStatus(-500)).toBe(cacheStatus({ hit: true, ttlMs: -500 }));
  });

  test('caches nearer to the origin stand first', () => {
    expect(appendStatus('origin; hit', 'cutover; fwd=uri-miss')).toBe(
      'origin; hit, cutover; fwd=uri-miss',
    );
    expect(appendStatus(undefined, 'cutover; hit')).toBe('cutover; hit');
    expect(appendStatus('', 'cutover; hit')).toBe('cutover; hit');
  });
});
