// Goal: what was resolved stands in the bytes, field by field. Method: definitions compiled and read
// back through the workers' reader.
import { describe, expect, test } from 'vitest';
import { compileShape } from '../../../src/control/compiler/compile.ts';
import { ShapeReader } from '../../../src/memory/shape.ts';
import {
  actionKind,
  balanceKind,
  hostKind,
  methodBits,
  otherMethodsBit,
  partSource,
  predicateKind,
  retryBits,
} from '../../../src/memory/shape-kinds.ts';
import { countingUp, resolved, shapeOf } from '../../kit/compiled.ts';

type Fields = Record<string, unknown>;

function upstreamOf(fields: Fields) {
  return shapeOf(resolved({ upstreams: { u: { endpoints: ['http://u'], ...fields } } })).upstream(
    0,
  );
}

function routeOf(match: Fields, action: Fields = { respond: {} }) {
  const upstreams = { b: { endpoints: ['http://b'] }, a: { endpoints: ['http://a'] } };
  const routes = [{ id: 'r', match: { path: '/{x}/**', ...match }, ...action }];
  return shapeOf(resolved({ upstreams, routes })).route(0);
}

test('a shape carries its revision, hash and numbers', () => {
  const definitions = resolved({
    upstreams: { b: { endpoints: ['http://b'] }, a: { endpoints: ['http://a'] } },
    routes: ['z', 'y'].map((id) => ({ id, match: { path: `/${id}` }, respond: {} })),
  });
  const bytes = compileShape(definitions, {
    revision: 4_000_000_000,
    hash: 'h',
    numbering: countingUp(),
    previousShapeKeys: new Map(),
    secret: () => '',
  });
  expect(bytes.buffer).toBeInstanceOf(SharedArrayBuffer);
  const shape = new ShapeReader(bytes);
  expect([shape.revision, shape.hash]).toEqual([4_000_000_000, 'h']);
  const routes = [0, 1].map((index) => shape.route(index)).map(({ id, number }) => [id, number]);
  expect(routes).toEqual([
    ['z', 1],
    ['y', 2],
  ]);
  const upstreams = [0, 1]
    .map((index) => shape.upstream(index))
    .map(({ name, number }) => [name, number]);
  expect(upstreams).toEqual([
    ['a', 1001],
    ['b', 1002],
  ]);
});

test('a set that says nothing is a shape too', () => {
  const shape = shapeOf({ upstreams: [], routes: [] });
  expect([shape.routeCount, shape.upstreamCount]).toEqual([0, 0]);
});

describe('an upstream', () => {
  test('with everything said', () => {
    const upstream = upstreamOf({
      endpoints: ['http://u', { url: 'http://[::1]:81', weight: 7 }],
      balance: 'least-requests',
      connections: 65_535,
      timeout: { connect: '1ms', headers: '1h', idle: '1.5s' },
      retry: { attempts: 10, on: ['connect', 'timeout', 504], budget: '100%' },
      health: { path: '/h?x=%20', interval: '3s', timeout: '2s', unhealthy: 100, healthy: 1 },
      breaker: { failures: '12%', of: 1000, open: '1m' },
      host: 'A.b:80',
    });
    expect(upstream).toMatchObject({
      name: 'u',
      endpoints: [
        { origin: 'http://u:80', weight: 1 },
        { origin: 'http://[::1]:81', weight: 7 },
      ],
      balance: balanceKind.leastRequests,
      hashName: null,
      connections: 65_535,
      connectMs: 1,
      headersMs: 3_600_000,
      idleMs: 1500,
      attempts: 10,
      retryOn: retryBits.connect | retryBits.timeout | retryBits['504'],
      health: { path: '/h?x=%20', intervalMs: 3000, timeoutMs: 2000, unhealthy: 100, healthy: 1 },
      breaker: { of: 1000, openMs: 60_000 },
      host: hostKind.fixed,
      hostValue: 'A.b:80',
    });
  });

  test('with nothing said has neither health nor breaker', () => {
    expect(upstreamOf({})).toMatchObject({
      health: null,
      breaker: null,
      host: hostKind.preserve,
      hostValue: null,
    });
  });

  test.each([
    [{ balance: 'round-robin' }, balanceKind.roundRobin, null],
    [{ balance: 'hash', hash: 'header X-A' }, balanceKind.hashHeader, 'x-a'],
    [{ balance: 'hash', hash: 'cookie Sid' }, balanceKind.hashCookie, 'Sid'],
    [{ balance: 'hash', hash: 'ip' }, balanceKind.hashIp, null],
  ])('%j', (fields, balance, hashName) => {
    expect(upstreamOf(fields)).toMatchObject({ balance, hashName });
  });

  test.each(['connect', 'reset', 'timeout', 502, 503, 504] as const)('retries on %s', (cause) => {
    expect(upstreamOf({ retry: { on: [cause] } }).retryOn).toBe(retryBits[cause]);
  });

  test('without a cause never retries', () => {
    expect(upstreamOf({ retry: { on: [] } }).retryOn).toBe(0);
  });

  test.each([
    ['0.5%', '0%', '1%'],
    ['99.99%', '99%', '100%'],
  ])('keeps a budget of %s', (share, below, above) => {
    const bytesOf = (budget: string) => JSON.stringify(upstreamOf({ retry: { budget } }));
    expect(bytesOf(share)).not.toBe(bytesOf(below));
    expect(bytesOf(share)).not.toBe(bytesOf(above));
  });

  test('keeps a breaker of 12.5%', () => {
    const bytesOf = (failures: string) => JSON.stringify(upstreamOf({ breaker: { failures } }));
    expect(bytesOf('12.5%')).not.toBe(bytesOf('12%'));
    expect(bytesOf('12.5%')).not.toBe(bytesOf('13%'));
  });
});

