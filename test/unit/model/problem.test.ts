// Goal: problems are gathered up to a limit, printed for people, and hint at what was meant.
// Method: each by itself.
import { describe, expect, test } from 'vitest';
import { problemCountMax } from '../../../src/base/limits.ts';
import { nearest, Problems, printPath, printProblem } from '../../../src/model/problem.ts';

test.each([
  [[], ''],
  [['routes'], 'routes'],
  [['routes', 3, 'match', 'path'], 'routes[3].match.path'],
  [['routes', 0, 'upstream', 1, 'name'], 'routes[0].upstream[1].name'],
  [[0], '[0]'],
])('the path %j is %s', (path, text) => {
  expect(printPath(path)).toBe(text);
});

describe('a problem', () => {
  const problem = {
    code: 'missing',
    message: 'is missing',
    hint: null,
    file: 'a.yaml',
    line: 3,
    column: 7,
    path: 'routes[0].id',
  } as const;

  test('is a line with its place', () => {
    expect(printProblem(problem)).toBe('a.yaml:3:7: routes[0].id: is missing');
  });

  test('has its hint in brackets', () => {
    expect(printProblem({ ...problem, hint: 'add one' })).toBe(
      'a.yaml:3:7: routes[0].id: is missing (add one)',
    );
  });

  test('of a whole file has no path', () => {
    expect(printProblem({ ...problem, path: '' })).toBe('a.yaml:3:7: is missing');
  });
});

describe('gathered', () => {
  test('they keep their order and places', () => {
    const problems = new Problems((path, at) => ({ file: at, line: path.length, column: 1 }));
    problems.add('missing', ['a', 'b'], 'one');
    problems.add('bad-host', ['c'], 'two', 'hint', 'key');
    expect(problems.list).toEqual([
      {
        code: 'missing',
        message: 'one',
        hint: null,
        path: 'a.b',
        file: 'value',
        line: 2,
        column: 1,
      },
      {
        code: 'bad-host',
        message: 'two',
        hint: 'hint',
        path: 'c',
        file: 'key',
        line: 1,
        column: 1,
      },
    ]);
  });

  test('those over the limit are counted', () => {
    const problems = new Problems(() => ({ file: '', line: 1, column: 1 }));
    for (let count = 0; count < problemCountMax + 7; count++) problems.add('missing', [], 'x');
    expect([problems.list.length, problems.truncated, problems.count]).toEqual([500, 7, 507]);
  });
});

describe('what was meant', () => {
  const candidates = ['upstreams', 'routes', 'retry', 'rewrite'];

  test.each([
    ['upstream', 'upstreams'],
    ['upsteams', 'upstreams'],
    ['route', 'routes'],
    ['rtry', 'retry'],
    ['rewirte', 'rewrite'],
    ['routes', 'routes'],
    ['x', null],
    ['', null],
    ['ROUTES', null],
    ['something', null],
  ])('by %j is %j', (written, meant) => {
    expect(nearest(written, candidates)).toBe(meant);
  });

  test('is the nearest of several', () => {
    expect(nearest('catalog-c', ['catalog-bb', 'catalog', 'catalog-b'])).toBe('catalog-b');
  });

  test('is nothing where there is nothing', () => {
    expect(nearest('a', [])).toBeNull();
  });
});
