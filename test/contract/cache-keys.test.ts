// Goal: what the compiler encodes of a cache block makes the keys that the documentation promises.
// Method: a route through the bytes, exchanges, and their key texts line by line; random queries
// against a plain sort.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exchangeOf, type PlainExchange, planOf } from '../kit/exchanges.ts';

function cached(cache: object, route: object = {}) {
  const plan = planOf({ upstream: 'a', cache, ...route });
  if (plan.cache === null) throw new Error('the route is cached');
  const { cache: found } = plan;
  return { cache: found, exchange: (request?: PlainExchange) => exchangeOf(plan, request) };
}

/** The lines of a key behind its shape key, or null. */
function linesOf(cache: object, request?: PlainExchange, body?: string | Buffer): string[] | null {
  const { cache: plan, exchange } = cached(cache);
  const bytes = body === undefined ? null : Buffer.from(body);
  const text = plan.keyText(exchange(request), bytes);
  if (text === null) return null;
  const [shapeKey, ...lines] = text.split('\n');
  expect(shapeKey).toBe(plan.shapeKey);
  return lines;
}

const queryOf = (query: string, vary: object = {}) => linesOf({ vary }, { query })?.[3];

test('a key is shape key, method class, host, path and query', () => {
  expect(linesOf({}, { path: '/a/b', query: 'x=1' })).toEqual([
    'G',
    'shop.example:8080',
    '/a/b',
    'x=1',
  ]);
  expect(linesOf({}, { method: 'HEAD' })?.[0]).toBe('G');
});

test.each([
  ['SHOP.Example', 'shop.example'],
  ['shop.example:80', 'shop.example'],
  ['shop.example:8080', 'shop.example:8080'],
  ['[::80]', '[::80]'],
  ['[::1]:80', '[::1]'],
])('the host %s is %s in a key', (host, inKey) => {
  const { cache, exchange } = cached({});
  const one = exchange();
  one.headers.host = host;
  expect(cache.keyText(one, null)?.split('\n')[2]).toBe(inKey);
});

describe('the query', () => {
  test.each([
    ['', ''],
    ['b=1&a=2', 'a=2&b=1'],
    ['a=2&a=1', 'a=2&a=1'],
    ['b&a=2&b=1&a=1', 'a=2&a=1&b&b=1'],
    ['a=%41&a=A', 'a=%41&a=A'],
    ['&a=1&&b=2&', 'a=1&b=2'],
    ['&', ''],
    ['a', 'a'],
    ['a=&a', 'a=&a'],
    ['ab=1&a=1', 'a=1&ab=1'],
    ['a-b=1&a=1', 'a=1&a-b=1'],
    ['A=1&a=1&B=1', 'A=1&B=1&a=1'],
  ])('%j is %j in a key', (query, inKey) => {
    expect(queryOf(query)).toBe(inKey);
  });

  test.each<[unknown, string]>([
    [['lang', 'a'], 'a=1&lang=en&lang=de'],
    [[], ''],
    [['A'], ''],
    [{ deny: ['utm_source'] }, 'a=1&lang=en&lang=de'],
    [{ deny: ['a', 'lang'] }, 'utm_source=x'],
    [{ deny: [] }, 'a=1&lang=en&lang=de&utm_source=x'],
  ])('by %j', (choice, inKey) => {
    expect(queryOf('utm_source=x&lang=en&a=1&lang=de', { query: choice })).toBe(inKey);
  });

  test('is told to be a part of the whole only where some of it does not count', () => {
    const filtered = (query?: unknown) => cached({ vary: { query } }).cache.queryFiltered;
    expect(filtered()).toBe(false);
    expect(filtered({ deny: [] })).toBe(false);
    expect(filtered({ deny: ['a'] })).toBe(true);
    expect(filtered([])).toBe(true);
  });

  test('of any kind stands as a stable sort of its parameters', () => {
    const { cache, exchange } = cached({});
    const name = fc.constantFrom('', 'a', 'b', 'ab', 'a-', 'A', '%41');
    const parameter = fc.tuple(name, fc.constantFrom('', '=', '=1', '=2', '=a=b'));
    const order = (one: string) => one.split('=')[0] ?? '';
    fc.assert(
      fc.property(fc.array(parameter, { maxLength: 8 }), (list) => {
        const query = list.map((one) => one.join('')).join('&');
        const sorted = query
          .split('&')
          .filter((one) => one !== '')
          .sort((x, y) => (order(x) < order(y) ? -1 : order(x) > order(y) ? 1 : 0))
          .join('&');
        expect(cache.query(exchange({ query }))).toBe(sorted);
      }),
      { numRuns: 2000, seed: 41 },
    );
  });

  test.each<[string, string | undefined]>([
    ['%6cang=xx', '%6cang=xx'],
    ['l%61%6Eg=xx&lang=en&x=%zz', 'l%61%6Eg=xx&lang=en'],
    ['a%20b=1&a+b=2&a%2Bb=3', 'a%20b=1&a+b=2'],
    ['%256cang=xx&LANG=1', ''],
    ['%zz=1&lang=en', undefined],
    ['%ff=1&lang=en', undefined],
  ])('counts a listed name however it is spelled: %j is %j', (query, inKey) => {
    expect(queryOf(query, { query: ['lang', 'a%20b'] })).toBe(inKey);
  });

  test('leaves a name out only where it is spelled as it is listed', () => {
    const query = { deny: ['utm'] };
    expect(queryOf('%75tm=1&utm=2&a=3&%zz=4', { query })).toBe('%75tm=1&%zz=4&a=3');
  });

  test('of more parameters than are sorted has no key', () => {
    const query = Array.from({ length: 257 }, (_, index) => `p${257 - index}`).join('&');
    expect(linesOf({}, { query })).toBeNull();
    expect(linesOf({}, { query: query.slice(query.indexOf('&') + 1) })).not.toBeNull();
  });
});

