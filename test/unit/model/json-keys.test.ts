// Goal: a key that JSON gives twice is found, and nothing else is. Method: texts by hand, and random
// values whose texts repeat nothing until a key is put in again.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { repeatsKey } from '../../../src/model/json-keys.ts';

test.each([
  ['{"a": 1, "a": 2}', true],
  ['{"a": {"b": 1, "c": [], "b": 2}}', true],
  ['[{"a": 1}, {"b": [{"c": {}, "c": 1}]}]', true],
  ['{"a": 1, "\\u0061": 2}', true],
  ['{"\\"": 1, "\\u0022": 2}', true],
  ['{"__proto__": 1, "__proto__": 2}', true],
  ['{"a": {"a": {"a": 1}}}', false],
  ['{"a": [1, "a", "a"], "b": "a"}', false],
  ['[{"a": 1}, {"a": 2}]', false],
  ['{"a": "}{\\"a\\": 1, ", "b": 2}', false],
  ['{"a": {"b": 1}, "c": {"b": 2}}', false],
  ['{"constructor": 1, "toString": 2}', false],
  ['"a"', false],
  ['', false],
  ['{"a', false],
  ['}]},"a":', false],
])('%s: %s', (text, repeats) => {
  expect(repeatsKey(text)).toBe(repeats);
});

test('no value that was written as JSON repeats a key, until one is put in again', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (value) => {
      const text = JSON.stringify(value);
      const [key] = Object.keys(value);
      expect(repeatsKey(text)).toBe(false);
      expect(repeatsKey(`${text.slice(0, -1)},${JSON.stringify(key)}:0}`)).toBe(true);
    }),
    { numRuns: 500, seed: 3 },
  );
});
