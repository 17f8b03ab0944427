// Goal: the headers policy removes, sets and adds, in that order, and lets nobody end a line.
// Method: one policy at a time on small lists.
import { describe, expect, test } from 'vitest';
import { HeaderList } from '../../../../src/gateway/header-list.ts';
import { HeadersPolicy, safeValue } from '../../../../src/gateway/policies/headers.ts';
import { exchangeOf } from '../../../kit/exchange.ts';
import { headersPolicy } from '../../../kit/shape-parts.ts';

const exchange = exchangeOf({
  headers: [
    ['host', 'test'],
    ['x-in', 'a\r\nset-cookie: b\0\tc'],
  ],
});

function list(): HeaderList {
  return new HeaderList(['a', 'b', 'a'], ['1', '2', '3']);
}

function textOf({ names, values }: HeaderList): string {
  return names.map((name, index) => `${name}=${values[index]}`).join(' ');
}

describe('changes', () => {
  test.each([
    ['remove', { remove: ['a', 'x'] }, 'b=2'],
    ['set', { set: { a: ['9'], c: ['8'] } }, 'a=9 b=2 c=8'],
    ['add', { add: { a: ['9'], c: ['8'] } }, 'a=1 b=2 a=3 a=9 c=8'],
    ['remove, then set', { remove: ['a'], set: { a: ['9'] } }, 'b=2 a=9'],
    ['set, then add', { set: { a: ['9'] }, add: { a: ['8'] } }, 'a=9 b=2 a=8'],
    ['remove, then add', { remove: ['b'], add: { b: ['7'] } }, 'a=1 a=3 b=7'],
    ['nothing', {}, 'a=1 b=2 a=3'],
  ])('%s', (_name, changes, expected) => {
    const onRequest = new HeadersPolicy(headersPolicy(changes, {}));
    const onResponse = new HeadersPolicy(headersPolicy({}, changes));
    const [request, response, constant] = [list(), list(), list()];
    onRequest.onRequest(exchange, request);
    onResponse.onResponse(exchange, response);
    onResponse.applyConstantResponse(constant);
    expect([request, response, constant].map(textOf)).toEqual([expected, expected, expected]);
  });

  test('request and response are apart', () => {
    const policy = new HeadersPolicy(headersPolicy({ remove: ['a'] }, { remove: ['b'] }));
    const [request, response] = [list(), list()];
    policy.onRequest(exchange, request);
    policy.onResponse(exchange, response);
    expect([textOf(request), textOf(response)]).toEqual(['b=2', 'a=1 a=3']);
  });

  test('what it says of itself', () => {
    const hole = { x: [['request.host']] } as const;
    const says = (...parts: Parameters<typeof headersPolicy>): boolean[] => {
      const policy = new HeadersPolicy(headersPolicy(...parts));
      return [policy.changesRequest, policy.changesResponse, policy.constantResponse];
    };
    expect(says({}, {})).toEqual([false, false, true]);
    expect(says({ set: hole }, {})).toEqual([true, false, true]);
    expect(says({}, { remove: ['a'] })).toEqual([false, true, true]);
    expect(says({}, { set: hole })).toEqual([false, true, false]);
    expect(says({}, { add: hole })).toEqual([false, true, false]);
  });
});

describe('values from a request', () => {
  test('are filled in', () => {
    const policy = new HeadersPolicy(headersPolicy({ set: { x: ['<', ['request.host'], '>'] } }));
    const headers = list();
    policy.onRequest(exchange, headers);
    expect(headers.get('x')).toBe('<test>');
  });

  test('hold no line ends and no control characters but tab', () => {
    const policy = new HeadersPolicy(
      headersPolicy({}, { set: { x: [['request.header', 'x-in']] } }),
    );
    const headers = list();
    policy.onResponse(exchange, headers);
    expect(headers.get('x')).toBe('aset-cookie: b\tc');
  });

  test('safeValue takes out control characters alone', () => {
    const all = Array.from({ length: 0x100 }, (_, code) => String.fromCharCode(code));
    const kept = all.filter((_, code) => code === 9 || (code >= 0x20 && code !== 0x7f));
    expect(safeValue(all.join(''))).toBe(kept.join(''));
  });

  test('hold no character that is written as a line end', () => {
    const written = Buffer.from(safeValue('a\u010d\u010ab\u0a0dc'), 'latin1').toString('latin1');
    expect(written).not.toMatch(/[\r\n]/);
  });
});
