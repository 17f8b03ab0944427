// Goal: unsafe methods make invalid what RFC 9111, section 4.4 and RFC 9875 say, and never what
// belongs to another origin. Method: answers to requests for one URL.
import { describe, expect, test } from 'vitest';
import { invalidates } from '../../../../src/gateway/caching/invalidating.ts';
import { headerLines } from '../../../kit/header-lines.ts';

const url = { scheme: 'http', host: 'Shop.example:80', path: '/a/b', query: 'q=1' } as const;
const target = { host: 'shop.example', path: '/a/b', query: 'q=1' };

const judge = (method: string, status: number, ...lines: string[]) =>
  invalidates(method, status, url, headerLines(...lines));

describe('RFC 9111 section 4.4', () => {
  test.each(['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'get'])('%s: its target', (method) => {
    expect(judge(method, 200)).toEqual({ targets: [target], groups: [] });
  });

  test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'QUERY'])('%s: nothing', (method) => {
    expect(judge(method, 200, 'location: /c', 'cache-group-invalidation: "g"')).toBeNull();
  });

  test.each([200, 204, 303, 399])('after %i', (status) => {
    expect(judge('POST', status)).toEqual({ targets: [target], groups: [] });
  });

  test.each([100, 400, 404, 500])('not after %i', (status) => {
    expect(judge('POST', status, 'location: /c')).toBeNull();
  });

  test.each([
    ['/c?x=2', { host: 'shop.example', path: '/c', query: 'x=2' }],
    ['c', { host: 'shop.example', path: '/a/c', query: '' }],
    ['../c', { host: 'shop.example', path: '/c', query: '' }],
    ['?x', { host: 'shop.example', path: '/a/b', query: 'x' }],
    ['//shop.example/c', { host: 'shop.example', path: '/c', query: '' }],
    ['http://SHOP.example:80/c#part', { host: 'shop.example', path: '/c', query: '' }],
  ])('Location and Content-Location of this origin: %s', (value, named) => {
    for (const field of ['location', 'content-location']) {
      expect(judge('PUT', 201, `${field}: ${value}`)?.targets).toEqual([target, named]);
    }
  });

  test.each([
    'http://other.example/c',
    '//other.example/c',
    'https://shop.example/c',
    'http://shop.example:81/c',
    'http://[',
    'data:,x',
  ])('not %s', (value) => {
    expect(judge('PUT', 201, `location: ${value}`)?.targets).toEqual([target]);
  });

  test('each once', () => {
    const lines = ['location: /a/b?q=1', 'content-location: ?q=1'];
    expect(judge('POST', 200, ...lines)?.targets).toEqual([target]);
  });

  test.each([
    ['test:080', 'test:080'],
    ['127.1', '127.1'],
    ['foo.123', 'foo.123'],
    ['1.2.3.400:80', '1.2.3.400'],
    ['TEST.:80', 'test.'],
  ])('the target of a request to %s is at %s, as its key says', (host, inKey) => {
    const invalid = invalidates('POST', 200, { ...url, host }, headerLines('location: /c'));
    const paths = invalid?.targets.map((one) => one.path);
    expect(invalid?.targets[0]).toEqual({ ...target, host: inKey });
    expect(invalid?.targets.every((one) => one.host === inKey)).toBe(true);
    expect(paths).toEqual(URL.canParse(`http://${host}/`) ? ['/a/b', '/c'] : ['/a/b']);
  });
});

describe('RFC 9875 section 3: Cache-Group-Invalidation', () => {
  test('groups by their names, whatever the status', () => {
    const line = 'cache-group-invalidation: "a", "b c";x, "a"';
    expect(judge('POST', 200, line)?.groups).toEqual(['a', 'b c']);
    expect(judge('POST', 500, line)).toEqual({ targets: [], groups: ['a', 'b c'] });
  });

  test('what is malformed counts as absent', () => {
    expect(judge('POST', 500, 'cache-group-invalidation: a')).toBeNull();
    expect(judge('POST', 500, 'cache-group-invalidation: "a')).toBeNull();
  });
});
