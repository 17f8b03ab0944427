// Goal: fields of one connection are told from all others (RFC 9110, section 7.6.1). Method: every
// name that matters, and names that look like them.
import { describe, expect, test } from 'vitest';
import { isHopByHop, listedNames } from '../../../src/gateway/hop-by-hop.ts';

describe('isHopByHop', () => {
  test.each([
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'expect',
  ])('%s', (name) => {
    expect(isHopByHop(name)).toBe(true);
  });

  test.each([
    '',
    'host',
    'date',
    'age',
    'content-length',
    'content-encoding',
    'authorization',
    'set-cookie',
    'x-trailer',
    'trailers',
    'connections',
    'keep_alive',
    'upgrade-insecure-requests',
    'proxy-authorization',
  ])('not %j', (name) => {
    expect(isHopByHop(name)).toBe(false);
  });
});

describe('listedNames', () => {
  test.each([
    ['keep-alive', null],
    ['close', null],
    ['Keep-Alive, CLOSE', null],
    ['', null],
    [' , ,', null],
    ['X-Secret', ['x-secret']],
    ['close, X-A ,x-b,X-a', ['x-a', 'x-b']],
    ['keep-alive,te', ['te']],
  ])('%j lists %j', (value, names) => {
    const listed = listedNames(value);
    expect(listed === null ? null : [...listed]).toEqual(names);
  });
});
