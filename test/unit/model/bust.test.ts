// Goal: a URL of a bust names a place as keys do, or is refused. Method: one case each.
import { describe, expect, test } from 'vitest';
import { parseBustUrl } from '../../../src/model/bust.ts';

describe('the URL of a bust', () => {
  test.each([
    [
      'http://Shop.example/a/b?z=1&a=2',
      { host: 'shop.example', path: '/a/b', parameters: ['a=2', 'z=1'] },
    ],
    ['shop.example/a', { host: 'shop.example', path: '/a', parameters: [] }],
    ['http://shop.example', { host: 'shop.example', path: '/', parameters: [] }],
    ['https://shop.example:80/', { host: 'shop.example', path: '/', parameters: [] }],
    ['shop.example:8080/a?', { host: 'shop.example:8080', path: '/a', parameters: [] }],
  ])('%s', (text, url) => {
    expect(parseBustUrl(text)).toEqual(url);
  });

  test.each([[''], ['/a'], ['http:///a'], ['shop.example/a b'], ['shop.example/a#b']])(
    '%j names none',
    (text) => {
      expect(parseBustUrl(text)).toBeNull();
    },
  );
});
