import { RE2JS } from 're2js';
import { messageOf } from '../base/errors.ts';
import type { FieldPredicate } from './definitions.ts';
import type { Path, Problems } from './problem.ts';
import { sameHeader } from './resolve-headers.ts';
import type { WrittenPredicate } from './schema-parts.ts';

export const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;

/** Predicates over fields of one kind, sorted by name; names of headers are lower case. */
export function resolvePredicates(
  written: Readonly<Record<string, WrittenPredicate>>,
  path: Path,
  ofHeaders: boolean,
  problems: Problems,
): FieldPredicate[] {
  const seen = new Set<string>();
  return Object.entries(written)
    .map(([key, wanted]): FieldPredicate => {
      const at = [...path, key];
      const name = ofHeaders ? key.toLowerCase() : key;
      if (seen.has(name)) problems.add('duplicate', at, sameHeader, null, 'key');
      seen.add(name);
      if (ofHeaders && !tokenPattern.test(key)) {
        problems.add('bad-header', at, `${key} is not a header name`, null, 'key');
      }
      return resolvePredicate(name, wanted, at, problems);
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function resolvePredicate(
  name: string,
  wanted: WrittenPredicate,
  path: Path,
  problems: Problems,
): FieldPredicate {
  if (typeof wanted === 'string') return { name, kind: 'equals', value: wanted };
  if ('present' in wanted) return { name, kind: wanted.present ? 'present' : 'absent' };
  try {
    RE2JS.compile(wanted.regex);
  } catch (error) {
    const hint = 'RE2 syntax: no backreferences, no lookaround';
    problems.add('bad-regex', [...path, 'regex'], messageOf(error), hint);
  }
  return { name, kind: 'regex', value: wanted.regex };
}