test('a key has 2,048 bytes at most', () => {
  const rest = linesOf({}, { path: '/' })?.join('\n').length ?? 0;
  const longest = 2048 - 11 - 1 - rest + 1;
  expect(linesOf({}, { path: `/${'x'.repeat(longest - 1)}` })).not.toBeNull();
  expect(linesOf({}, { path: `/${'x'.repeat(longest)}` })).toBeNull();
});

describe('variants', () => {
  const lines = (vary: object, headers: [string, string][]) =>
    linesOf({ vary }, { headers })?.slice(4) ?? null;

  test.each<[object, [string, string][], string[]]>([
    [{ headers: ['X-B', 'x-a'] }, [['x-b', '1']], ['h:x-a', 'h:x-b=1']],
    [{ headers: ['x-a'] }, [['x-a', '']], ['h:x-a=']],
    [
      { headers: ['x-a'] },
      [
        ['x-a', '1'],
        ['x-a', ' 2 '],
      ],
      ['h:x-a=1,  2'],
    ],
    [{ cookies: ['ab', 'zz'] }, [['cookie', 'x=1; ab=b']], ['c:ab=b', 'c:zz']],
    [{ consumer: true }, [], ['u:']],
    [{ encoding: true, language: ['de'] }, [['accept-language', 'de']], ['l:de', 'e:identity']],
  ])('%j of %j', (vary, headers, expected) => {
    expect(lines(vary, headers)).toEqual(expected);
  });

  test.each(['ü', 'a\nG', '\u0101'])('a value of %j has no key', (value) => {
    expect(lines({ headers: ['x-a'] }, [['x-a', value]])).toBeNull();
    expect(lines({ cookies: ['a'] }, [['cookie', `a=${value}`]])).toBeNull();
  });

  test.each([
    [undefined, ''],
    ['', ''],
    ['fr', ''],
    ['de', 'de'],
    ['DE', 'de'],
    ['de-AT', 'de'],
    ['pt', 'pt-br'],
    ['pt-PT', ''],
    ['zh-Hant-TW', 'zh-hant'],
    ['en;q=0.5, de', 'de'],
    ['fr, de;q=0.1', 'de'],
    ['*', 'en'],
    ['en;q=0, *', 'de'],
    ['de;q=0', ''],
    ['de;q=2', ''],
    ['fr;q=1, *;q=0.1', 'en'],
  ])('Accept-Language %j is the class %j', (field, inKey) => {
    const headers: [string, string][] = field === undefined ? [] : [['accept-language', field]];
    expect(lines({ language: ['en', 'de', 'pt-BR', 'zh-Hant'] }, headers)).toEqual([`l:${inKey}`]);
  });

  test.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['GZIP, BR;q=0', 'gzip'],
    ['gzip;q=1.0, br;q=0.5', 'gzip'],
    ['*', 'br'],
    ['br;q=0, *', 'gzip'],
    ['identity', 'identity'],
    ['identity;q=1, gzip;q=0.5', 'identity'],
    ['deflate, zstd', 'identity'],
    ['gzip;q=0, br;q=0', 'identity'],
  ])('Accept-Encoding %j is the class %j', (field, inKey) => {
    const headers: [string, string][] = field === undefined ? [] : [['accept-encoding', field]];
    expect(lines({ encoding: true }, headers)).toEqual([`e:${inKey}`]);
  });

  test('of a class are asked for as the class that is in the key', () => {
    const { cache, exchange } = cached({ vary: { language: ['en', 'de'], encoding: true } });
    const one = exchange({
      headers: [
        ['accept-language', 'fr, de-AT;q=0.5'],
        ['accept-encoding', 'zstd, gzip'],
      ],
    });
    const key = cache.keyText(one, null);
    cache.narrowRequest(one);
    expect(one.headers.get('accept-language')).toBe('de');
    expect(one.headers.get('accept-encoding')).toBe('gzip');
    expect(cache.keyText(one, null)).toBe(key);
  });
});

