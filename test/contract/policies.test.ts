// Goal: what the compiler encodes of policies, predicates and splits is what the gateway runs.
// Method: a route through the bytes, and an exchange.
import { describe, expect, test } from 'vitest';
import { HeaderList } from '../../src/gateway/header-list.ts';
import { exchangeOf, type PlainExchange, planOf } from '../kit/exchanges.ts';

type Lines = [string, string][];

function listOf(lines: Lines): HeaderList {
  return new HeaderList(
    lines.map(([name]) => name),
    lines.map(([, value]) => value),
  );
}

function linesOf({ names, values }: HeaderList): Lines {
  return names.map((name, index) => [name, values[index] as string]);
}

describe('the headers policy', () => {
  const before: Lines = [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
    ['c', '4'],
  ];

  function responseOf(...changes: object[]): Lines {
    const policies = changes.map((response) => ({ headers: { response } }));
    const plan = planOf({ match: { path: '/{x}/**' }, respond: {}, policies });
    const list = listOf(before);
    const exchange = exchangeOf(plan, { path: '/one/two' });
    for (const policy of plan.responsePolicies) policy.onResponse(exchange, list);
    return linesOf(list);
  }

  test.each<[string, object[], Lines]>([
    [
      'removes all of a name',
      [{ remove: ['A', 'd'] }],
      [
        ['b', '2'],
        ['c', '4'],
      ],
    ],
    [
      'sets the first of a name',
      [{ set: { A: 'x' } }],
      [
        ['a', 'x'],
        ['b', '2'],
        ['c', '4'],
      ],
    ],
    ['sets what was not there', [{ set: { d: 'x' } }], [...before, ['d', 'x']]],
    ['adds to what is there', [{ add: { a: 'x' } }], [...before, ['a', 'x']]],
    [
      'removes, then sets, then adds',
      [{ add: { b: 'z' }, set: { b: 'y' }, remove: ['b', 'a', 'c'] }],
      [
        ['b', 'y'],
        ['b', 'z'],
      ],
    ],
    [
      'fills in',
      [{ set: { a: '${path.x}-${path.**}' } }],
      [
        ['a', 'one-two'],
        ['b', '2'],
        ['c', '4'],
      ],
    ],
    [
      'runs one after another',
      [{ set: { d: 'x' } }, { remove: ['d', 'a'] }],
      [
        ['b', '2'],
        ['c', '4'],
      ],
    ],
  ])('%s', (_name, changes, after) => {
    expect(responseOf(...changes)).toEqual(after);
  });

  test('of the request changes the request and no response', () => {
    const plan = planOf({
      policies: [{ headers: { request: { set: { 'x-a': '1' }, remove: ['b'] } } }],
    });
    expect(plan.responsePolicies).toEqual([]);
    expect(plan.requestPolicies).toHaveLength(1);
    const exchange = exchangeOf(plan, { headers: [['b', '2']] });
    plan.requestPolicies[0]?.onRequest(exchange, exchange.headers);
    expect(linesOf(exchange.headers)).toEqual([
      ['host', 'shop.example:8080'],
      ['x-a', '1'],
    ]);
  });

  test('of the response changes local replies too', () => {
    const reply = (response: object) =>
      planOf({ respond: { headers: { a: '1', b: '2' } }, policies: [{ headers: { response } }] })
        .reply;
    expect(String(reply({ set: { a: 'x' }, remove: ['b'], add: { c: '3' } })?.prepared?.head)).toBe(
      '200 OK\r\na: x\r\nc: 3',
    );
    expect(reply({ set: { a: '${revision}' } })?.prepared).toBeNull();
  });

  test('keeps what came from the request on its line', () => {
    const policies = [{ headers: { response: { set: { a: '${request.query}' } } } }];
    const plan = planOf({ policies });
    const list = listOf([]);
    const exchange = exchangeOf(plan, { query: 'x\r\ny: z\u0000' });
    plan.responsePolicies[0]?.onResponse(exchange, list);
    expect(linesOf(list)).toEqual([['a', 'xy: z']]);
  });

  test('that says nothing is not run', () => {
    const plan = planOf({ policies: [{ headers: {} }] });
    expect([plan.requestPolicies, plan.responsePolicies]).toEqual([[], []]);
  });
});

