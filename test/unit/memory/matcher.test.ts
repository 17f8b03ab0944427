// Goal: the edges of the compiled matcher. Method: small tables, one odd request each.
import { expect, test } from 'vitest';
import { Matcher, noRoute, SegmentScratch, tooManySegments } from '../../../src/memory/matcher.ts';
import { resolved, shapeOf } from '../../kit/compiled.ts';

const judge = { predicatesHold: () => true, otherMethodListed: () => true };

function matcherOf(matches: readonly { path: string; hosts?: string[]; methods?: string[] }[]) {
  const routes = matches.map((match, index) => ({ id: `r${index}`, match, respond: {} }));
  const { matcher } = shapeOf(resolved({ routes }));
  return new Matcher(matcher, new SegmentScratch(), judge);
}

const path = (count: number) => '/a'.repeat(count);

test('64 segments are matched, 65 are too many', () => {
  const matcher = matcherOf([{ path: path(64) }, { path: '/**' }]);
  expect(matcher.match('h', 1, path(63))).toBe(1);
  expect(matcher.match('h', 1, path(64))).toBe(0);
  expect(matcher.match('h', 1, path(65))).toBe(tooManySegments);
  expect(matcher.match('h', 1, `${path(64)}/`)).toBe(tooManySegments);
});

test('the segments of the last path can be read back', () => {
  const matcher = matcherOf([{ path: '/a/{b}/**' }]);
  const request = '/a/bcd//e';
  expect(matcher.match('h', 1, request)).toBe(0);
  const { count, start, end } = matcher.segments;
  const pieces = Array.from({ length: count }, (_, at) => request.slice(start[at], end[at]));
  expect(pieces).toEqual(['a', 'bcd', '', 'e']);
});

test('literals with the same hash are told apart', () => {
  const matcher = matcherOf([{ path: '/costarring' }, { path: '/declinate/{x}' }]);
  expect(matcher.match('h', 1, '/costarring')).toBe(0);
  expect(matcher.match('h', 1, '/liquid')).toBe(noRoute);
  expect(matcher.match('h', 1, '/declinate/1')).toBe(1);
  expect(matcher.match('h', 1, '/macallums/1')).toBe(noRoute);
});

test('literals with the same hash both have a place', () => {
  const matcher = matcherOf([{ path: '/costarring' }, { path: '/liquid' }]);
  expect(matcher.match('h', 1, '/costarring')).toBe(0);
  expect(matcher.match('h', 1, '/liquid')).toBe(1);
});

test('hosts with the same hash are told apart', () => {
  const reversed = (text: string) => [...text].reverse().join('');
  const first = reversed('costarring');
  const second = reversed('liquid');
  const one = matcherOf([{ path: '/', hosts: [first] }]);
  expect(one.match(first, 1, '/')).toBe(0);
  expect(one.match(second, 1, '/')).toBe(noRoute);
  const both = matcherOf([
    { path: '/', hosts: [first] },
    { path: '/', hosts: [second] },
  ]);
  expect(both.match(first, 1, '/')).toBe(0);
  expect(both.match(second, 1, '/')).toBe(1);
});

test('the same literal below two nodes leads to two places', () => {
  const matcher = matcherOf([{ path: '/a/c' }, { path: '/b/c' }, { path: '/{x}/c/c' }]);
  expect(matcher.match('h', 1, '/a/c')).toBe(0);
  expect(matcher.match('h', 1, '/b/c')).toBe(1);
  expect(matcher.match('h', 1, '/b/c/c')).toBe(2);
});

test('a path outside Latin-1 is no literal', () => {
  const matcher = matcherOf([{ path: '/a' }, { path: '/{x}/y' }]);
  expect(matcher.match('h', 1, '/š')).toBe(noRoute);
  expect(matcher.match('h', 1, '/š/y')).toBe(1);
});

test('a table without routes matches nothing', () => {
  const matcher = matcherOf([]);
  expect(matcher.match('h', 1, '/')).toBe(noRoute);
});

test('a host of 127 labels reaches its wildcards', () => {
  const matcher = matcherOf([{ path: '/', hosts: ['*.b.a'] }]);
  expect(matcher.match(`${'x.'.repeat(125)}b.a`, 1, '/')).toBe(0);
});

test('what the last request left behind is no part of the next answer', () => {
  const matcher = matcherOf([{ path: '/a', methods: ['GET'] }]);
  expect(matcher.match('h', 4, '/a')).toBe(noRoute);
  expect(matcher.allowMask).toBe(1);
  expect(matcher.match('h', 4, '/b')).toBe(noRoute);
  expect(matcher.allowMask).toBe(0);
});

test('two matchers share one scratch and keep their own answers', () => {
  const scratch = new SegmentScratch();
  const shape = shapeOf(resolved({ routes: [{ id: 'r', match: { path: '/a' }, respond: {} }] }));
  const one = new Matcher(shape.matcher, scratch, judge);
  const other = new Matcher(shape.matcher, scratch, judge);
  expect([one.match('h', 1, '/a'), other.match('h', 1, '/b'), one.match('h', 1, '/a')]).toEqual([
    0,
    noRoute,
    0,
  ]);
});

test('a host that begins with a dot is not below a wildcard', () => {
  const matcher = matcherOf([{ path: '/', hosts: ['*.a.b'] }]);
  expect(matcher.match('.a.b', 1, '/')).toBe(noRoute);
});
