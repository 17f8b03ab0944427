// Goal: an upstream as written becomes one with units parsed and defaults filled in, or its
// problems. Method: one upstream at a time.
import { describe, expect, test } from 'vitest';
import type { Upstream } from '../../../src/model/definitions.ts';
import { kindsOf, problemsOf, resolved } from '../../kit/compiled.ts';

function upstreamOf(fields: object): Upstream {
  const { upstreams } = resolved({ upstreams: { a: { endpoints: ['http://a:1'], ...fields } } });
  return upstreams[0] as Upstream;
}

function kinds(fields: object): string[] {
  return kindsOf({ upstreams: { a: { endpoints: ['http://a:1'], ...fields } } });
}

test('defaults are filled in', () => {
  expect(upstreamOf({})).toEqual({
    name: 'a',
    endpoints: [{ origin: 'http://a:1', weight: 1 }],
    balance: { kind: 'round-robin' },
    connections: 64,
    timeout: { connectMs: 1000, headersMs: 30_000, idleMs: 30_000 },
    retry: { attempts: 2, on: ['connect', 'reset'], budgetPercent: 20 },
    health: null,
    breaker: null,
    host: { kind: 'preserve' },
  });
});

test('what is switched on with an empty map has its own defaults', () => {
  const { health, breaker } = upstreamOf({ health: { path: '/h' }, breaker: {} });
  expect(health).toEqual({
    path: '/h',
    intervalMs: 2000,
    timeoutMs: 1000,
    unhealthy: 3,
    healthy: 2,
  });
  expect(breaker).toEqual({ failuresPercent: 50, of: 20, openMs: 5000 });
});

test('the causes of a retry are a set, in one order', () => {
  const { retry } = upstreamOf({ retry: { on: ['reset', 503, 'connect', 503, 502] } });
  expect(retry.on).toEqual(['502', '503', 'connect', 'reset']);
});

describe('endpoints', () => {
  test.each([
    ['http://a:1', 'http://a:1'],
    ['http://A.Example', 'http://a.example:80'],
    ['HTTP://a:80/', 'http://a:80'],
    ['http://[::1]:9', 'http://[::1]:9'],
    ['http://[0:0::1]', 'http://[::1]:80'],
    ['http://127.0.0.1:65535', 'http://127.0.0.1:65535'],
  ])('%s is %s', (written, origin) => {
    expect(upstreamOf({ endpoints: [written] }).endpoints).toEqual([{ origin, weight: 1 }]);
    expect(upstreamOf({ endpoints: [{ url: written, weight: 3 }] }).endpoints).toEqual([
      { origin, weight: 3 },
    ]);
  });

  test.each([
    'a:1',
    'http://',
    'http://a:65536',
    'http://a/b',
    'http://a?b',
    'http://a#b',
    'http://u@a',
    'http://u:p@a',
    'ftp://a',
    'unix:/a',
  ])('%s is refused', (endpoint) => {
    expect(kinds({ endpoints: [endpoint] })).toEqual(['bad-value upstreams.a.endpoints[0]']);
    expect(kinds({ endpoints: [{ url: endpoint }] })).toEqual([
      'bad-value upstreams.a.endpoints[0].url',
    ]);
  });

  test('the port 0 is refused', () => {
    expect(kinds({ endpoints: ['http://a:0'] })).toEqual(['bad-value upstreams.a.endpoints[0]']);
  });

  test('one that is given twice is placed at the second', () => {
    expect(kinds({ endpoints: ['http://a', 'http://A:80'] })).toEqual([
      'duplicate upstreams.a.endpoints[1]',
    ]);
  });
});

