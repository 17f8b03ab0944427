// Goal: a text is split at its holes, and what is no hole is told of. Method: one text at a time.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PathPattern, Template } from '../../../src/model/definitions.ts';
import { parsePathPattern } from '../../../src/model/path-pattern.ts';
import { parseTemplate } from '../../../src/model/template.ts';

const pattern = parsePathPattern('/shop/{sku}/**') as PathPattern;
const plain = parsePathPattern('/shop') as PathPattern;

/** Parts as text: holes in angle brackets. */
function partsOf(text: string, braces = false): string[] {
  const parsed = parseTemplate(text, pattern, braces);
  if ('message' in parsed) throw new Error(parsed.message);
  return parsed.map((part) => {
    if (part.kind === 'text') return part.text;
    return 'name' in part ? `<${part.source} ${part.name}>` : `<${part.source}>`;
  });
}

test.each([
  ['', []],
  ['plain', ['plain']],
  ['${request.method}', ['<request.method>']],
  ['a${client.ip}b${revision}', ['a', '<client.ip>', 'b', '<revision>']],
  ['${request.query}${request.query.q}', ['<request.query>', '<request.query q>']],
  ['${request.header.X-Id}', ['<request.header x-id>']],
  ['${request.cookie.Sid}', ['<request.cookie Sid>']],
  ['${request.query.a.b}', ['<request.query a.b>']],
  ['${path.sku}/${path.**}', ['<path sku>', '/', '<path **>']],
  ['$${request.method}', ['${request.method}']],
  ['$$${request.method}', ['$${request.method}']],
  ['a$', ['a$']],
  ['$ {a} }', ['$ {a} }']],
  ['{sku}', ['{sku}']],
])('%j', (text, parts) => {
  expect(partsOf(text)).toEqual(parts);
});

test.each([
  ['/v2/{sku}/{**}', ['/v2/', '<path sku>', '/', '<path **>']],
  ['/{sku}${path.sku}', ['/', '<path sku>', '<path sku>']],
  ['/a}', ['/a}']],
])('with braces: %j', (text, parts) => {
  expect(partsOf(text, true)).toEqual(parts);
});

describe('refused', () => {
  test.each([
    [
      '${request.methode}',
      false,
      'has the unknown hole ${request.methode}',
      'did you mean ${request.method}?',
    ],
    ['${}', false, 'has the unknown hole ${}', 'docs/definitions.md lists the holes'],
    [
      '${request.header.}',
      false,
      'has the unknown hole ${request.header.}',
      'did you mean ${request.header.NAME}?',
    ],
    ['a${client.ip', false, 'has no } for its hole at 1', 'write $${ for a plain ${'],
    ['/{sku', true, 'has no } for its hole at 1', 'write {name}'],
    [
      '${path.sk}',
      false,
      'names the path parameter sk, which /shop/{sku}/** does not have',
      'did you mean sku?',
    ],
    ['/{x}', true, 'names the path parameter x, which /shop/{sku}/** does not have', null],
  ])('%j', (text, braces, message, hint) => {
    expect(parseTemplate(text, pattern, braces)).toEqual({ message, hint });
  });

  test('the rest of a path without one', () => {
    expect(parseTemplate('/{**}', plain, true)).toEqual({
      message: 'names the path parameter **, which /shop does not have',
      hint: null,
    });
  });

  test('more than 64 parts', () => {
    expect(parseTemplate('${revision}'.repeat(64), pattern, false)).toHaveLength(64);
    expect(parseTemplate('${revision}'.repeat(65), pattern, false)).toEqual({
      message: 'has more than 64 parts (templatePartCountMax)',
      hint: null,
    });
  });

  test.each(['${request.header.a b}', '${request.header.x:}', '${request.cookie.a=b}'])(
    '%j, whose name is none',
    (text) => {
      expect(parseTemplate(text, pattern, false)).toHaveProperty('message');
    },
  );
});

test('any text can be written, with its ${ escaped', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('$', '{', '}', 'a', '${', 'path.sku')), (pieces) => {
      const text = pieces.join('');
      const parsed = parseTemplate(text.replaceAll('${', '$$${'), pattern, false) as Template;
      expect(parsed.map((part) => (part.kind === 'text' ? part.text : '?')).join('')).toBe(text);
    }),
  );
});
