// Goal: one meaning has one hash, and another meaning another. Method: pairs of spellings.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson, hashDefinitions } from '../../../src/model/hash.ts';
import { resolved } from '../../kit/compiled.ts';

type Fields = Record<string, unknown>;

const upstream = { endpoints: ['http://a'] };

function hashOf({ upstreams, ...route }: Fields): string {
  const written = { id: 'r', match: { path: '/a' }, ...route };
  if (!('upstream' in route)) Object.assign(written, { respond: {}, ...route });
  return hashDefinitions(
    resolved({ upstreams: { a: upstream, ...(upstreams as object) }, routes: [written] }),
  );
}

function ofUpstream(fields: Fields): Fields {
  return { upstreams: { a: { ...upstream, ...fields } } };
}

function ofMatch(fields: Fields): Fields {
  return { match: { path: '/a', ...fields } };
}

const equal: Record<string, [Fields, Fields]> = {
  'a default, said or not': [{}, ofUpstream({ connections: 64, balance: 'round-robin' })],
  'other units': [
    ofUpstream({ timeout: { idle: '1.5s' } }),
    ofUpstream({ timeout: { idle: '1500ms' } }),
  ],
  'a port, said or not': [{}, ofUpstream({ endpoints: ['http://A:80/'] })],
  'a weight, said or not': [{}, ofUpstream({ endpoints: [{ url: 'http://a', weight: 1 }] })],
  'a split of one': [{ upstream: 'a' }, { upstream: [{ name: 'a', weight: 1 }] }],
  'the order of methods': [
    ofMatch({ methods: ['GET', 'put'] }),
    ofMatch({ methods: ['PUT', 'GET'] }),
  ],
  'the order of predicates': [
    ofMatch({ headers: { a: '1', b: '2' } }),
    ofMatch({ headers: { B: '2', A: '1' } }),
  ],
  'the order of causes': [
    ofUpstream({ retry: { on: [503, 'reset'] } }),
    ofUpstream({ retry: { on: ['reset', 503, 503] } }),
  ],
  'the order of upstreams': [
    { upstreams: { b: upstream, c: upstream } },
    { upstreams: { c: upstream, b: upstream } },
  ],
};

const different: Record<string, [Fields, Fields]> = {
  'the id': [{}, { id: 's' }],
  'a value': [ofMatch({ headers: { a: '1' } }), ofMatch({ headers: { a: '2' } })],
  'a value or a pattern': [
    ofMatch({ headers: { a: '1' } }),
    ofMatch({ headers: { a: { regex: '1' } } }),
  ],
  'a slash at the end': [{}, ofMatch({ path: '/a/' })],
  'a weight': [{}, ofUpstream({ endpoints: [{ url: 'http://a', weight: 2 }] })],
  'the order of changes': [
    { respond: { headers: { a: '1', b: '2' } } },
    { respond: { headers: { b: '2', a: '1' } } },
  ],
  'a hole or its text': [
    { respond: { body: '${revision}' } },
    { respond: { body: '$${revision}' } },
  ],
};

describe('equal', () => {
  test.each(Object.entries(equal))('%s', (_name, [one, other]) => {
    expect(hashOf(one)).toBe(hashOf(other));
  });

  test('the order of hosts', () => {
    expect(hashOf(ofMatch({ hosts: ['a', 'b'] }))).toBe(hashOf(ofMatch({ hosts: ['b', 'a'] })));
  });

  test('an escape that need not be one', () => {
    expect(hashOf(ofMatch({ path: '/%61' }))).toBe(hashOf(ofMatch({ path: '/a' })));
  });
});

describe('different', () => {
  test.each(Object.entries(different))('%s', (_name, [one, other]) => {
    expect(hashOf(one)).not.toBe(hashOf(other));
  });

  test('the order of routes', () => {
    const [a, b] = ['/a', '/b'].map((path) => ({
      id: path.slice(1),
      match: { path },
      respond: {},
    }));
    const hash = (routes: unknown[]) => hashDefinitions(resolved({ routes }));
    expect(hash([a, b])).not.toBe(hash([b, a]));
  });
});

test('a hash is a SHA-256 in hex', () => {
  expect(hashDefinitions({ upstreams: [], routes: [] })).toBe(
    '3527cd854cbc3ab2b63e3511b43cf75463268cff059b650e2844422b93666956',
  );
});

test('canonical JSON is JSON with sorted keys', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, A: true })).toBe(
    '{"A":true,"b":[1,{"c":"x","d":null}]}',
  );
});

test('canonical JSON means what it was made of, whatever the order of keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(reversed(value))).toBe(text);
    }),
  );
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, field]) => [key, reversed(field)]),
  );
}