describe('a route', () => {
  test.each([
    [[], 0, []],
    [['GET', 'HEAD'], 3, []],
    [Object.keys(methodBits), 127, []],
    [['PURGE', 'BREW'], otherMethodsBit, ['BREW', 'PURGE']],
    [['PURGE', 'GET'], otherMethodsBit | 1, ['PURGE']],
  ])('with the methods %j', (methods, methodMask, otherMethods) => {
    expect(routeOf({ methods })).toMatchObject({ methodMask, otherMethods });
  });

  test('keeps its predicates', () => {
    const { headers, query } = routeOf({
      headers: { a: '', b: { regex: '.' } },
      query: { c: { present: true }, d: { present: false } },
    });
    expect([...headers, ...query].map(({ name, kind, value }) => [name, kind, value])).toEqual([
      ['a', predicateKind.equals, ''],
      ['b', predicateKind.regex, '.'],
      ['c', predicateKind.present, null],
      ['d', predicateKind.absent, null],
    ]);
  });

  test('that proxies knows its upstreams by their place', () => {
    const split = [
      { name: 'b', weight: 1000 },
      { name: 'a', weight: 1 },
    ];
    const route = routeOf({}, { upstream: split, rewrite: { path: '/{**}' } });
    expect(route.action).toBe(actionKind.proxy);
    expect(route.targets.map(({ upstream, weight }) => [upstream, weight])).toEqual([
      [1, 1000],
      [0, 1],
    ]);
    expect(route.rewrite?.parts.map(({ source, index }) => [source, index])).toEqual([
      [partSource.text, 0],
      [partSource['path.rest'], 1],
    ]);
    expect([route.replyBody, route.location]).toEqual([null, null]);
  });

  test('that redirects has a status and a place', () => {
    const route = routeOf({}, { redirect: { to: '/', status: 307 } });
    expect([route.action, route.status]).toEqual([actionKind.redirect, 307]);
    expect(route.location?.parts.map(({ text }) => text)).toEqual(['/']);
    expect(route.rewrite).toBeNull();
  });

  test('that replies has a body in UTF-8', () => {
    const route = routeOf({}, { respond: { status: 599, body: 'ü€😀' } });
    expect([route.action, route.status]).toEqual([actionKind.respond, 599]);
    expect(route.replyBody?.parts.map(({ text }) => text)).toEqual(['ü€😀']);
  });

  test('an empty body is one without parts', () => {
    expect(routeOf({}, { respond: {} }).replyBody?.parts).toEqual([]);
  });

  test('parameters are told by the place of their segment', () => {
    const match = { path: '/a/{b}/c/{d}' };
    const route = routeOf(match, { respond: { body: '${path.d}${path.b}' } });
    expect(route.replyBody?.parts.map(({ source, index }) => [source, index])).toEqual([
      [partSource.path, 3],
      [partSource.path, 1],
    ]);
  });
});
