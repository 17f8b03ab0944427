// Goal: Cutover decides as http-cache-semantics does, but for differences that the docs explain.
// Method: random responses and requests through both; a case in which they differ must agree once
// the causes named in test/kit/cache-differences.ts are taken out of it.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CacheCase, oracleOutcome, ourOutcome } from '../../../kit/cache-case.ts';
import { agree, causesIn, differences, explain } from '../../../kit/cache-differences.ts';

/** Mostly the first value, so that most cases differ by one thing alone. */
const mostly = <T>(first: T, ...others: readonly T[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constant(first) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );

const control = fc.uniqueArray(
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom('max-age=60', 'max-age=0', 'max-age=600', 's-maxage=60', 'public'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        ...['max-age="60"', 'max-age=60a', 'max-age =60', 'max-age=-5', 'MAX-AGE=60', 's-maxage=x'],
        ...['no-cache', 'no-cache="x-a"', 'private', 'private="x-a"', 'No-Store', 'no-store'],
        ...['must-revalidate', 'proxy-revalidate', 'must-understand', 'immutable'],
        ...['stale-while-revalidate=100', 'stale-if-error=100', 'foo', 'foo="a, b"'],
      ),
    },
  ),
  { maxLength: 3 },
);

const askControl = fc.uniqueArray(
  fc.constantFrom(
    'no-cache',
    'max-age=0',
    'max-age=100',
    'min-fresh=50',
    'max-stale',
    'max-stale=40',
  ),
  { maxLength: 2, selector: (directive) => directive.split('=')[0] },
);

const cases: fc.Arbitrary<CacheCase> = fc.record({
  method: mostly('GET', 'HEAD', 'POST'),
  firstControl: mostly(null, 'no-store', 'no-cache', 'max-age=0'),
  authorized: mostly(false, true),
  status: mostly(200, 203, 204, 206, 299, 301, 302, 404, 410, 500, 501, 503),
  control,
  cdnControl: mostly(null, 'max-age=60', 'no-store', 'no-cache', 'max-age=', ''),
  date: mostly<number | null>(0, null, -30, -300, 100),
  expires: mostly<number | string | null>(null, 60, 600, 0, -60, '0', '-1', '2030-01-01'),
  lastModified: fc.constantFrom(null, -60, -6000, -3_153_600, 0, 60, 'foo', '2020-01-01'),
  age: mostly(null, '0', '30', '500', '30;a=b', 'abc', '-1'),
  etag: fc.boolean(),
  setCookie: mostly(false, true),
  pragma: mostly(null, 'no-cache', 'foo'),
  vary: mostly(null, 'Accept-Language', 'accept-language, foo', '*', 'foo'),
  selecting: fc.constantFrom<[string, string]>(['en', 'en'], ['en', 'de'], ['en, de', 'de,EN']),
  askControl: fc.oneof(fc.constant([]), askControl),
  askPragma: mostly(null, 'no-cache', 'foo'),
  elapsed: fc.constantFrom(0, 10, 70, 100, 130, 1000, 100_000),
});

const plain: CacheCase = {
  method: 'GET',
  firstControl: null,
  authorized: false,
  status: 200,
  control: ['max-age=60'],
  cdnControl: null,
  date: 0,
  expires: null,
  lastModified: null,
  age: null,
  etag: true,
  setCookie: false,
  pragma: null,
  vary: null,
  selecting: ['en', 'en'],
  askControl: [],
  askPragma: null,
  elapsed: 100,
};

/** Some differences need a conjunction that random cases rarely show alone. */
const examples: [CacheCase][] = [
  [{ ...plain, control: ['max-age=600', 'must-understand', 'no-store'] }],
  [{ ...plain, control: [], expires: 600, pragma: 'no-cache' }],
  [{ ...plain, control: ['no-cache'], askControl: ['max-stale'] }],
  [{ ...plain, askControl: ['max-stale=40'] }],
];

/** Enough for each difference to be the only cause of some case. */
const runs = { numRuns: 8000, seed: 9111, examples };

describe('http-cache-semantics as oracle', () => {
  const alone = new Map<string, number>();
  let differing = 0;
  let storedByBoth = 0;

  test('every difference over random headers is explained', () => {
    fc.assert(
      fc.property(cases, (one) => {
        if (agree(one)) {
          if (ourOutcome(one).answer !== 'origin') storedByBoth += 1;
          return;
        }
        differing += 1;
        const causes = explain(one);
        const told = () =>
          JSON.stringify({ one, ours: ourOutcome(one), oracle: oracleOutcome(one) });
        expect(causes, told()).not.toBeNull();
        const [cause, ...others] = causesIn(one);
        if (cause === undefined || others.length > 0) return;
        alone.set(cause.id, (alone.get(cause.id) ?? 0) + 1);
        if (cause.ours !== 'either')
          expect(moreOrLess(one), `${cause.id} ${told()}`).toBe(cause.ours);
      }),
      runs,
    );
    expect(storedByBoth).toBeGreaterThan(500);
  });

  test('each explanation is needed, by itself', () => {
    expect(differing).toBeGreaterThan(1000);
    const idle = differences.filter(({ id }) => !alone.has(id));
    expect(idle.map(({ id }) => id)).toEqual([]);
  });

  test('the docs explain each', () => {
    const text = readFileSync('docs/http-caching.md', 'utf8');
    const [, section = ''] = /^## 2\. ([\s\S]*?)^## 3\. /m.exec(text) ?? [];
    const rows = [...section.matchAll(/^\| `([a-z0-9-]+)` *\|/gm)].map(([, id]) => id);
    expect(rows).toEqual(differences.map(({ id }) => id));
  });
});

/** Whether we answer from the store, or keep, more than the oracle does. */
function moreOrLess(one: CacheCase): 'more' | 'less' {
  const rank = { origin: 0, 'while-revalidating': 1, fresh: 2 };
  const ours = ourOutcome(one);
  const oracle = oracleOutcome(one);
  const byAnswer = rank[ours.answer] - rank[oracle.answer];
  return (byAnswer === 0 ? Number(ours.stored) - Number(oracle.stored) : byAnswer) > 0
    ? 'more'
    : 'less';
}