describe('a body', () => {
  const post = (body: string | Buffer, paths = ['$.a', '$.b[0].c']) =>
    linesOf({ methods: ['GET', 'POST'], body: paths }, { method: 'POST' }, body);
  const digest = (text: string) => createHash('sha256').update(text).digest('base64url');

  test('stands in the key as a digest of its chosen fields, in the order of their paths', () => {
    const lines = post('{"x": 0, "b": [{"c": "ü"}], "a": {"z": 1.0, "y": [true, null]}}');
    expect(lines?.slice(0, 1)).toEqual(['P']);
    expect(lines?.slice(4)).toEqual([`b:${digest('{"y":[true,null],"z":1}\n"ü"\n')}`]);
    expect(post('{}')?.slice(4)).toEqual([`b:${digest('\n\n')}`]);
    expect(post(' [1] ', ['$'])?.slice(4)).toEqual([`b:${digest('[1]\n')}`]);
  });

  test.each([
    ['{"a":1}', '{ "a" : 1.0 }'],
    ['{"a":100}', '{"a":1e2}'],
    ['{"a":0}', '{"a":-0.0}'],
    ['{"a":"\\u0041"}', '{"a":"A"}'],
    ['{"a":"/"}', '{"a":"\\/"}'],
    ['{"a":{"x":1,"y":2}}', '{"a":{"y":2,"x":1}}'],
    ['{"a":1,"other":1}', '{"other":2,"a":1}'],
  ])('%s and %s are one key', (one, other) => {
    expect(post(one)).toEqual(post(other));
  });

  test.each([
    ['{"a":1}', '{"a":"1"}'],
    ['{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['{"a":1e400}', '{"a":2e400}'],
    ['{"a":1e-400}', '{"a":0}'],
    ['{"a":5e-324}', '{"a":4.94e-324}'],
    ['{"a":[1,2]}', '{"a":[2,1]}'],
    ['{"a":null}', '{}'],
    ['{"a":"x\\n","b":[{"c":1}]}', '{"a":"x","b":[{"c":1}]}'],
  ])('%s and %s are two keys', (one, other) => {
    expect(post(one)).not.toEqual(post(other));
  });

  test.each<[string, string | Buffer]>([
    ['nothing', ''],
    ['half of it', '{"a":1'],
    ['two values', '{} {}'],
    ['a member named twice', '{"a":1,"a":2}'],
    ['a member named twice in another spelling', '{"a":1,"\\u0061":2}'],
    ['a member named twice in what does not count', '{"x":{"y":1,"y":2}}'],
    ['a number with a zero in front', '{"a":01}'],
    ['a comma too many', '{"a":1,}'],
    ['an apostrophe', "{'a':1}"],
    ['a line end in a text', '{"a":"\n"}'],
    ['bytes that are not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a mark in front', '\ufeff{}'],
    ['what is nested too deep', '['.repeat(60) + ']'.repeat(60)],
    ['what is nested far too deep', '['.repeat(32_000)],
    ['more than is held back', `"${'x'.repeat(65_536)}"`],
  ])('of %s has no key', (_name, body) => {
    expect(post(body)).toBeNull();
  });

  test('is needed for the key of a POST and for no other', () => {
    const { cache, exchange } = cached({ methods: ['GET', 'POST'], body: ['$.a'] });
    expect([cache.needsBody, cache.methodMask]).toEqual([true, 5]);
    expect(cache.keyText(exchange({ method: 'POST' }), null)).toBeNull();
    expect(cache.keyText(exchange({ method: 'GET' }), null)).not.toBeNull();
  });

  test('reads like the JSON reader of the platform, or not at all', () => {
    const { cache, exchange } = cached({ methods: ['POST'], body: ['$'] });
    const keyOf = (text: string) => cache.keyText(exchange({ method: 'POST' }), Buffer.from(text));
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const again = JSON.stringify(JSON.parse(text), null, 1);
        expect(keyOf(text)).not.toBeNull();
        expect(keyOf(again)).toBe(keyOf(JSON.stringify(JSON.parse(text))));
      }),
      { numRuns: 500, seed: 42 },
    );
    const piece = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '1', '-', '.', 'e', 'null');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const text = pieces.join('');
        if (keyOf(text) !== null) expect(() => JSON.parse(text)).not.toThrow();
      }),
      { numRuns: 3000, seed: 43 },
    );
  });
});
