// Goal: a path of a route becomes segments, and what could never match is refused. Method: one path
// at a time; literals in the normal form of requests.
import { describe, expect, test } from 'vitest';
import { parsePathPattern } from '../../../src/model/path-pattern.ts';

/** Segments as text: parameters in braces, a rest as **. */
function segmentsOf(text: string): string[] {
  const parsed = parsePathPattern(text);
  if ('message' in parsed) throw new Error(parsed.message);
  const segments = parsed.segments.map((one) =>
    one.kind === 'literal' ? one.text : `{${one.name}}`,
  );
  return parsed.rest ? [...segments, '**'] : segments;
}

test.each([
  ['/', ['']],
  ['/**', ['**']],
  ['/a', ['a']],
  ['/a/', ['a', '']],
  ['/a/{b}/c/**', ['a', '{b}', 'c', '**']],
  ['/{_a-1}/{B}', ['{_a-1}', '{B}']],
  ["/-._~!$&'()+,;=:@", ["-._~!$&'()+,;=:@"]],
  ['/%61%2f%c3%a4%7e', ['a%2F%C3%A4~']],
  ['/.hidden/..a/a..', ['.hidden', '..a', 'a..']],
])('%s', (text, segments) => {
  expect(segmentsOf(text)).toEqual(segments);
});

describe('refused', () => {
  test.each([
    ['', 'must begin with a slash', 'write /'],
    ['a/b', 'must begin with a slash', 'write /a/b'],
    ['//', 'has an empty segment', 'remove one slash'],
    ['/a//b', 'has an empty segment', 'remove one slash'],
    ['//**', 'has an empty segment', 'remove one slash'],
    ['/a/*', 'has a * in the segment *', '** may only be the last segment'],
    ['/**/a', 'has a * in the segment **', '** may only be the last segment'],
    ['/**/', 'has a * in the segment **', '** may only be the last segment'],
    ['/a**', 'has a * in the segment a**', '** may only be the last segment'],
    ['/{a}/{a}', 'has the parameter a twice', null],
    ['/./a', 'has a dot segment, which no request can hold', 'write the path that it leads to'],
    ['/a/..', 'has a dot segment, which no request can hold', 'write the path that it leads to'],
    ['/%2e%2E', 'has a dot segment, which no request can hold', 'write the path that it leads to'],
    ['/%', 'has a % without two hex digits behind it', 'write %25 for a percent sign'],
    ['/%0a', 'has an escaped control character, which no request can hold', null],
    ['/%5c', 'has a backslash, which no request can hold', 'use slashes'],
  ])('%s', (text, message, hint) => {
    expect(parsePathPattern(text)).toEqual({ message, hint });
  });

  test.each(['/{1}', '/{}', '/{a b}', '/x{a}', '/{a}x', '/{a}{b}', '/{**}', '/{'])('%s', (text) => {
    expect(parsePathPattern(text)).toMatchObject({
      hint: expect.stringMatching(/whole segment|only be the last/),
    });
  });

  test.each(['/a b', '/a?b', '/a#b', '/ä', '/a\nb', '/a\\b', '/a"b', '/a|b', '/a^b'])(
    '%j',
    (text) => {
      expect(parsePathPattern(text)).toMatchObject({ hint: 'percent-encode them' });
    },
  );

  test('more than 64 segments', () => {
    const path = '/a'.repeat(64);
    expect(segmentsOf(path)).toHaveLength(64);
    expect(segmentsOf(`${path}/**`)).toHaveLength(65);
    expect(parsePathPattern(`${path}/a`)).toEqual({
      message: 'has more than 64 segments (pathSegmentCountMax)',
      hint: null,
    });
  });
});
