import { cacheVaryNameCountMax } from '../../base/limits.ts';
import type { HeaderList } from '../header-list.ts';
import { listElements } from './list-elements.ts';

/**
 * Names of selecting fields (RFC 9110, section 12.5.5): lower case, sorted, each once; '*' when
 * that is among them; null when there are too many.
 */
export function parseVary(value: string | undefined): readonly string[] | '*' | null {
  if (value === undefined) return [];
  const names = new Set(listElements(value.toLowerCase()));
  if (names.has('*')) return '*';
  return names.size > cacheVaryNameCountMax ? null : [...names].sort();
}

/**
 * A selecting field's value in a form in which equal meanings are mostly equal texts (RFC 9111,
 * section 4.1): white space around commas goes; where a field's definition says that case and
 * order mean nothing, these go too. `value` is all lines of the field, joined.
 */
export function normaliseSelecting(name: string, value: string): string {
  switch (name) {
    case 'accept-encoding':
    case 'accept-language':
    case 'accept-charset':
      return listElements(value.toLowerCase()).map(withoutIdleWeight).sort().join(',');
    default:
      return value.includes(',') ? listElements(value).join(',') : value.trim();
  }
}

/** `gzip; q=0.50` as `gzip;q=0.5`, `gzip;q=1` as `gzip`: weights of RFC 9110, section 12.4.2. */
function withoutIdleWeight(element: string): string {
  const [range = '', ...parameters] = element.split(';');
  let text = range.trim();
  for (const parameter of parameters) {
    const weight = /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(parameter)?.[1];
    if (weight === undefined) text += `;${parameter.trim()}`;
    else if (Number(weight) !== 1) text += `;q=${Number(weight)}`;
  }
  return text;
}

/**
 * `\nv:name=value` for each name, in the order given. A field that is absent matches only its
 * absence (RFC 9111, section 4.1), so it leaves the equals sign out.
 */
export function variantSuffix(names: readonly string[], requestHeaders: HeaderList): string {
  let suffix = '';
  for (const name of names) {
    const value = requestHeaders.joined(name);
    suffix +=
      value === undefined ? `\nv:${name}` : `\nv:${name}=${normaliseSelecting(name, value)}`;
  }
  return suffix;
}
