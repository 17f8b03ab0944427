// Goal: what an origin said of caching outlives what is done to the head that is stored. Method:
// a received head and a stored one, there and back.
import { describe, expect, test } from 'vitest';
import {
  dateOfOrigin,
  fieldsOfOrigin,
  originLines,
} from '../../../../src/gateway/caching/origin-fields.ts';
import { headerLines } from '../../../kit/header-lines.ts';

const date = 'Wed, 25 Nov 2026 09:00:00 GMT';

describe('originLines', () => {
  test('hold what the stored head has not, or otherwise', () => {
    const received = headerLines(
      `date: ${date}`,
      'cache-control: max-age=60',
      'surrogate-key: a',
      'surrogate-key: b',
      'etag: "1"',
      'server: x',
    );
    const stored = headerLines('cache-control: no-store', 'etag: "1"');
    expect(originLines(received, stored)).toBe(
      `date: ${date}\r\ncache-control: max-age=60\r\nsurrogate-key: a\r\nsurrogate-key: b`,
    );
  });

  test('name what only a response policy wrote', () => {
    expect(originLines(headerLines(), headerLines('expires: 0', 'x-a: 1'))).toBe('expires');
  });

  test('are empty when the head says it all', () => {
    const fields = headerLines('cache-control: max-age=60', 'vary: a', 'vary: b');
    expect(originLines(fields, fields)).toBe('');
  });
});

describe('fieldsOfOrigin', () => {
  test('are the stored ones with those that caching goes by as they came', () => {
    const received = headerLines('cache-control: max-age=60', `date: ${date}`, 'x-a: 1');
    const stored = headerLines('cache-control: no-store', 'expires: 0', 'x-a: 2');
    const head = '200 OK\r\ncache-control: no-store\r\nexpires: 0\r\nx-a: 2';
    expect(fieldsOfOrigin(head, originLines(received, stored))).toEqual(
      headerLines('x-a: 2', `date: ${date}`, 'cache-control: max-age=60'),
    );
  });

  test('are those of the head where nothing else was said', () => {
    expect(fieldsOfOrigin('200 OK\r\netag: "1"', '')).toEqual(headerLines('etag: "1"'));
  });
});

test('dateOfOrigin is the Date that came, or empty', () => {
  expect(dateOfOrigin(`date: ${date}\r\ncache-control: max-age=60`)).toBe(date);
  expect(dateOfOrigin('cache-control: max-age=60')).toBe('');
});
