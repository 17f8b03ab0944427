// Goal: the block with status and header lines is written as it must go out. Method: lists in,
// exact text and bytes out.
import { describe, expect, test } from 'vitest';
import { HeaderList } from '../../../src/gateway/header-list.ts';
import { asBytes, prepareHead, statusText } from '../../../src/gateway/response-head.ts';

describe('statusText', () => {
  test.each([
    [200, '200 OK'],
    [404, '404 Not Found'],
    [503, '503 Service Unavailable'],
    [299, '299 '],
    [599, '599 '],
  ])('%i', (status, text) => {
    expect(statusText(status)).toBe(text);
  });
});

test('lines follow the status in their order', () => {
  const headers = new HeaderList(['b', 'a', 'b'], ['1', '', '3']);
  expect(prepareHead('200 OK', headers)).toBe('200 OK\r\nb: 1\r\na: \r\nb: 3');
  expect(prepareHead('204 No Content', new HeaderList())).toBe('204 No Content');
});

describe('asBytes', () => {
  test('ASCII stays text', () => {
    expect(asBytes('200 OK\r\na: b')).toBe('200 OK\r\na: b');
  });

  test('a byte of an upstream goes out as that byte', () => {
    expect(asBytes('200 OK\r\na: \xfc\xff')).toEqual(
      Buffer.from('200 OK\r\na: \xfc\xff', 'latin1'),
    );
  });

  test('no character turns into a line end', () => {
    const bytes = Buffer.from(asBytes('200 OK\r\na: x\u010d\u010aset-cookie: y')).toString(
      'latin1',
    );
    expect(bytes.split('\r\n')).toHaveLength(2);
  });
});
