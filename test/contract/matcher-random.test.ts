// Goal: the compiled matcher agrees with the naive one on any table and any request. Method: random
// tables over so few names that routes meet often, each tried with many requests.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findConflicts } from '../../src/model/conflicts.ts';
import type { Definitions, FieldPredicate, Match, Route } from '../../src/model/definitions.ts';
import { parsePathPattern } from '../../src/model/path-pattern.ts';
import { Problems } from '../../src/model/problem.ts';
import { naiveMatch, type PlainRequest } from '../kit/naive-matcher.ts';
import { realMatcher } from '../kit/real-matcher.ts';

const hostPattern = fc.constantFrom('a.b', 'b', 'x.a.b', '*.b', '*.a.b', '*.x.a.b');
const host = fc.constantFrom('a.b', 'b', 'x.a.b', 'y.x.a.b', 'X.A.B:80', 'z.b', 'c', 'xa.b');
const method = fc.constantFrom('GET', 'POST', 'PURGE', 'BREW');
const segment = fc.constantFrom('a', 'b', 'ab', '');

const pattern = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'ab', '{}'), { maxLength: 4 }),
    fc.constantFrom('', '/', '/**'),
  )
  .map(([pieces, end]) => {
    const named = pieces.map((piece, at) => (piece === '{}' ? `{p${at}}` : piece));
    const parsed = parsePathPattern(`/${named.join('/')}${end}`.replace(/^\/+/, '/'));
    if ('message' in parsed) throw new Error(parsed.message);
    return parsed;
  });

function predicates(names: string[]): fc.Arbitrary<FieldPredicate[]> {
  const one = fc
    .tuple(fc.constantFrom(...names), fc.constantFrom('equals', 'regex', 'present', 'absent'))
    .chain(([name, kind]) =>
      fc
        .constantFrom('1', '2')
        .map((value) =>
          kind === 'equals' || kind === 'regex'
            ? ({ name, kind, value } as FieldPredicate)
            : ({ name, kind } as FieldPredicate),
        ),
    );
  return fc.uniqueArray(one, { maxLength: 2, selector: ({ name }) => name });
}

const match: fc.Arbitrary<Match> = fc.record({
  hosts: fc.uniqueArray(hostPattern, { maxLength: 2 }),
  methods: fc.uniqueArray(method, { maxLength: 2 }),
  path: pattern,
  headers: predicates(['x-a', 'x-b']),
  query: predicates(['q']),
});

const definitions: fc.Arbitrary<Definitions> = fc
  .array(match, { minLength: 1, maxLength: 12 })
  .map(tableOf);

function tableOf(matches: readonly Match[]): Definitions {
  const routes = matches.map(
    (one, index): Route => ({
      id: `r${index}`,
      match: one,
      action: { kind: 'respond', status: 200, headers: [], body: [] },
      policies: [],
      cache: null,
    }),
  );
  return { upstreams: [], routes };
}

const value = fc.constantFrom('1', '2', '3');
const request: fc.Arbitrary<PlainRequest> = fc.record({
  host,
  method,
  path: fc.array(segment, { minLength: 1, maxLength: 5 }).map((pieces) => `/${pieces.join('/')}`),
  headers: fc.record({ 'x-a': value, 'x-b': value }, { requiredKeys: [] }),
  query: fc.record({ q: value }, { requiredKeys: [] }),
});

const requests = fc.array(request, { minLength: 20, maxLength: 40 });

describe('any table and any request', () => {
  test('the compiled matcher answers what the naive one answers', () => {
    fc.assert(
      fc.property(definitions, requests, (table, tried) => {
        const real = realMatcher(table);
        for (const one of tried) {
          const naive = naiveMatch(table, one);
          const bits =
            'allow' in naive
              ? { route: null, allow: [...new Set(naive.allow.map(bitName))].sort() }
              : naive;
          expect(real(one)).toEqual(bits);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test('a route that is called out of reach is never reached', () => {
    fc.assert(
      fc.property(definitions, requests, (table, tried) => {
        const problems = new Problems(() => ({ file: '', line: 1, column: 1 }));
        findConflicts(
          table.routes.map((route) => ({ route, path: [route.id] })),
          problems,
        );
        const dead = problems.list.map(({ path }) => path.split('.')[0]);
        const reached = tried.map((one) => naiveMatch(table, one).route);
        expect(reached.filter((id) => dead.includes(id ?? ''))).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test('without a conflict, each route is reached by a request of its own', () => {
    fc.assert(
      fc.property(fc.array(match, { minLength: 1, maxLength: 6 }).map(tableOf), (table) => {
        const bare = table.routes.map((route) => ({
          ...route,
          match: { ...route.match, methods: [], headers: [], query: [] },
        }));
        const problems = new Problems(() => ({ file: '', line: 1, column: 1 }));
        findConflicts(
          bare.map((route) => ({ route, path: [route.id] })),
          problems,
        );
        fc.pre(problems.count === 0);
        const real = realMatcher({ upstreams: [], routes: bare });
        for (const route of bare) {
          const hosts = route.match.hosts.length === 0 ? ['nowhere'] : route.match.hosts;
          const reached = hosts.map((one) => real(ownRequest(route, one.replace('*', 'q'))));
          expect(reached).toContainEqual({ route: route.id });
        }
      }),
      { numRuns: 1000 },
    );
  });
});

function bitName(name: string): string {
  return ['GET', 'POST'].includes(name) ? name : 'other';
}

/** Parameters take a text that no literal has; the rest an empty segment, which no parameter takes. */
function ownRequest({ match: { path } }: Route, ownHost: string): PlainRequest {
  const pieces = path.segments.map((one) => (one.kind === 'literal' ? one.text : 'q'));
  if (path.rest) pieces.push('', 'q');
  return { host: ownHost, method: 'GET', path: `/${pieces.join('/')}`, headers: {}, query: {} };
}
