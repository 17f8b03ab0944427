// Goal: equal selecting fields give one variant, others another (RFC 9111, section 4.1). Method:
// pairs of values that mean the same and pairs that do not.
import { describe, expect, test } from 'vitest';
import {
  normaliseSelecting,
  parseVary,
  variantSuffix,
} from '../../../../src/gateway/caching/vary.ts';
import { headerLines } from '../../../kit/header-lines.ts';

describe('RFC 9110 section 12.5.5: Vary', () => {
  test.each([
    [undefined, []],
    ['', []],
    ['Foo', ['foo']],
    [' foo ,Bar,, FOO', ['bar', 'foo']],
    ['*', '*'],
    [', *', '*'],
    ['foo, *', '*'],
    ['*, foo', '*'],
  ])('%s', (value, names) => {
    expect(parseVary(value)).toEqual(names);
  });

  test('names are bounded', () => {
    const names = (count: number) => Array.from({ length: count }, (_, n) => `x${n}`).join(',');
    expect(parseVary(names(16))).toHaveLength(16);
    expect(parseVary(names(17))).toBeNull();
  });
});

describe('RFC 9111 section 4.1: normalisation', () => {
  test.each([
    ['accept-encoding', 'gzip, br', 'BR,gzip'],
    ['accept-encoding', 'gzip;q=1.0, br;q=0.50', 'br; q=0.5, gzip'],
    ['accept-language', 'en, de', 'de ,EN'],
    ['accept-language', 'en;q=0.8', 'en; Q=0.800'],
    ['accept-charset', 'utf-8, a', 'A,UTF-8'],
    ['foo', '1,2', ' 1,  2 '],
    ['foo', ' a b ', 'a b'],
  ])('%s: %s is %s', (name, one, other) => {
    expect(normaliseSelecting(name, one)).toBe(normaliseSelecting(name, other));
  });

  test.each([
    ['accept-encoding', 'gzip', 'gzip;q=0'],
    ['accept-language', 'en;q=0.5, de', 'en, de;q=0.5'],
    ['accept', 'a/b, c/d', 'c/d, a/b'],
    ['foo', 'A', 'a'],
    ['foo', '"1, 2"', '"1,2"'],
    ['foo', '12', '1 2'],
  ])('%s: %s is not %s', (name, one, other) => {
    expect(normaliseSelecting(name, one)).not.toBe(normaliseSelecting(name, other));
  });
});

describe('the part of a key', () => {
  test('one line for each name, absence apart from emptiness', () => {
    const headers = headerLines('foo: 1', 'foo: 2', 'bar:');
    expect(variantSuffix(['bar', 'baz', 'foo'], headers)).toBe('\nv:bar=\nv:baz\nv:foo=1,2');
    expect(variantSuffix([], headers)).toBe('');
  });
});
