// Goal: a shape key is alike exactly while stored bytes and keys may be used on. Method: changes of
// each kind by themselves, and random sets of them, over one full route.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shapeKeyOf, shapeKeysOf } from '../../../src/model/shape-key.ts';
import { resolved } from '../../kit/compiled.ts';

type Fields = Record<string, unknown>;

interface WrittenRoute extends Fields {
  match: Fields;
  cache: Fields & { vary: Fields };
}

const upstreams = { a: { endpoints: ['http://a'] }, b: { endpoints: ['http://b'] } };

function full(): WrittenRoute {
  return {
    id: 'r',
    match: { path: '/{x}/{y}/**' },
    upstream: [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 2 },
    ],
    rewrite: { path: '/v1/{x}/{**}' },
    policies: [
      {
        headers: {
          request: { set: { 'x-from': '1' } },
          response: { remove: ['b', 'a'], set: { c: '1', d: '${path.y}' }, add: { e: '2' } },
        },
      },
    ],
    cache: {
      ttl: '1m',
      methods: ['GET', 'POST'],
      body: ['$.a', '$.b'],
      tags: ['t-{x}'],
      vary: { headers: ['h'], query: ['q', 'p'], cookies: ['k'], language: ['en', 'de'] },
    },
  };
}

const response = (changes: Fields) => ({ headers: { response: changes } });

/** What may be changed without a stored byte becoming another. */
const kept: Record<string, (route: WrittenRoute) => void> = {
  'a ttl': ({ cache }) => Object.assign(cache, { ttl: '2h', 'status-ttl': { 404: '1s' } }),
  'an override': ({ cache }) => Object.assign(cache, { override: 'ttl' }),
  'stale windows': ({ cache }) => Object.assign(cache, { stale: { 'if-error': '1h' } }),
  'a negative ttl': ({ cache }) => Object.assign(cache, { negative: '1s' }),
  'limits of storing': ({ cache }) => Object.assign(cache, { 'min-uses': 2, 'max-size': '1KiB' }),
  conditions: ({ cache }) => {
    Object.assign(cache, { bypass: { query: { z: '1' } }, 'no-store': { query: { y: '1' } } });
  },
  'request directives': ({ cache }) => Object.assign(cache, { 'request-directives': 'ignore' }),
  waiting: ({ cache }) => Object.assign(cache, { coalesce: 'off', wait: '1s' }),
  'a debug token': ({ cache }) => Object.assign(cache, { debug: { token: { env: 'T' } } }),
  'weights of upstreams': (route) => {
    route['upstream'] = [
      { name: 'b', weight: 9 },
      { name: 'a', weight: 5 },
    ];
  },
  'the order of lists that have none': ({ cache }) => {
    Object.assign(cache, { methods: ['POST', 'GET'], body: ['$.b', '$.a'] });
    Object.assign(cache.vary, { query: ['p', 'q'], headers: ['H'] });
  },
  'a rate limit': (route) => {
    const limit = { 'rate-limit': { limit: 5, window: '1s', by: 'ip' } };
    route['policies'] = [limit, ...(route['policies'] as object[]), limit];
  },
  'hosts and predicates': ({ match }) => {
    Object.assign(match, { hosts: ['h.example'], query: { q: '1' } });
  },
};

/** What changes a stored byte, a label, or what a key is made of. */
const rekeyed: Record<string, (route: WrittenRoute) => void> = {
  'the id': (route) => Object.assign(route, { id: 'other' }),
  'a response policy more': (route) => {
    route['policies'] = [...(route['policies'] as object[]), response({ remove: ['z'] })];
  },
  'the upstreams': (route) => Object.assign(route, { upstream: 'a' }),
  'the rewrite': (route) => Object.assign(route, { rewrite: { path: '/v1/{y}/{**}' } }),
  'the vary headers': ({ cache }) => Object.assign(cache.vary, { headers: ['h', 'i'] }),
  'the vary cookies': ({ cache }) => Object.assign(cache.vary, { cookies: [] }),
  'the vary consumer': ({ cache }) => Object.assign(cache.vary, { consumer: true }),
  'the vary language': ({ cache }) => Object.assign(cache.vary, { language: ['de', 'en'] }),
  'the vary encoding': ({ cache }) => Object.assign(cache.vary, { encoding: true }),
  'set-cookie': ({ cache }) => Object.assign(cache, { 'set-cookie': 'strip' }),
  tags: ({ cache }) => Object.assign(cache, { tags: ['t-{y}'] }),
};

