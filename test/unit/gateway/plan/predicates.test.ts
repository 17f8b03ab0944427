// Goal: predicates judge the field of a request that they name. Method: each kind against requests
// with and without the field.
import { describe, expect, test } from 'vitest';
import { PredicateT } from '#generated/cutover.js';
import { HeaderPredicate, QueryPredicate } from '../../../../src/gateway/plan/predicates.ts';
import { predicateKind } from '../../../../src/memory/shape-kinds.ts';
import { exchangeOf } from '../../../kit/exchange.ts';

type Kind = keyof typeof predicateKind;

function header(kind: Kind, value: string | null, ...values: readonly string[]): boolean {
  const predicate = new HeaderPredicate(new PredicateT('x-a', predicateKind[kind], value));
  const lines = values.map((one) => ['x-a', one] as const);
  return predicate.holds(exchangeOf({ headers: [['host', 'test'], ...lines, ['x-ab', 'other']] }));
}

function query(kind: Kind, value: string | null, text: string): boolean {
  const predicate = new QueryPredicate(new PredicateT('lang', predicateKind[kind], value));
  return predicate.holds(exchangeOf({ query: text }));
}

describe('headers', () => {
  test.each<[Kind, string | null, string[], boolean]>([
    ['equals', 'on', ['on'], true],
    ['equals', 'on', ['ON'], false],
    ['equals', 'on', [' on'], false],
    ['equals', 'on', [], false],
    ['equals', '', [''], true],
    ['equals', '', [], false],
    ['equals', 'a, b', ['a', 'b'], true],
    ['equals', 'a', ['a', 'b'], false],
    ['present', null, [''], true],
    ['present', null, [], false],
    ['absent', null, [], true],
    ['absent', null, [''], false],
    ['regex', 'v[0-9]+', ['v12'], true],
    ['regex', 'v[0-9]+', ['xv12'], false],
    ['regex', 'v[0-9]+', ['v12x'], false],
    ['regex', '.*', [], false],
    ['regex', '(?i)ON', ['on'], true],
  ])('%s %j of %j: %s', (kind, value, values, expected) => {
    expect(header(kind, value, ...values)).toBe(expected);
  });

  test('a regex that makes others explode is judged in linear time', () => {
    expect(header('regex', '(a+)+b', 'a'.repeat(10_000))).toBe(false);
  });
});

describe('query', () => {
  test.each<[Kind, string | null, string, boolean]>([
    ['equals', 'en', 'lang=en', true],
    ['equals', 'en', 'a=1&lang=en&b=2', true],
    ['equals', 'en', 'lang=en&lang=de', true],
    ['equals', 'en', 'lang=de&lang=en', false],
    ['equals', 'en', 'xlang=en', false],
    ['equals', 'en', 'language=en', false],
    ['equals', 'en', 'lang=EN', false],
    ['equals', 'en', '', false],
    ['equals', '', 'lang=', true],
    ['equals', '', 'lang', true],
    ['equals', '', 'a&lang&b', true],
    ['equals', 'a b', 'lang=a+b', true],
    ['equals', 'a b', 'lang=a%20b', true],
    ['equals', 'a+b', 'lang=a%2Bb', true],
    ['equals', 'é', 'lang=%C3%A9', true],
    ['equals', 'a=b', 'lang=a=b', true],
    ['equals', '%zz', 'lang=%zz', true],
    ['equals', '%ff', 'lang=%ff', true],
    ['present', null, 'lang', true],
    ['present', null, 'b=lang', false],
    ['absent', null, 'b=lang', true],
    ['absent', null, 'lang=', false],
    ['regex', 'e.', 'lang=en', true],
    ['regex', 'a b', 'lang=a+b', true],
    ['regex', 'e.', 'lang=den', false],
    ['regex', '.*', 'x=1', false],
  ])('%s %j of %j: %s', (kind, value, text, expected) => {
    expect(query(kind, value, text)).toBe(expected);
  });
});
