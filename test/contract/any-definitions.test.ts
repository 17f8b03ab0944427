// Goal: whatever is written is either refused with places or compiled and decoded; nothing throws.
// Method: a full set of definitions with random parts of it replaced, by fast-check.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRoute } from '../../src/gateway/plan/route-plan.ts';
import { parseDefinitions, parseWritten } from '../../src/model/parse.ts';
import { problemCodes } from '../../src/model/problem.ts';
import { shapeOf } from '../kit/compiled.ts';

const full = {
  upstreams: {
    a: {
      endpoints: ['http://a:1', { url: 'http://b', weight: 2 }],
      balance: 'hash',
      hash: 'header x-a',
      connections: 3,
      timeout: { connect: '1s', headers: '2s', idle: '3s' },
      retry: { attempts: 2, on: ['connect', 502], budget: '20%' },
      health: { path: '/h', interval: '1s', timeout: '1s', unhealthy: 1, healthy: 1 },
      breaker: { failures: '50%', of: 10, open: '1s' },
      host: 'endpoint',
    },
    b: { endpoints: ['http://c'] },
  },
  routes: [
    {
      id: 'proxy',
      match: {
        hosts: ['a.b', '*.b'],
        methods: ['GET', 'POST', 'PURGE'],
        path: '/a/{x}/**',
        headers: { 'x-a': '1', 'x-b': { present: true } },
        query: { q: { regex: 'a+' } },
      },
      upstream: [
        { name: 'a', weight: 1 },
        { name: 'b', weight: 2 },
      ],
      rewrite: { path: '/{x}/{**}' },
      policies: [
        {
          headers: {
            request: { set: { a: '${path.x}' }, remove: ['b'] },
            response: { add: { c: 'd' } },
          },
        },
      ],
      cache: {
        ttl: [{ when: { query: { q: '1' }, body: { '$.a[0]': 'b' } }, ttl: '1h' }, { ttl: '1s' }],
        'status-ttl': { 404: '5s', '5xx': '1s' },
        override: 'ttl',
        stale: { 'while-revalidate': '1s', 'if-error': '1m' },
        negative: '1s',
        methods: ['GET', 'POST'],
        body: ['$.a', '$.b[0]'],
        vary: { headers: ['x-a'], query: { deny: ['q'] }, cookies: ['c'], language: ['en'] },
        tags: ['t-{x}'],
        'min-uses': 2,
        'max-size': '1MiB',
        bypass: { headers: { 'x-b': { present: true } } },
        'no-store': [{ cookies: { s: '1' } }],
        wait: '1s',
        debug: { token: { env: 'TOKEN' } },
      },
    },
    {
      id: 'reply',
      match: { path: '/b' },
      respond: { status: 404, headers: { a: 'b' }, body: '${revision}' },
    },
    { id: 'move', match: { path: '/c/{y}' }, redirect: { to: '/{y}', status: 302 } },
  ],
};

const likely = fc.constantFrom<unknown>(
  ...['a', 'x-a', 'GET', '/a', '/b/{x}', '/**', 'a.b', '*.c', '5s', '10%', 'ip', 'preserve'],
  ...['http://z:9', '${path.x}', '', 1, 5, 301, [], {}, { regex: 'b' }, { present: false }],
);
const odd = fc.oneof(
  { arbitrary: likely, weight: 4 },
  fc.constantFrom<unknown>(
    null,
    '',
    ' ',
    0,
    -1,
    1.5,
    1e21,
    true,
    [],
    {},
    [null],
    [[]],
    { present: 1 },
    { regex: '(' },
    '${',
    '{**}',
    '*',
    '*.',
    '/',
    '//',
    '/{x}',
    '/**',
    'http://',
    'http://[',
    '1s',
    '100%',
    'a\u0000b',
    'ÿ',
    '\u2028',
    'constructor',
    'toString',
    'x'.repeat(9000),
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Paths of all values below a value. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, [...path, key]))];
}

function replaced(value: unknown, [step, ...rest]: string[], by: unknown): unknown {
  if (step === undefined) return by;
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...value]
    : { ...value };
  const fields = copy as Record<string, unknown>;
  if (Object.hasOwn(fields, step)) fields[step] = replaced(fields[step], rest, by);
  return copy;
}

const written = fc
  .array(fc.tuple(fc.constantFrom(...pathsOf(full).slice(1)), odd), { minLength: 1, maxLength: 2 })
  .map((changes) =>
    changes.reduce<unknown>((value, [path, by]) => replaced(value, path, by), full),
  );

/** A thousand parses with all that can be wrong in them, on a machine that does other things too. */
const slow = { timeout: 60_000 };

describe('any definitions', slow, () => {
  test('are refused with places, or compiled, verified and decoded', () => {
    let refused = 0;
    let taken = 0;
    fc.assert(
      fc.property(written, (value) => {
        const parsed = parseWritten(value, 'test');
        if (!parsed.ok) {
          refused += 1;
          expect(parsed.problems.length).toBeGreaterThan(0);
          for (const { code, message, file, line, column } of parsed.problems) {
            expect(problemCodes).toContain(code);
            expect([file, message.length > 0, line >= 1, column >= 1]).toEqual([
              'test',
              true,
              true,
              true,
            ]);
          }
          return;
        }
        taken += 1;
        const shape = shapeOf(parsed.definitions);
        for (let index = 0; index < shape.routeCount; index++) {
          expect(decodeRoute(shape.route(index)).id).toBe(parsed.definitions.routes[index]?.id);
        }
      }),
      { numRuns: 1000, seed: 20 },
    );
    expect([refused > 100, taken > 50]).toEqual([true, true]);
  });

  test('mean the same as a value, as JSON, and written again', () => {
    fc.assert(
      fc.property(written, (value) => {
        const parsed = parseWritten(value, 'test');
        const asText = parseDefinitions([{ file: 'test', text: JSON.stringify(value) }]);
        expect(asText.ok).toBe(parsed.ok);
        if (!parsed.ok || !asText.ok) return;
        expect(asText.hash).toBe(parsed.hash);
        expect(parseWritten(parsed.written, 'again')).toEqual(parsed);
      }),
      { numRuns: 400, seed: 21 },
    );
  });
});

test('any text is read or refused', () => {
  const piece = fc.constantFrom(
    'a',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '&a ',
    '*a',
    '!',
    '|',
    '>',
    '#',
    '%',
    '---\n',
    '...\n',
    '?',
    ',',
    '\t',
    'routes',
    'upstreams',
    '\r',
    '\u0000',
    '<<',
    '~',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
      (text) => {
        const parsed = parseDefinitions([{ file: 'test', text }]);
        if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0);
      },
    ),
    { numRuns: 3000, seed: 22 },
  );
});