type Change = (route: WrittenRoute) => void;

function keyOf(...changes: Change[]): string | null {
  const route = full();
  for (const change of changes) change(route);
  return shapeKeyOf(resolved({ upstreams, routes: [route] }).routes[0] ?? never());
}

function never(): never {
  throw new Error('there is a route');
}

const key = keyOf();

test('a shape key is 11 characters of base64url', () => {
  expect(key).toMatch(/^[A-Za-z0-9_-]{11}$/);
});

describe('kept', () => {
  test.each(Object.entries(kept))('by %s', (_name, change) => {
    expect(keyOf(change)).toBe(key);
  });

  test('by request policies, and policies that are written as one or as two', () => {
    const policies = [
      response({ remove: ['a', 'b'], set: { c: '1' } }),
      { headers: { request: { remove: ['cookie'] } } },
      response({ set: { d: '${path.y}' }, add: { e: '2' } }),
    ];
    expect(keyOf((route) => Object.assign(route, { policies }))).toBe(key);
  });

  test('by a new name for a path parameter', () => {
    const renamed = JSON.parse(
      JSON.stringify(full())
        .replaceAll('{x}', '{s}')
        .replaceAll('{y}', '{t}')
        .replace('.y}', '.t}'),
    ) as WrittenRoute;
    expect(keyOf((route) => Object.assign(route, renamed))).toBe(key);
  });
});

describe('re-keyed', () => {
  test.each(Object.entries(rekeyed))('by %s', (_name, change) => {
    expect(keyOf(change)).not.toBe(key);
  });

  test.each<[string, Change]>([
    ['the vary query', ({ cache }) => Object.assign(cache.vary, { query: ['q'] })],
    [
      'an allow list that becomes a deny list',
      ({ cache }) => {
        Object.assign(cache.vary, { query: { deny: ['q', 'p'] } });
      },
    ],
    ['methods', ({ cache }) => Object.assign(cache, { methods: ['POST'] })],
    ['body', ({ cache }) => Object.assign(cache, { body: ['$.a'] })],
    [
      'the places of two path parameters',
      ({ match }) => {
        Object.assign(match, { path: '/{y}/{x}/**' });
      },
    ],
    [
      'the order of response changes',
      (route) => {
        const set = { d: '${path.y}', c: '1' };
        route['policies'] = [response({ remove: ['b', 'a'], set, add: { e: '2' } })];
      },
    ],
    [
      'a value of a response change',
      (route) => {
        const set = { c: '1', d: '${path.x}' };
        route['policies'] = [response({ remove: ['b', 'a'], set, add: { e: '2' } })];
      },
    ],
  ])('by %s', (_name, change) => {
    expect(keyOf(change)).not.toBe(key);
  });
});

test('any set of changes keeps the key just when each of them does', () => {
  const names = [...Object.keys(kept), ...Object.keys(rekeyed)];
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom(...names), { maxLength: 5 }), (chosen) => {
      // What re-keys comes last: some of what is kept writes a whole list anew.
      const inOrder = names.filter((name) => chosen.includes(name));
      const changes = inOrder.map((name) => kept[name] ?? rekeyed[name] ?? never);
      const stays = chosen.every((name) => name in kept);
      expect(keyOf(...changes) === key).toBe(stays);
    }),
    { numRuns: 600, seed: 44 },
  );
});

test('only cached routes have one, each its own', () => {
  const route = (id: string, fields: object) => ({ id, match: { path: `/${id}` }, ...fields });
  const definitions = resolved({
    upstreams,
    routes: [
      route('a', { upstream: 'a', cache: {} }),
      route('b', { upstream: 'a', cache: {} }),
      route('c', { upstream: 'a' }),
      route('d', { respond: {} }),
    ],
  });
  const keys = shapeKeysOf(definitions);
  expect([...keys.keys()]).toEqual(['a', 'b']);
  expect(new Set(keys.values()).size).toBe(2);
});