describe('balance', () => {
  test.each([
    [{ balance: 'least-requests' }, { kind: 'least-requests' }],
    [
      { balance: 'hash', hash: 'ip' },
      { kind: 'hash', by: 'ip' },
    ],
    [
      { balance: 'hash', hash: 'header X-User' },
      { kind: 'hash', by: 'header', name: 'x-user' },
    ],
    [
      { balance: 'hash', hash: 'cookie Sid' },
      { kind: 'hash', by: 'cookie', name: 'Sid' },
    ],
  ])('%j', (written, balance) => {
    expect(upstreamOf(written).balance).toEqual(balance);
  });

  test.each([
    [{ balance: 'hash' }, 'missing upstreams.a.balance'],
    [{ hash: 'ip' }, 'bad-value upstreams.a.hash'],
    [{ balance: 'hash', hash: 'header' }, 'bad-value upstreams.a.hash'],
    [{ balance: 'hash', hash: 'header a b' }, 'bad-value upstreams.a.hash'],
    [{ balance: 'hash', hash: 'IP' }, 'bad-value upstreams.a.hash'],
  ])('%j is refused', (written, kind) => {
    expect(kinds(written)).toEqual([kind]);
  });

  test('a header to hash has a header name', () => {
    expect(kinds({ balance: 'hash', hash: 'header a(b' })).toEqual(['bad-value upstreams.a.hash']);
  });
});

describe('host', () => {
  test.each([
    ['preserve', { kind: 'preserve' }],
    ['endpoint', { kind: 'endpoint' }],
    ['Shop.example:8080', { kind: 'fixed', value: 'Shop.example:8080' }],
    ['[::1]:80', { kind: 'fixed', value: '[::1]:80' }],
  ])('%s', (host, wanted) => {
    expect(upstreamOf({ host }).host).toEqual(wanted);
  });

  test.each(['', '*.a', 'a b', 'a:', 'a:123456', 'a/b', 'a\r\nx: y'])('%j is refused', (host) => {
    expect(kinds({ host })).toEqual(['bad-host upstreams.a.host']);
  });

  test('a port above 65535 is refused', () => {
    expect(kinds({ host: 'a:99999' })).toEqual(['bad-host upstreams.a.host']);
  });
});

describe('numbers', () => {
  test.each([
    ['timeout', { connect: '0s' }, 'bad-value upstreams.a.timeout.connect'],
    ['timeout', { idle: '0.4ms' }, 'bad-value upstreams.a.timeout.idle'],
    ['timeout', { headers: '-1s' }, 'bad-value upstreams.a.timeout.headers'],
    ['retry', { budget: '100.01%' }, 'bad-value upstreams.a.retry.budget'],
    ['retry', { attempts: 0 }, 'bad-value upstreams.a.retry.attempts'],
    ['retry', { attempts: 1.5 }, 'wrong-type upstreams.a.retry.attempts'],
    ['health', { path: 'h' }, 'bad-value upstreams.a.health.path'],
    ['health', { path: '/', healthy: 101 }, 'limit upstreams.a.health.healthy'],
    ['breaker', { of: 1001 }, 'limit upstreams.a.breaker.of'],
  ])('%s %j is refused', (field, value, kind) => {
    expect(kinds({ [field]: value })).toEqual([kind]);
  });

  test('a breaker of 0% is refused', () => {
    expect(kinds({ breaker: { failures: '0%' } })).toEqual([
      'bad-value upstreams.a.breaker.failures',
    ]);
  });

  test.each(['999999999h', '1200h', '4294968s'])('a timeout of %s is refused', (connect) => {
    expect(kinds({ timeout: { connect } })[0]).toMatch(
      /^(limit|bad-value) upstreams\.a\.timeout\.connect$/,
    );
  });

  test.each(['/a b', '/a\r\nx: y', '/ä', '/a#b'])('the health path %j is refused', (path) => {
    expect(
      problemsOf({ upstreams: { a: { endpoints: ['http://a'], health: { path } } } }),
    ).toMatchObject([{ path: 'upstreams.a.health.path' }]);
  });
});

describe('messages', () => {
  test('a cause of retries that is none names those that there are', () => {
    const [problem] = problemsOf({
      upstreams: { a: { endpoints: ['http://a'], retry: { on: [500] } } },
    });
    expect(problem?.path).toBe('upstreams.a.retry.on[0]');
    for (const cause of ['connect', 'reset', 'timeout', '502', '503', '504']) {
      expect(`${problem?.message} ${problem?.hint}`).toContain(cause);
    }
    expect(`${problem?.hint}`).not.toContain('quote it');
  });
});
