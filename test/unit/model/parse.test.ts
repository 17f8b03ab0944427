// Goal: what a person wrote becomes one resolved set, or all its problems. Method: small sets, whole
// results.
import { describe, expect, test } from 'vitest';
import { parseDefinitions, parseWritten } from '../../../src/model/parse.ts';
import { kindsOf, problemsOf, resolved } from '../../kit/compiled.ts';

const upstream = { endpoints: ['http://a:1'] };
const route = { id: 'r', match: { path: '/a' }, respond: {} };

describe('a set of definitions', () => {
  test.each(['', '# nothing', '{}', 'routes:\nupstreams:\n', '\uFEFFroutes: []\n'])(
    'is empty when it says nothing: %j',
    (text) => {
      const parsed = parseDefinitions([{ file: 'a.yaml', text }]);
      expect(parsed).toMatchObject({ ok: true, definitions: { upstreams: [], routes: [] } });
    },
  );

  test('is read from JSON as it is from YAML', () => {
    const yaml = 'routes:\n  - id: r\n    match: { path: /a }\n    respond: {}\n';
    const [one, other] = [yaml, JSON.stringify({ routes: [route] })].map((text) =>
      parseDefinitions([{ file: 'a', text }]),
    );
    expect(one?.ok).toBe(true);
    expect(one).toEqual(other);
  });

  test('is merged from several files, routes in the order of the files', () => {
    const parsed = parseDefinitions([
      { file: 'a.yaml', text: 'routes:\n  - { id: b, match: { path: /b }, upstream: up }\n' },
      { file: 'b.yaml', text: 'upstreams:\n  up: { endpoints: ["http://a:1"] }\n' },
      { file: 'c.yaml', text: 'routes:\n  - { id: a, match: { path: /a }, respond: {} }\n' },
    ]);
    if (!parsed.ok) throw new Error('must be in order');
    expect(parsed.definitions.routes.map(({ id }) => id)).toEqual(['b', 'a']);
    expect(parsed.written).toEqual({
      upstreams: { up: upstream },
      routes: [
        { id: 'b', match: { path: '/b' }, upstream: 'up' },
        { id: 'a', match: { path: '/a' }, respond: {} },
      ],
    });
  });

  test('places problems in the file that they stand in', () => {
    const parsed = parseDefinitions([
      { file: 'b.yaml', text: 'upstreams:\n  up: { endpoints: ["http://a:1"] }\n' },
      {
        file: 'a.yaml',
        text: '# 1\nroutes:\n  - { id: r, match: { path: a }, respond: {} }\nupstreams:\n  up: {}\n',
      },
      { file: 'c.yaml', text: 'routes:\n  - { id: r, match: { path: /c }, upstream: no }\n' },
    ]);
    if (parsed.ok) throw new Error('must be refused');
    const told = parsed.problems.map(
      ({ file, line, column, code, path }) => `${file}:${line}:${column} ${code} ${path}`,
    );
    expect(told).toEqual([
      'a.yaml:3:29 bad-path routes[0].match.path',
      'a.yaml:5:3 duplicate upstreams.up',
      'c.yaml:2:11 duplicate routes[1].id',
      'c.yaml:2:45 unknown-upstream routes[1].upstream',
    ]);
  });

  test('lists upstreams by name and routes as they come', () => {
    const definitions = resolved({
      upstreams: { b: upstream, '10': upstream, a: upstream },
      routes: [
        { ...route, id: 'z', match: { path: '/z' } },
        { ...route, id: 'a' },
      ],
    });
    expect(definitions.upstreams.map(({ name }) => name)).toEqual(['10', 'a', 'b']);
    expect(definitions.routes.map(({ id }) => id)).toEqual(['z', 'a']);
  });

  test('that repeats aliases without end is refused', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (const [from, to] of ['ab', 'bc', 'cd', 'de']) {
      lines.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join(', ')}]`);
    }
    expect(problemsOf(lines.join('\n')).map(({ code }) => code)).toEqual(['syntax']);
  });

  test('tells of 500 problems and counts the rest', () => {
    const parsed = parseWritten({ routes: new Array(700).fill(7) }, 'test');
    expect(parsed).toMatchObject({ ok: false, truncated: 200 });
    expect(parsed.ok ? [] : parsed.problems).toHaveLength(500);
  });

  test('has at most 20,000 routes and 1,024 upstreams', () => {
    const upstreams = Object.fromEntries(Array.from({ length: 1025 }, (_, at) => [`u${at}`, 7]));
    const routes = new Array(20_001).fill(7);
    expect(problemsOf({ upstreams, routes }).filter(({ code }) => code === 'limit')).toMatchObject([
      { path: 'upstreams', message: 'more than 1024 upstreams (upstreamCountMax)' },
      { path: 'routes', message: 'more than 20000 routes (routeCountMax)' },
    ]);
  });

  test.each([
    ['[]', 'wrong-type '],
    ['text', 'wrong-type '],
    ['routes: {}', 'wrong-type routes'],
    ['upstreams: []', 'wrong-type upstreams'],
    ['upstreams:\n  a:\n', 'wrong-type upstreams.a'],
    ['routes:\n  - id: a\n    match:\n    respond: {}\n', 'wrong-type routes[0].match'],
    ['routes: !foo []', 'syntax '],
    ['routes:\n\t- a', 'syntax '],
    ['upstreams:\n  ? [a, b]\n  : { endpoints: ["http://a:1"] }\n', 'bad-value upstreams.[ a, b ]'],
  ])('is refused: %j', (text, kind) => {
    expect(kindsOf(text)).toEqual([kind]);
  });
});

describe('faults', () => {
  test('a misspelt field of an upstream hides no other problem of it', () => {
    const upstreams = { a: { endpoints: ['ftp://a'], conections: 3 } };
    expect(kindsOf({ upstreams })).toEqual([
      'bad-value upstreams.a.endpoints[0]',
      'unknown-field upstreams.a.conections',
    ]);
  });

  test('a misspelt field of a route hides no other problem of it', () => {
    const routes = [{ id: 'r', match: { path: '/a' }, upstream: 'no', rewrit: {} }];
    expect(kindsOf({ routes }).sort()).toEqual([
      'unknown-field routes[0].rewrit',
      'unknown-upstream routes[0].upstream',
    ]);
  });

  test('a misspelt field is not missing as well', () => {
    const routes = [{ id: 'r', match: { path: '/a' }, respnd: { status: 204, body: 'x' } }];
    expect(kindsOf({ routes }).sort()).toEqual([
      'bad-value routes[0].respond.body',
      'unknown-field routes[0].respnd',
    ]);
  });

  test('an alias without an anchor is placed where it stands', () => {
    const text = 'upstreams:\n  a: { endpoints: ["http://a:1"], retry: *usual }\n';
    expect(problemsOf(text)).toMatchObject([{ code: 'syntax', line: 2, column: 42 }]);
  });

  test('a policy of a later release is one problem', () => {
    const policies = [{ auth: { limit: 100 } }];
    expect(kindsOf({ routes: [{ ...route, policies }] })).toEqual([
      'not-in-release routes[0].policies[0].auth',
    ]);
  });

  test('a refused route is in conflict with nobody', () => {
    const bad = ['a', 'b'].map((path) => ({ id: path, match: { path }, respond: {} }));
    expect(kindsOf({ routes: bad })).toEqual([
      'bad-path routes[0].match.path',
      'bad-path routes[1].match.path',
    ]);
  });

  test('a bad path makes no bad templates', () => {
    const routes = [{ id: 'r', match: { path: '/a/{id}x/{y}' }, redirect: { to: '/{y}' } }];
    expect(kindsOf({ routes })).toEqual(['bad-path routes[0].match.path']);
  });

  test('an unknown upstream of a split is placed at its name', () => {
    const split = [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 1 },
    ];
    const routes = [{ id: 'r', match: { path: '/' }, upstream: split }];
    expect(kindsOf({ upstreams: { a: upstream }, routes })).toEqual([
      'unknown-upstream routes[0].upstream[1].name',
    ]);
  });

  test('an upstream named __proto__ is refused, not lost', () => {
    expect(kindsOf('upstreams:\n  __proto__: { endpoints: ["http://a:1"] }\n')).toEqual([
      'bad-value upstreams.__proto__',
    ]);
  });
});
