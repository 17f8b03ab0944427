import { parseBodyPath } from './body-path.ts';
import type { BodyPredicate, InputCondition, RequestCondition } from './cache-definition.ts';
import type { WrittenCache } from './cache-schema.ts';
import type { Path, Problems } from './problem.ts';
import { resolvePredicate, resolvePredicates, tokenPattern } from './resolve-predicates.ts';

type WrittenConditions = WrittenCache['bypass'];
type WrittenRequestCondition = Exclude<NonNullable<WrittenConditions>, readonly unknown[]>;
type WrittenInputCondition = Exclude<NonNullable<WrittenCache['ttl']>, string>[number]['when'];

/** One condition or several, as a list. */
export function resolveConditions(
  written: WrittenConditions,
  path: Path,
  problems: Problems,
): RequestCondition[] {
  if (written === undefined) return [];
  const several = Array.isArray(written);
  return (several ? written : [written]).map((one, index) => {
    const at = several ? [...path, index] : path;
    const condition = resolveCondition(one, at, problems);
    if (countOf(condition) === 0) {
      problems.add('bad-value', at, 'has no predicate and would hold always', 'name one');
    }
    return condition;
  });
}

export function resolveInputCondition(
  written: WrittenInputCondition,
  path: Path,
  problems: Problems,
): InputCondition {
  const at = [...path, 'body'];
  const body = Object.entries(written.body).flatMap(([key, wanted]): BodyPredicate[] => {
    const parsed = parseBodyPath(key);
    if (typeof parsed === 'string') {
      problems.add('bad-value', [...at, key], `${key} ${parsed}`, bodyPathHint, 'key');
      return [];
    }
    const predicate = resolvePredicate(parsed.text, wanted, [...at, key], problems);
    return [{ path: parsed, predicate }];
  });
  return {
    ...resolveCondition(written, path, problems),
    body: body.sort((a, b) => (a.path.text < b.path.text ? -1 : 1)),
  };
}

export const bodyPathHint = 'write a path such as $.items[0].sku';

export function isUnconditional(condition: InputCondition): boolean {
  return countOf(condition) + condition.body.length === 0;
}

function countOf({ headers, query, cookies }: RequestCondition): number {
  return headers.length + query.length + cookies.length;
}

function resolveCondition(
  { headers, query, cookies }: WrittenRequestCondition,
  path: Path,
  problems: Problems,
): RequestCondition {
  for (const name of Object.keys(cookies)) {
    checkCookieName(name, [...path, 'cookies', name], problems);
  }
  return {
    headers: resolvePredicates(headers, [...path, 'headers'], true, problems),
    query: resolvePredicates(query, [...path, 'query'], false, problems),
    cookies: resolvePredicates(cookies, [...path, 'cookies'], false, problems),
  };
}

export function checkCookieName(name: string, path: Path, problems: Problems): void {
  if (tokenPattern.test(name)) return;
  problems.add('bad-value', path, `${name} is not the name of a cookie`, null, 'key');
}
