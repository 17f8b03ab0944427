// Goal: an upstream learns who asked, and only trusted peers may say more. Method: the lines for
// one exchange under each setting.
import { describe, expect, test } from 'vitest';
import { addressText, ForwardedHeaders } from '../../../src/gateway/forwarded.ts';
import type { ForwardedSettings } from '../../../src/model/settings.ts';
import { type ExchangeParts, exchangeOf } from '../../kit/exchange.ts';

function linesOf(settings: Partial<ForwardedSettings>, parts: ExchangeParts = {}): string[] {
  const exchange = exchangeOf({ ...parts, forwarded: { via: '', ...settings } });
  const text = exchange.worker.forwarded.fields(exchange);
  expect(text === '' || text.endsWith('\r\n')).toBe(true);
  return text.split('\r\n').slice(0, -1);
}

const given = [
  ['host', 'shop.example:8080'],
  ['x-forwarded-for', '203.0.113.1'],
  ['x-forwarded-for', '203.0.113.2'],
  ['x-forwarded-host', 'public.example'],
  ['x-forwarded-proto', 'https'],
  ['forwarded', 'for=203.0.113.1;proto=https'],
] as const;
const trust = ['192.0.2.0/24'];

describe('nobody is trusted by default', () => {
  test('X-Forwarded tells our own view', () => {
    expect(linesOf({ style: 'x-forwarded' }, { headers: given })).toEqual([
      'x-forwarded-for: 192.0.2.7',
      'x-forwarded-host: shop.example:8080',
      'x-forwarded-proto: http',
    ]);
  });

  test('Forwarded tells our own view', () => {
    expect(linesOf({ style: 'forwarded' }, { headers: given })).toEqual([
      'forwarded: for=192.0.2.7;host="shop.example:8080";proto=http',
    ]);
  });

  test('an IPv6 address is quoted in Forwarded alone', () => {
    const ip = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    expect(linesOf({ style: 'both' }, { ip })).toEqual([
      'x-forwarded-for: 2001:db8::1',
      'x-forwarded-host: test',
      'x-forwarded-proto: http',
      'forwarded: for="[2001:db8::1]";host="test";proto=http',
    ]);
  });

  test('off tells nothing', () => {
    expect(linesOf({ style: 'off' }, { headers: given })).toEqual([]);
  });
});

describe('a trusted peer', () => {
  test('is listed behind those that it tells of', () => {
    expect(linesOf({ style: 'both', trust }, { headers: given })).toEqual([
      'x-forwarded-for: 203.0.113.1, 203.0.113.2, 192.0.2.7',
      'x-forwarded-host: public.example',
      'x-forwarded-proto: https',
      'forwarded: for=203.0.113.1;proto=https, for=192.0.2.7;host="shop.example:8080";proto=http',
    ]);
  });

  test('that tells nothing is treated as any other', () => {
    expect(linesOf({ style: 'x-forwarded', trust })).toEqual(linesOf({ style: 'x-forwarded' }));
  });

  test('cannot pass on what is no field value', () => {
    const headers = [
      ['host', 'a'],
      ['x-forwarded-for', 'x\u010d\u010ay'],
      ['x-forwarded-host', 'b\xe4'],
      ['x-forwarded-proto', ''],
    ] as const;
    expect(linesOf({ style: 'x-forwarded', trust }, { headers })).toEqual([
      'x-forwarded-for: 192.0.2.7',
      'x-forwarded-host: a',
      'x-forwarded-proto: http',
    ]);
  });

  test('with an empty field makes no empty element', () => {
    const headers = [
      ['host', 'a'],
      ['x-forwarded-for', ''],
    ] as const;
    const lines = linesOf({ style: 'x-forwarded', trust }, { headers });
    expect(lines[0]).toBe('x-forwarded-for: 192.0.2.7');
  });

  test.each([
    ['192.0.2.7', [192, 0, 2, 7], true],
    ['192.0.2.8', [192, 0, 2, 7], false],
    ['192.0.2.0/29', [192, 0, 2, 7], true],
    ['192.0.2.0/30', [192, 0, 2, 7], false],
    ['0.0.0.0/0', [192, 0, 2, 7], true],
    ['::/0', [192, 0, 2, 7], false],
    ['192.0.2.0/24', [...new Array(10).fill(0), 255, 255, 192, 0, 2, 7], true],
    ['2001:db8::/32', [0x20, 1, 0x0d, 0xb8, ...new Array(11).fill(0), 1], true],
    ['2001:db8::/32', [0x20, 1, 0x0d, 0xb9, ...new Array(11).fill(0), 1], false],
    ['::1', [...new Array(15).fill(0), 1], true],
  ])('%s holds %j: %s', (range, ip, trusted) => {
    const headers = [
      ['host', 'a'],
      ['x-forwarded-proto', 'https'],
    ] as const;
    const lines = linesOf({ style: 'x-forwarded', trust: [range] }, { ip, headers });
    expect(lines[2]).toBe(`x-forwarded-proto: ${trusted ? 'https' : 'http'}`);
  });

  test('one of several ranges is enough', () => {
    const headers = [
      ['host', 'a'],
      ['x-forwarded-proto', 'https'],
    ] as const;
    const lines = linesOf({ trust: ['::1', '10.0.0.0/8', '192.0.2.7'] }, { headers });
    expect(lines[2]).toBe('x-forwarded-proto: https');
  });
});

describe('Via', () => {
  test('is ours', () => {
    expect(linesOf({ style: 'off', via: 'edge' })).toEqual(['via: 1.1 edge']);
  });

  test('comes after those before', () => {
    const headers = [
      ['host', 'a'],
      ['via', '1.0 fred'],
      ['via', '1.1 p.example'],
    ] as const;
    expect(linesOf({ style: 'off', via: 'edge' }, { headers })).toEqual([
      'via: 1.0 fred, 1.1 p.example, 1.1 edge',
    ]);
  });
});

describe('fields of the client that are replaced', () => {
  const settings = { style: 'x-forwarded', trust: [], via: 'cutover' } as const;
  const owned = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto'];

  test.each(['x-forwarded', 'forwarded', 'both', 'off'] as const)('with style %s', (style) => {
    const forwarded = new ForwardedHeaders({ ...settings, style });
    expect([...owned, 'via'].filter((name) => !forwarded.owns(name))).toEqual([]);
    expect(
      ['x-forwarded-port', 'host', 'x-real-ip', 'vib'].filter((name) => forwarded.owns(name)),
    ).toEqual([]);
  });

  test('Via is left alone when we write none', () => {
    expect(new ForwardedHeaders({ ...settings, via: '' }).owns('via')).toBe(false);
  });
});

describe('addressText', () => {
  test.each([
    [[127, 0, 0, 1], '127.0.0.1'],
    [[255, 255, 255, 255], '255.255.255.255'],
    [[...new Array(10).fill(0), 255, 255, 10, 0, 0, 1], '10.0.0.1'],
    [[...new Array(15).fill(0), 1], '::1'],
    [[0x20, 1, 0x0d, 0xb8, ...new Array(12).fill(0)], '2001:db8::'],
    [[], 'unknown'],
    [[1, 2, 3], 'unknown'],
  ])('%j is %s', (bytes, text) => {
    expect(addressText(Uint8Array.from(bytes).buffer)).toBe(text);
  });
});
