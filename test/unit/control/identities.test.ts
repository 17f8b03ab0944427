// Goal: a name keeps its number while a generation has it, and no number is given twice. Method:
// generations that come and go by hand, and in any order by fast-check.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Identities } from '../../../src/control/identities.ts';

test('names are numbered when they are first seen', () => {
  const identities = new Identities(0);
  expect(identities.acquire('route', ['a', 'b'])).toEqual([
    { number: 1, of: 'route', name: 'a' },
    { number: 2, of: 'route', name: 'b' },
  ]);
  expect(identities.acquire('route', ['b', 'c'])).toEqual([{ number: 3, of: 'route', name: 'c' }]);
  expect(['a', 'b', 'c', 'd'].map((name) => identities.number('route', name))).toEqual([
    1, 2, 3, 0,
  ]);
  expect(identities.last).toBe(3);
});

test('a route and an upstream of one name have two numbers', () => {
  const identities = new Identities(0);
  identities.acquire('route', ['a']);
  identities.acquire('upstream', ['a']);
  expect([identities.number('route', 'a'), identities.number('upstream', 'a')]).toEqual([1, 2]);
});

test('a name is dropped with the last generation that has it', () => {
  const identities = new Identities(0);
  identities.acquire('route', ['a', 'b']);
  identities.acquire('route', ['a']);
  expect(identities.release('route', ['a', 'b'])).toEqual([2]);
  expect(identities.number('route', 'a')).toBe(1);
  expect(identities.release('route', ['a'])).toEqual([1]);
  expect(identities.number('route', 'a')).toBe(0);
});

test('a name that comes back has a new number', () => {
  const identities = new Identities(0);
  identities.acquire('route', ['a']);
  identities.release('route', ['a']);
  expect(identities.acquire('route', ['a'])).toEqual([{ number: 2, of: 'route', name: 'a' }]);
});

test('names that nobody has are not dropped', () => {
  expect(new Identities(0).release('route', ['a'])).toEqual([]);
});

test('numbers go on after those of a predecessor', () => {
  const identities = new Identities(41);
  expect(identities.acquire('upstream', ['a'])).toEqual([
    { number: 42, of: 'upstream', name: 'a' },
  ]);
});

test('no number is ever given to two names, whatever comes and goes', () => {
  const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(names, fc.boolean()), { maxLength: 30 }), (steps) => {
      const identities = new Identities(0);
      const loaded: string[][] = [];
      const given: number[] = [];
      const dropped: number[] = [];
      for (const [routes, retire] of steps) {
        given.push(...identities.acquire('route', routes).map(({ number }) => number));
        loaded.push(routes);
        if (retire) dropped.push(...identities.release('route', loaded.shift() ?? []));
        const held = new Set(loaded.flat());
        for (const name of ['a', 'b', 'c', 'd']) {
          expect(identities.number('route', name) > 0).toBe(held.has(name));
        }
      }
      expect(given).toEqual(given.map((_, index) => index + 1));
      expect(new Set(dropped).size).toBe(dropped.length);
      expect(given.length - dropped.length).toBe(new Set(loaded.flat()).size);
    }),
  );
});
