// Goal: a route as written becomes one with its texts parsed, or its problems. Method: one route at
// a time.
import { describe, expect, test } from 'vitest';
import type { Match, Route } from '../../../src/model/definitions.ts';
import { kindsOf, problemsOf, resolved } from '../../kit/compiled.ts';

const upstreams = { a: { endpoints: ['http://a'] }, b: { endpoints: ['http://b'] } };

function definitions(match: object, action: object = { respond: {} }) {
  return { upstreams, routes: [{ id: 'r', match: { path: '/p/{x}/**', ...match }, ...action }] };
}

function routeOf(match: object, action?: object): Route {
  return resolved(definitions(match, action)).routes[0] as Route;
}

function matchOf(match: object): Match {
  return routeOf(match).match;
}

function kinds(match: object, action?: object): string[] {
  return kindsOf(definitions(match, action)).map((kind) => kind.replace('routes[0].', ''));
}

describe('match', () => {
  test('takes everything when it says nothing but a path', () => {
    expect(matchOf({ path: '/a' })).toEqual({
      hosts: [],
      methods: [],
      path: { text: '/a', segments: [{ kind: 'literal', text: 'a' }], rest: false },
      headers: [],
      query: [],
    });
  });

  test('hosts are lower case, and each stands once', () => {
    expect([...matchOf({ hosts: ['*.A.b', 'X', 'x', '[::1]'] }).hosts].sort()).toEqual([
      '*.a.b',
      '[::1]',
      'x',
    ]);
  });

  test('methods are upper case, sorted, and each stands once', () => {
    expect(matchOf({ methods: ['put', 'GET', 'get', 'purge'] }).methods).toEqual([
      'GET',
      'PURGE',
      'PUT',
    ]);
  });

  test.each(['TRACE', 'connect', '', 'G T', 'GET\n', 'é'])('the method %j is refused', (method) => {
    expect(kinds({ methods: [method] })).toEqual(['bad-value match.methods[0]']);
  });

  test('predicates are sorted by name; header names are lower case, others as written', () => {
    const { headers, query } = matchOf({
      headers: { 'X-B': '1', 'x-a': { present: true } },
      query: { b: { present: false }, A: { regex: 'a+' } },
    });
    expect(headers).toEqual([
      { name: 'x-a', kind: 'present' },
      { name: 'x-b', kind: 'equals', value: '1' },
    ]);
    expect(query).toEqual([
      { name: 'A', kind: 'regex', value: 'a+' },
      { name: 'b', kind: 'absent' },
    ]);
  });

  test.each([
    [{ headers: { 'a b': '1' } }, 'bad-header match.headers.a b'],
    [{ headers: { '': '1' } }, 'bad-header match.headers.'],
    [{ headers: { a: { regex: '(?<=a)b' } } }, 'bad-regex match.headers.a.regex'],
    [{ query: { a: { regex: '(a)\\1' } } }, 'bad-regex match.query.a.regex'],
    [{ headers: { a: { present: 'yes' } } }, 'wrong-type match.headers.a.present'],
    [{ hosts: ['a:80'] }, 'bad-host match.hosts[0]'],
    [{ hosts: ['*a.b'] }, 'bad-host match.hosts[0]'],
    [{ hosts: ['*.*.b'] }, 'bad-host match.hosts[0]'],
    [{ hosts: ['ä.b'] }, 'bad-host match.hosts[0]'],
    [{ hosts: [`${'a'.repeat(64)}.b`] }, 'bad-host match.hosts[0]'],
  ])('%j is refused', (match, kind) => {
    expect(kinds(match)[0]).toBe(kind);
  });

  test('a header predicate that is given in two spellings is refused', () => {
    expect(kinds({ headers: { 'X-A': '1', 'x-a': '2' } })).toEqual(['duplicate match.headers.x-a']);
  });
});

