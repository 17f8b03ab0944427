// Goal: one object of a written set is replaced, added or removed, and nothing else. Method: whole
// sets before and after.
import { expect, test } from 'vitest';
import { idOf, objectIn, writtenWith } from '../../../src/model/written.ts';

const a = { id: 'a', match: { path: '/a' } };
const b = { id: 'b', match: { path: '/b' } };
const written = { upstreams: { u: { connections: 1 }, v: { connections: 2 } }, routes: [a, b] };

test('one object is found by its name', () => {
  expect(objectIn(written, 'routes', 'b')).toBe(b);
  expect(objectIn(written, 'routes', 'c')).toBeUndefined();
  expect(objectIn(written, 'upstreams', 'u')).toEqual({ connections: 1 });
  expect(objectIn(written, 'upstreams', 'w')).toBeUndefined();
});

test('a route is replaced in its place', () => {
  const changed = { id: 'a', respond: {} };
  expect(writtenWith(written, 'routes', 'a', changed).routes).toEqual([changed, b]);
});

test('a new route comes last', () => {
  const added = { id: 'c' };
  expect(writtenWith(written, 'routes', 'c', added).routes).toEqual([a, b, added]);
});

test('a route is removed', () => {
  expect(writtenWith(written, 'routes', 'a', undefined).routes).toEqual([b]);
  expect(writtenWith(written, 'routes', 'c', undefined).routes).toEqual([a, b]);
});

test('an upstream is replaced, added and removed', () => {
  const of = (name: string, value: unknown) =>
    writtenWith(written, 'upstreams', name, value).upstreams;
  expect(of('u', 1)).toEqual({ u: 1, v: { connections: 2 } });
  expect(of('w', 1)).toEqual({ u: { connections: 1 }, v: { connections: 2 }, w: 1 });
  expect(of('u', undefined)).toEqual({ v: { connections: 2 } });
});

test('what was there stays as it was', () => {
  const before = structuredClone(written);
  writtenWith(written, 'routes', 'a', undefined);
  writtenWith(written, 'routes', 'c', {});
  writtenWith(written, 'upstreams', 'u', undefined);
  expect(written).toEqual(before);
});

test.each([
  [{ id: 'a' }, 'a'],
  [{ id: 7 }, null],
  [{}, null],
  ['text', null],
  [null, null],
  [undefined, null],
])('the id of %j is %j', (route, id) => {
  expect(idOf(route)).toBe(id);
});

test.each(['constructor', 'toString', '__proto__'])('%s is no upstream', (name) => {
  expect(objectIn(written, 'upstreams', name)).toBeUndefined();
});
