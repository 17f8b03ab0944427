// Goal: a 304 or a HEAD brings stored fields up to date and never what belongs to the stored body
// (RFC 9111, sections 3.2, 4.3.4, 4.3.5). Method: stored lines, lines of the update, result.
import { describe, expect, test } from 'vitest';
import {
  confirms,
  freshen,
  judgeHead,
  refreshed,
} from '../../../../src/gateway/caching/updating.ts';
import { headerLines, linesOf } from '../../../kit/header-lines.ts';

const modified = 'Mon, 05 Jan 2026 10:00:00 GMT';
const later = 'Mon, 05 Jan 2026 10:00:01 GMT';
const entry = { status: 200, etag: '"a"', lastModified: modified };

describe('RFC 9111 section 3.2: updating stored fields', () => {
  test('each field of the update replaces all lines of its name, the others stay', () => {
    const stored = headerLines('date: d1', 'x: 1', 'x: 2', 'y: 1', 'content-type: a');
    const update = headerLines('date: d2', 'x: 3', 'z: 4', 'z: 5', 'content-type: b', 'age: 3');
    expect(linesOf(freshen(stored, update))).toEqual([
      'y: 1',
      'date: d2',
      'x: 3',
      'z: 4',
      'z: 5',
      'content-type: b',
      'age: 3',
    ]);
  });

  test.each([
    'content-length',
    'content-encoding',
    'content-range',
    'content-md5',
    'content-digest',
    'etag',
  ])('%s belongs to the stored body', (name) => {
    const update = headerLines(`${name}: new`);
    expect(linesOf(freshen(headerLines(`${name}: old`), update))).toEqual([`${name}: old`]);
    expect(linesOf(freshen(headerLines('x: 1'), update))).toEqual(['x: 1']);
  });

  test('what concerns one connection is not taken', () => {
    const update = headerLines('connection: close', 'keep-alive: x', 'x: 2');
    expect(linesOf(freshen(headerLines('x: 1'), update))).toEqual(['x: 2']);
  });

  test('an old Date does not outlive the update, or the age would count from it', () => {
    expect(linesOf(freshen(headerLines('date: d', 'x: 1'), headerLines('x: 2')))).toEqual(['x: 2']);
  });
});

test('a head that is ready to send takes over what the update names, as policies leave it', () => {
  const stored = headerLines('x-added: 1', 'x: of-policy', 'y: 1', 'etag: "a"', 'gone: 1');
  const whole = headerLines('x-added: 1', 'x: of-policy', 'y: 2', 'y: of-policy', 'etag: "b"');
  const update = headerLines('date: d2', 'x: 2', 'y: 2', 'etag: "b"', 'gone: 1');
  expect(linesOf(refreshed(stored, whole, update))).toEqual([
    'x-added: 1',
    'etag: "a"',
    'x: of-policy',
    'y: 2',
    'y: of-policy',
  ]);
});

describe('RFC 9111 section 4.3.4: which response a 304 is about', () => {
  test.each([
    [[], true],
    [['etag: "a"'], true],
    [['etag: W/"a"'], true],
    [['etag: "b"'], false],
    [['etag: "a"', `last-modified: ${later}`], true],
    [[`last-modified: ${modified}`], true],
    [[`last-modified: ${later}`], false],
  ] as const)('%j: %s', (lines, expected) => {
    expect(confirms(entry, headerLines(...lines))).toBe(expected);
  });

  test('a tag says nothing against a response that has none', () => {
    expect(confirms({ ...entry, etag: '' }, headerLines('etag: "b"'))).toBe(true);
    expect(confirms({ status: 200, etag: '', lastModified: '' }, headerLines('etag: "b"'))).toBe(
      true,
    );
  });
});

describe('RFC 9111 section 4.3.5: what a HEAD says of a stored GET', () => {
  const judge = (lines: readonly string[], contentLength = -1, status = 200) =>
    judgeHead(entry, 10, status, headerLines(...lines), contentLength);

  test('the same validators and length: its fields are newer', () => {
    expect(judge([])).toBe('update');
    expect(judge(['etag: "a"', `last-modified: ${modified}`], 10)).toBe('update');
  });

  test.each([
    [['etag: "b"'], 10],
    [[`last-modified: ${later}`], 10],
    [[], 11],
  ] as const)('%j of %i bytes: another body', (lines, contentLength) => {
    expect(judge(lines, contentLength)).toBe('replaced');
  });

  test('another status than 200, on either side, says nothing', () => {
    expect(judge([], -1, 404)).toBe('nothing');
    expect(judgeHead({ ...entry, status: 404 }, 10, 200, headerLines(), -1)).toBe('nothing');
  });
});
