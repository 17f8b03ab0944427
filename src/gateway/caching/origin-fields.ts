import type { HeaderList } from '../header-list.ts';
import { parseHead } from './stored-head.ts';

/** What storing, freshness, labels and validation go by. */
const judgedNames: readonly string[] = [
  'date',
  'expires',
  'cache-control',
  'cutover-cache-control',
  'cdn-cache-control',
  'surrogate-control',
  'surrogate-key',
  'cache-tag',
  'cache-groups',
  'vary',
  'etag',
  'last-modified',
];

/**
 * Lines of the fields that storing goes by, as far as the head that is stored has them otherwise:
 * what is meant for this cache alone and the Date are not in it, and response policies may have
 * changed the rest. A name without a colon: the origin sent none.
 */
export function originLines(received: HeaderList, stored: HeaderList): string {
  const lines: string[] = [];
  for (const name of judgedNames) {
    const said = valuesOf(received, name);
    if (isSame(said, valuesOf(stored, name))) continue;
    if (said.length === 0) lines.push(name);
    else for (const value of said) lines.push(`${name}: ${value}`);
  }
  return lines.join('\r\n');
}

/** The fields of a stored head with what storing goes by as the origin sent it. */
export function fieldsOfOrigin(head: string, lines: string): HeaderList {
  const { headers } = parseHead(head);
  if (lines === '') return headers;
  const split = lines.split('\r\n');
  for (const line of split) headers.remove(line.split(': ', 1)[0] ?? '');
  for (const line of split) {
    const colon = line.indexOf(': ');
    if (colon > 0) headers.add(line.slice(0, colon), line.slice(colon + 2));
  }
  return headers;
}

/** The Date that the origin gave, out of `originLines`, or empty. */
export function dateOfOrigin(lines: string): string {
  return /^date: (.*)$/m.exec(lines)?.[1] ?? '';
}

function valuesOf({ names, values }: HeaderList, name: string): string[] {
  return values.filter((_, at) => names[at] === name);
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
