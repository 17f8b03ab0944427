// Goal: a path has one normal form, which two readers cannot take for two paths. Method: a table,
// and any path by fast-check.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { needsNormalizing, normalizePath } from '../../../src/base/path.ts';

describe('a path', () => {
  test.each([
    ['/', '/'],
    ['/a/b/', '/a/b/'],
    ['//a', '//a'],
    ['/%61%5A%30%2d%5f%7e', '/aZ0-_~'],
    ['/%2f%2F', '/%2F%2F'],
    ['/%c3%A4', '/%C3%A4'],
    ['/a%20b%3f%23', '/a%20b%3F%23'],
    ['/%25%36%31', '/%2561'],
    ['/.a/..b/c./d..', '/.a/..b/c./d..'],
    ['/%2ea', '/.a'],
    ['/...', '/...'],
    ['/a%2fb', '/a%2Fb'],
    ['/a..%2fb..;c', '/a..%2Fb..;c'],
    ['/...;/;../x;/a;..', '/...;/;../x;/a;..'],
    ["/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@"],
  ])('%s is %s', (raw, path) => {
    expect(normalizePath(raw)).toEqual({ path });
  });

  test.each([
    ['/.', 'dot-segment'],
    ['/..', 'dot-segment'],
    ['/a/./b', 'dot-segment'],
    ['/a/../b', 'dot-segment'],
    ['/%2e', 'dot-segment'],
    ['/%2E%2e/a', 'dot-segment'],
    ['/.%2e/', 'dot-segment'],
    ['/public/..%2fadmin/x', 'dot-segment'],
    ['/a/%2e%2e%2f', 'dot-segment'],
    ['/a%2F..', 'dot-segment'],
    ['/a%2f%2e/b', 'dot-segment'],
    ['/up/..;/hello', 'dot-segment'],
    ['/up/.;v=1/hello', 'dot-segment'],
    ['/up/%2e%2e%3bv%2fx', 'dot-segment'],
    ['/..;', 'dot-segment'],
    ['/a\\b', 'backslash'],
    ['/%5c', 'backslash'],
    ['/%5C..', 'backslash'],
    ['/%00', 'control'],
    ['/%0d%0a', 'control'],
    ['/%1F', 'control'],
    ['/%7f', 'control'],
    ['/%', 'bad-escape'],
    ['/%4', 'bad-escape'],
    ['/%4/', 'bad-escape'],
    ['/%4g', 'bad-escape'],
    ['/%%34', 'bad-escape'],
    ['/% 41', 'bad-escape'],
    ['/%u0041', 'bad-escape'],
    ['/%\uff11\uff11', 'bad-escape'],
  ])('%j is refused: %s', (raw, problem) => {
    expect(normalizePath(raw)).toEqual({ problem });
  });
});

const piece = fc.constantFrom(
  '/',
  '.',
  '..',
  '%2e',
  '%2E',
  '%2f',
  '%5c',
  ';',
  '%3b',
  '\\',
  'a',
  '%61',
  '%',
  '%0a',
  '%C3%a4',
  '~',
  '%7E',
  '2e',
);
const path = fc
  .oneof(
    fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join('')),
    fc.webPath(),
  )
  .map((rest) => `/${rest}`);

describe('any path', () => {
  const normal = (raw: string): string | null => {
    const found = normalizePath(raw);
    return 'path' in found ? found.path : null;
  };

  test('that was normalised stays as it is', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const once = normal(raw);
        if (once !== null) expect(normalizePath(once)).toEqual({ path: once });
      }),
      { numRuns: 2000 },
    );
  });

  test('never has a dot segment, however often it is decoded once', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const decoded = (normal(raw) ?? '/')
          .replaceAll(/%2e/gi, '.')
          .replaceAll(/%2f/gi, '/')
          .replaceAll(/%3b/gi, ';');
        for (const segment of decoded.split('/')) expect(segment).not.toMatch(/^\.{1,2}(;|$)/);
      }),
      { numRuns: 2000 },
    );
  });

  test('means what it meant', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const found = normal(raw);
        if (found !== null)
          expect(Buffer.from(unescaped(found)).equals(Buffer.from(unescaped(raw)))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  test('that does not need it is not changed and not refused', () => {
    fc.assert(
      fc.property(path, (raw) => {
        if (!needsNormalizing(raw)) expect(normalizePath(raw)).toEqual({ path: raw });
      }),
      { numRuns: 2000 },
    );
  });
});

test.each([
  ['/', false],
  ['/a.b/c', false],
  ['/.a', true],
  ['/..;/a', true],
  ['/a%2f..', true],
  ['/a%20', true],
  ['/a\\b', true],
])('%s needs it: %s', (raw, needs) => {
  expect(needsNormalizing(raw)).toBe(needs);
});

/** The bytes that a path stands for. */
function unescaped(text: string): number[] {
  return [...text.matchAll(/%([0-9a-f]{2})|[\s\S]/gi)].map(([all, hex]) =>
    hex === undefined ? all.charCodeAt(0) : Number.parseInt(hex, 16),
  );
}