describe('predicates', () => {
  function holds(match: object, request: PlainExchange): boolean {
    const plan = planOf({ match: { path: '/**', ...match } });
    const exchange = exchangeOf(plan, request);
    return plan.predicates.every((predicate) => predicate.holds(exchange));
  }

  const header = (...values: string[]): PlainExchange => ({
    headers: values.map((value) => ['x-a', value] as const),
  });

  test.each<[unknown, PlainExchange, boolean]>([
    ['1', header('1'), true],
    ['1', header('2'), false],
    ['1', header(), false],
    ['', header(''), true],
    ['', header(), false],
    ['1, 2', header('1', '2'), true],
    ['1', header('1', '2'), false],
    [{ present: true }, header(''), true],
    [{ present: true }, header(), false],
    [{ present: false }, header(), true],
    [{ present: false }, header(''), false],
    [{ regex: 'a+|b' }, header('aa'), true],
    [{ regex: 'a+|b' }, header('aab'), false],
    [{ regex: '(?i)A' }, header('a'), true],
    [{ regex: '.*' }, header(), false],
    [{ regex: '' }, header(''), true],
  ])('header %j of %j: %s', (wanted, request, held) => {
    expect(holds({ headers: { 'X-A': wanted } }, request)).toBe(held);
  });

  test.each<[unknown, string, boolean]>([
    ['en', 'lang=en', true],
    ['en', 'x=1&lang=en&y', true],
    ['en', 'lang=de&lang=en', false],
    ['en', 'xlang=en', false],
    ['en', 'lang', false],
    ['en', 'LANG=en', false],
    ['', 'lang', true],
    ['', 'lang=', true],
    ['', '', false],
    ['a b', 'lang=a+b', true],
    ['a b', 'lang=a%20b', true],
    ['a+b', 'lang=a%2Bb', true],
    ['ü', 'lang=%C3%BC', true],
    ['%', 'lang=%', true],
    ['a=b', 'lang=a=b', true],
    [{ present: true }, 'lang', true],
    [{ present: false }, 'slang=1', true],
    [{ present: false }, 'lang=', false],
    [{ regex: '[0-9]+' }, 'lang=12', true],
    [{ regex: '[0-9]+' }, 'lang=12a', false],
  ])('query %j of %j: %s', (wanted, query, held) => {
    expect(holds({ query: { lang: wanted } }, { query })).toBe(held);
  });

  test('all of them must hold', () => {
    const match = { headers: { 'x-a': '1', 'x-b': { present: false } }, query: { q: '1' } };
    expect(holds(match, { ...header('1'), query: 'q=1' })).toBe(true);
    expect(holds(match, { ...header('1'), query: 'q=2' })).toBe(false);
    expect(
      holds(match, {
        headers: [
          ['x-a', '1'],
          ['x-b', ''],
        ],
        query: 'q=1',
      }),
    ).toBe(false);
  });
});

describe('a split', () => {
  const split = [
    { name: 'b', weight: 3 },
    { name: 'a', weight: 1 },
  ];

  test('draws each upstream by its weight', () => {
    const { targets } = planOf({ upstream: split });
    const lots = [0, 0.5, 0.7499, 0.75, 0.9999];
    expect(targets.count).toBe(2);
    expect(lots.map((lot) => targets.draw(lot))).toEqual([1, 1, 1, 0, 0]);
  });

  test('of one draws that one', () => {
    const { targets } = planOf({ upstream: 'b' });
    expect([targets.draw(0), targets.draw(0.9999)]).toEqual([1, 1]);
  });
});

test('methods without a bit are kept as text', () => {
  const plan = planOf({ match: { path: '/', methods: ['get', 'purge', 'REPORT'] } });
  expect(plan.otherMethods).toEqual(['PURGE', 'REPORT']);
});

test('constructor is a method without a bit', () => {
  const plan = planOf({ match: { path: '/', methods: ['constructor', 'GET'] } });
  expect(plan.otherMethods).toEqual(['CONSTRUCTOR']);
});
