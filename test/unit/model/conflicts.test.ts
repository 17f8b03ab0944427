// Goal: routes that can never be reached are told of, and no others. Method: pairs of matches, the
// first of which would take everything of the second.
import { expect, test } from 'vitest';
import { parseDefinitions } from '../../../src/model/parse.ts';
import { kindsOf, problemsOf, resolved } from '../../kit/compiled.ts';

type Fields = Record<string, unknown>;

function routes(...matches: Fields[]) {
  return {
    routes: matches.map((match, at) => ({
      id: `r${at}`,
      match: { path: '/a', ...match },
      respond: {},
    })),
  };
}

test.each<[string, Fields[]]>([
  ['the same path twice', [{}, {}]],
  ['parameters of other names', [{ path: '/{a}' }, { path: '/{b}' }]],
  ['the same rest', [{ path: '/{a}/**' }, { path: '/{b}/**' }]],
  ['another spelling of a literal', [{ path: '/%61' }, {}]],
  ['the same host', [{ hosts: ['a', 'b'] }, { hosts: ['B'] }]],
  ['fewer methods after more', [{ methods: ['GET', 'PUT'] }, { methods: ['PUT'] }]],
  ['the same predicate', [{ headers: { a: '1' } }, { headers: { A: '1' } }]],
  ['a value where any will do', [{ query: { a: { present: true } } }, { query: { a: '1' } }]],
  [
    'a pattern where any will do',
    [{ query: { a: { present: true } } }, { query: { a: { regex: 'x' } } }],
  ],
])('out of reach: %s', (_name, matches) => {
  expect(kindsOf(routes(...matches))).toEqual(['conflict routes[1].match']);
});

test.each<[string, Fields[]]>([
  ['another path', [{}, { path: '/b' }]],
  ['a slash at the end', [{}, { path: '/a/' }]],
  ['a literal after a parameter', [{ path: '/{x}' }, {}]],
  ['an end after a rest', [{ path: '/a/**' }, {}]],
  ['any host after one', [{ hosts: ['a'] }, {}]],
  ['a host after any', [{}, { hosts: ['a'] }]],
  ['one of two hosts is new', [{ hosts: ['a'] }, { hosts: ['a', 'b'] }]],
  ['a wildcard that spans a host', [{ hosts: ['*.b'] }, { hosts: ['a.b'] }]],
  ['any method after some', [{ methods: ['GET'] }, {}]],
  ['more predicates after fewer', [{}, { headers: { a: '1' } }]],
  ['another value', [{ headers: { a: '1' } }, { headers: { a: '2' } }]],
  [
    'present and absent',
    [{ headers: { a: { present: true } } }, { headers: { a: { present: false } } }],
  ],
  ['a header and a query of one name', [{ headers: { a: '1' } }, { query: { a: '1' } }]],
  [
    'two that cover it together only',
    [{ methods: ['GET'] }, { methods: ['PUT'] }, { methods: ['GET', 'PUT'] }],
  ],
])('within reach: %s', (_name, matches) => {
  expect(resolved(routes(...matches)).routes).toHaveLength(matches.length);
});

test('the one that is out of reach is the later one by precedence, not by order', () => {
  const problems = problemsOf(
    routes(
      { headers: { a: '1' } },
      { headers: { a: { present: true } }, methods: ['GET'] },
      { headers: { a: { present: true } } },
      { headers: { a: '2' } },
    ),
  );
  expect(problems).toMatchObject([{ code: 'conflict', path: 'routes[3].match' }]);
});

test('each host may be taken by another route', () => {
  const problems = problemsOf(routes({ hosts: ['a'] }, { hosts: ['b'] }, { hosts: ['a', 'b'] }));
  expect(problems).toMatchObject([
    {
      path: 'routes[2].match',
      message: 'r2 can never be reached: r0 (test:3) takes every request that it matches',
      hint: 'remove one of them, or give it a predicate that the other lacks',
    },
  ]);
});

test('both places are told across files', () => {
  const text = (id: string) => `routes:\n  - { id: ${id}, match: { path: /a }, respond: {} }\n`;
  const parsed = parseDefinitions([
    { file: 'one.yaml', text: text('one') },
    { file: 'two.yaml', text: text('two') },
  ]);
  expect(parsed.ok ? [] : parsed.problems).toMatchObject([
    {
      file: 'two.yaml',
      line: 2,
      message: 'two can never be reached: one (one.yaml:2) takes every request that it matches',
    },
  ]);
});
