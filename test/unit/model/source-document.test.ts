// Goal: a path in a text leads to its line and column. Method: one text, many paths.
import { describe, expect, test } from 'vitest';
import { Problems } from '../../../src/model/problem.ts';
import { readSource, valueDocument } from '../../../src/model/source-document.ts';

const problems = () => new Problems(() => ({ file: '', line: 0, column: 0 }));

const text = `# a comment
upstreams:
  a: { endpoints: ["http://a", "http://b"] }
routes:
  - id: r
    match:
      path: /x
  - &anchor
    id: s
  - *anchor
`;

describe('a text', () => {
  const document = readSource({ file: 'f.yaml', text }, problems());
  const placeOf = (path: (string | number)[], at: 'key' | 'value') => {
    const { file, line, column } = document?.locate(path, at) ?? {};
    return `${file}:${line}:${column}`;
  };

  test.each<[(string | number)[], string, string]>([
    [['upstreams'], '2:1', '3:3'],
    [['upstreams', 'a'], '3:3', '3:6'],
    [['upstreams', 'a', 'endpoints'], '3:8', '3:19'],
    [['upstreams', 'a', 'endpoints', 1], '3:32', '3:32'],
    [['routes', 0], '5:5', '5:5'],
    [['routes', 0, 'match', 'path'], '7:7', '7:13'],
    [['routes', 1, 'id'], '9:5', '9:9'],
  ])('%j stands at %s, its value at %s', (path, key, value) => {
    expect(placeOf(path, 'key')).toBe(`f.yaml:${key}`);
    expect(placeOf(path, 'value')).toBe(`f.yaml:${value}`);
  });

  test.each<[(string | number)[], string]>([
    [['routes', 0, 'respond'], '5:5'],
    [['routes', 0, 'match', 'hosts', 3], '7:7'],
    [['upstreams', 'b'], '3:3'],
    [['nothing'], '2:1'],
  ])('%j, which is not there, is placed at what would hold it', (path, place) => {
    expect(placeOf(path, 'value')).toBe(`f.yaml:${place}`);
  });

  test('lines end with CR LF too', () => {
    const dos = readSource({ file: 'f', text: 'a: 1\r\nb:\r\n  c: 2\r\n' }, problems());
    expect(dos?.value).toEqual({ a: 1, b: { c: 2 } });
    expect(dos?.locate(['b', 'c'], 'value')).toEqual({ file: 'f', line: 3, column: 6 });
  });
});

describe('what a value is', () => {
  test.each([
    ['off', 'off'],
    ['yes', 'yes'],
    ['true', true],
    ['0x10', 16],
    ['010', 10],
    ['1e3', 1000],
    ['2001-01-01', '2001-01-01'],
    ['"7"', '7'],
    ['~', null],
    ['<<: 1', { '<<': 1 }],
  ])('%s is as YAML 1.2 reads it', (yaml, value) => {
    const lines = yaml.includes(':') ? `a:\n  ${yaml}\n` : `a: ${yaml}\n`;
    expect(readSource({ file: 'f', text: lines }, problems())?.value).toEqual({ a: value });
  });
});

describe('a plain value', () => {
  test('is placed in the JSON that shows it', () => {
    const value = { routes: [{ id: 'r', match: { path: '/x' } }] };
    const document = valueDocument(value, 'body', problems());
    expect(document?.value).toBe(value);
    expect(document?.locate(['routes', 0, 'match', 'path'], 'value')).toEqual({
      file: 'body',
      line: 6,
      column: 17,
    });
  });
});

describe('depth', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
  const codesOf = (depth: number) => {
    const [ofText, ofValue] = [problems(), problems()];
    readSource({ file: 'f', text: nested(depth) }, ofText);
    valueDocument(JSON.parse(nested(depth)), 'f', ofValue);
    return [ofText, ofValue].map(({ list }) => list.map(({ code }) => code).join());
  };

  test('30 levels are read', () => {
    expect(codesOf(30)).toEqual(['', '']);
  });

  test('40 levels are not', () => {
    expect(codesOf(40)).toEqual(['too-deep', 'too-deep']);
  });

  test('a million levels are refused and not followed', () => {
    const list = problems();
    expect(readSource({ file: 'f', text: '['.repeat(1_000_000) }, list)).toBeNull();
    expect(list.list.map(({ code }) => code)).toEqual(['too-deep']);
  });
});