describe('action', () => {
  test('an upstream by name is a split of one', () => {
    const by = (upstream: unknown) => routeOf({}, { upstream }).action;
    expect(by('a')).toEqual({
      kind: 'proxy',
      targets: [{ upstream: 'a', weight: 1 }],
      rewritePath: null,
    });
    expect(by([{ name: 'a', weight: 1 }])).toEqual(by('a'));
  });

  test('a split keeps its order and weights', () => {
    const split = [
      { name: 'b', weight: 95 },
      { name: 'a', weight: 5 },
    ];
    expect(routeOf({}, { upstream: split }).action).toMatchObject({
      targets: [
        { upstream: 'b', weight: 95 },
        { upstream: 'a', weight: 5 },
      ],
    });
  });

  test('a rewrite has holes in braces', () => {
    expect(routeOf({}, { upstream: 'a', rewrite: { path: '/v/{x}/{**}' } }).action).toMatchObject({
      rewritePath: [
        { kind: 'text', text: '/v/' },
        { kind: 'field', source: 'path', name: 'x' },
        { kind: 'text', text: '/' },
        { kind: 'field', source: 'path', name: '**' },
      ],
    });
  });

  test('the body of a reply has no holes in braces', () => {
    expect(routeOf({}, { respond: { body: '{x}' } }).action).toEqual({
      kind: 'respond',
      status: 200,
      headers: [],
      body: [{ kind: 'text', text: '{x}' }],
    });
  });

  test('a redirect is permanent unless told otherwise', () => {
    expect(routeOf({}, { redirect: { to: '/b' } }).action).toEqual({
      kind: 'redirect',
      status: 308,
      location: [{ kind: 'text', text: '/b' }],
    });
  });

  test.each([
    [{}, 'missing routes[0]'],
    [{ upstream: 'a', respond: {} }, 'bad-value routes[0]'],
    [{ respond: {}, rewrite: { path: '/' } }, 'bad-value rewrite'],
    [{ upstream: 'c' }, 'unknown-upstream upstream'],
    [{ upstream: [] }, 'bad-value upstream'],
    [{ upstream: 'a', rewrite: { path: 'v' } }, 'bad-path rewrite.path'],
    [{ upstream: 'a', rewrite: { path: '/{y}' } }, 'bad-template rewrite.path'],
    [{ redirect: { to: '/', status: 304 } }, 'wrong-type redirect.status'],
    [{ respond: { status: 199 } }, 'bad-value respond.status'],
  ])('%j is refused', (action, kind) => {
    expect(kinds({}, action)).toEqual([kind]);
  });

  test('a body has at most a megabyte', () => {
    const body = 'x'.repeat(1024 * 1024);
    expect(routeOf({}, { respond: { body } }).action).toMatchObject({ body: [{ text: body }] });
    expect(kinds({}, { respond: { body: `${body}x` } })).toEqual(['limit respond.body']);
  });

  test('the limit of a body counts bytes', () => {
    expect(kinds({}, { respond: { body: 'ä'.repeat(600_000) } })).toEqual(['limit respond.body']);
  });

  test.each(['/a b', '/a\r\nx: y', '/ä', ''])('a redirect to %j is refused', (to) => {
    expect(problemsOf(definitions({}, { redirect: { to } }))).toMatchObject([
      { path: 'routes[0].redirect.to' },
    ]);
  });

  test.each(['/a b', '/a\r\nx: y', '/ä', '/a#b', '/a?b=c'])(
    'a rewrite to %j is refused',
    (path) => {
      expect(problemsOf(definitions({}, { upstream: 'a', rewrite: { path } }))).toMatchObject([
        { path: 'routes[0].rewrite.path' },
      ]);
    },
  );

  test.each([204, 304])('a reply of status %i with a body is refused', (status) => {
    expect(problemsOf(definitions({}, { respond: { status, body: 'x' } }))).toHaveLength(1);
  });
});

describe('header changes', () => {
  const changes = (request: object) => ({ respond: {}, policies: [{ headers: { request } }] });

  test('names are lower case, values are templates', () => {
    const route = routeOf({}, changes({ set: { 'X-A': '${path.x}' }, remove: ['Cookie'] }));
    expect(route.policies).toEqual([
      {
        kind: 'headers',
        request: {
          remove: ['cookie'],
          set: [{ name: 'x-a', value: [{ kind: 'field', source: 'path', name: 'x' }] }],
          add: [],
        },
        response: { remove: [], set: [], add: [] },
      },
    ]);
  });

  const at = 'policies[0].headers.request';
  test.each([
    [{ set: { 'a b': '1' } }, `bad-header ${at}.set.a b`],
    [{ add: { Host: '1' } }, `bad-header ${at}.add.Host`],
    [{ remove: ['Content-Length'] }, `bad-header ${at}.remove[0]`],
    [{ set: { a: 'x\ny' } }, `bad-header ${at}.set.a`],
    [{ set: { a: '\u007f' } }, `bad-header ${at}.set.a`],
    [{ set: { a: '${nothing}' } }, `bad-template ${at}.set.a`],
    [{ set: { a: 1 } }, `wrong-type ${at}.set.a`],
  ])('%j is refused', (request, kind) => {
    expect(kinds({}, changes(request))).toEqual([kind]);
  });

  test('a policy has at most 128 changes of a kind', () => {
    const remove = Array.from({ length: 129 }, (_, index) => `x-${index}`);
    expect(kinds({}, changes({ remove }))).toEqual([`limit ${at}.remove`]);
  });

  test.each(['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'date'])(
    '%s is the gateway’s own',
    (name) => {
      expect(kinds({}, changes({ set: { [name]: 'x' } }))).toEqual([
        `bad-header ${at}.set.${name}`,
      ]);
    },
  );

  test('constructor is a header name', () => {
    expect(routeOf({}, changes({ set: { constructor: '1' } })).policies).toHaveLength(1);
  });

  test('a header that is set in two spellings is refused', () => {
    expect(kinds({}, changes({ set: { 'X-A': '1', 'x-a': '2' } }))).toEqual([
      `duplicate ${at}.set.x-a`,
    ]);
  });
});
