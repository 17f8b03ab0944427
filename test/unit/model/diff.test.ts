// Goal: a diff names what an apply touches and nothing else. Method: two sets, the whole diff.
import { describe, expect, test } from 'vitest';
import { diffDefinitions, printDiff } from '../../../src/model/diff.ts';
import { resolved } from '../../kit/compiled.ts';

type Fields = Record<string, unknown>;

function set(routes: Record<string, Fields>, upstreams: Record<string, Fields> = {}) {
  return resolved({
    upstreams,
    routes: Object.entries(routes).map(([id, fields]) => ({
      id,
      match: { path: `/${id}` },
      ...fields,
    })),
  });
}

const reply = { respond: {} };
const nothing = { added: [], removed: [], changed: [], moved: [] };

test('two sets of one meaning are identical', () => {
  const before = set({ a: { respond: { status: 200 } } }, { u: { endpoints: ['http://u'] } });
  const after = set({ a: reply }, { u: { endpoints: ['http://U:80'], connections: 64 } });
  const diff = diffDefinitions(before, after);
  expect(diff).toEqual({
    routes: { ...nothing, unchangedCount: 1 },
    upstreams: { ...nothing, unchangedCount: 1 },
    pools: { opened: [], closed: [] },
    cache: { kept: [], rekeyed: [] },
    identical: true,
  });
  expect(printDiff(diff)).toBe('nothing changes');
});

test('routes that come, go, change and stay', () => {
  const before = set({ gone: reply, stays: reply, changes: { respond: { status: 200 } } });
  const after = set({ stays: reply, changes: { respond: { status: 404 } }, comes: reply });
  expect(diffDefinitions(before, after).routes).toEqual({
    added: ['comes'],
    removed: ['gone'],
    changed: [{ name: 'changes', fields: [{ path: 'action.status', before: 200, after: 404 }] }],
    moved: [],
    unchangedCount: 1,
  });
});

test('a change of order is a move of the fewest that explain it', () => {
  const diff = diffDefinitions(
    set({ a: reply, b: reply, c: reply }),
    set({ b: reply, a: reply, c: reply }),
  );
  expect(diff.routes).toEqual({ ...nothing, moved: ['b'], unchangedCount: 3 });
  expect(diff.identical).toBe(false);
});

test('routes that come and go move nobody', () => {
  const diff = diffDefinitions(
    set({ x: reply, a: reply, b: reply }),
    set({ a: reply, y: reply, b: reply, z: reply }),
  );
  expect(diff.routes.moved).toEqual([]);
});

describe('fields', () => {
  const endpoints = ['http://u'];
  const fieldsOf = (before: Fields, after: Fields) =>
    diffDefinitions(
      set({}, { u: { endpoints, ...before } }),
      set({}, { u: { endpoints, ...after } }),
    ).upstreams.changed[0]?.fields;

  test('are named down to the value', () => {
    expect(
      fieldsOf({ timeout: { idle: '1s' } }, { timeout: { idle: '2s' }, connections: 8 }),
    ).toEqual([
      { path: 'connections', before: 64, after: 8 },
      { path: 'timeout.idleMs', before: 1000, after: 2000 },
    ]);
  });

  test('that appear are named as a whole', () => {
    expect(fieldsOf({}, { health: { path: '/h' } })).toEqual([
      {
        path: 'health',
        before: null,
        after: { path: '/h', intervalMs: 2000, timeoutMs: 1000, unhealthy: 3, healthy: 2 },
      },
    ]);
  });

  test('of a union are named where they differ', () => {
    expect(fieldsOf({ host: 'endpoint' }, { host: 'a.example' })).toEqual([
      { path: 'host.kind', before: 'endpoint', after: 'fixed' },
      { path: 'host.value', before: undefined, after: 'a.example' },
    ]);
  });
});

test('pools open and close with endpoints, others stay warm', () => {
  const before = set(
    {},
    { u: { endpoints: ['http://a', 'http://b'] }, gone: { endpoints: ['http://a'] } },
  );
  const after = set(
    {},
    { u: { endpoints: ['http://b', 'http://c:81'] }, comes: { endpoints: ['http://a'] } },
  );
  expect(diffDefinitions(before, after).pools).toEqual({
    opened: ['comes http://a:80', 'u http://c:81'],
    closed: ['gone http://a:80', 'u http://a:80'],
  });
});

test('a printed diff has a line for each object and field, and what stays', () => {
  const before = set(
    { gone: reply, a: reply, b: reply },
    { u: { endpoints: ['http://u:1'] }, v: { endpoints: ['http://v:1'] } },
  );
  const after = set(
    { b: reply, a: { respond: { status: 404 } }, comes: reply },
    { u: { endpoints: ['http://u:2'] }, v: { endpoints: ['http://v:1'] } },
  );
  expect(printDiff(diffDefinitions(before, after)).split('\n')).toEqual([
    '+ route comes',
    '- route gone',
    '~ route a',
    '    action.status: 200 -> 404',
    '> route b moved in the order',
    '~ upstream u',
    '    endpoints: [{"origin":"http://u:1","weight":1}] -> [{"origin":"http://u:2","weight":1}]',
    '+ pool u http://u:2',
    '- pool u http://u:1',
    'unchanged: 1 routes, 1 upstreams; their state is kept',
  ]);
});

test('a long value is cut short', () => {
  const before = set({ a: { respond: { body: 'x'.repeat(500) } } });
  const line = printDiff(diffDefinitions(before, set({ a: reply }))).split('\n')[1];
  expect(line).toBe(`    action.body: [{"kind":"text","text":"${'x'.repeat(93)}... -> []`);
});

describe('the cache', () => {
  const upstreams = { u: { endpoints: ['http://u'] }, v: { endpoints: ['http://v'] } };
  const cached = { upstream: 'u', cache: { tags: ['t'] } };
  const changed = { ...cached, upstream: 'v' };

  test('of a route is kept or re-keyed where it was cached and still is', () => {
    const before = set({ same: cached, ttl: cached, other: cached, ends: cached }, upstreams);
    const after = set(
      {
        comes: cached,
        other: changed,
        ttl: { ...cached, cache: { tags: ['t'], ttl: '1s' } },
        same: cached,
        ends: { upstream: 'u' },
      },
      upstreams,
    );
    const diff = diffDefinitions(before, after);
    expect(diff.cache).toEqual({ kept: ['ttl', 'same'], rekeyed: ['other'] });
    const lines = printDiff(diff).split('\n');
    expect(lines).toContain('~ cache of route other is re-keyed: starts cold');
    expect(lines).toContain('cache: kept 2 routes, re-keyed 1');
  });

  test('is not spoken of where nothing is cached', () => {
    const lines = printDiff(diffDefinitions(set({}), set({ a: reply })));
    expect(lines).not.toContain('cache');
  });
});
