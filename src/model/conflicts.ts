import type { FieldPredicate, Match, Route } from './definitions.ts';
import type { Path, Problems } from './problem.ts';

/** A route with its place in the list, for messages. */
export interface PlacedRoute {
  readonly route: Route;
  readonly path: Path;
}

/**
 * Finds routes that no request can ever reach. On one host and path shape, routes are tried by
 * number of predicates, then in order; a route is out of reach when, on each of its hosts, one that
 * is tried before it takes every request that it would take. Routes are compared within such a
 * group only, so the cost is that of the largest group squared.
 */
export function findConflicts(routes: readonly PlacedRoute[], problems: Problems): void {
  const groups = new Map<string, PlacedRoute[]>();
  for (const placed of routes) {
    for (const key of groupKeys(placed.route.match)) {
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [placed]);
      else group.push(placed);
    }
  }
  for (const placed of routes) {
    const keys = groupKeys(placed.route.match);
    const covers = keys.map((key) => coverOf(placed, groups.get(key) ?? []));
    const first = covers[0];
    if (first === undefined || covers.some((cover) => cover === undefined)) continue;
    const { line, file } = problems.place(first.path);
    problems.add(
      'conflict',
      [...placed.path, 'match'],
      `${placed.route.id} can never be reached: ${first.route.id} (${file}:${line}) takes every request that it matches`,
      'remove one of them, or give it a predicate that the other lacks',
    );
  }
}

function groupKeys({ hosts, path }: Match): string[] {
  const shape = path.segments.map((one) => (one.kind === 'param' ? '{}' : one.text)).join('/');
  const key = `${shape}${path.rest ? '/**' : ''}`;
  return hosts.length === 0 ? [` /${key}`] : hosts.map((host) => `${host} /${key}`);
}

function coverOf(placed: PlacedRoute, group: readonly PlacedRoute[]): PlacedRoute | undefined {
  if (group.length < 2) return undefined;
  const own = predicateCount(placed.route.match);
  const at = group.indexOf(placed);
  return group.find((other, index) => {
    if (other === placed) return false;
    const count = predicateCount(other.route.match);
    if (count < own || (count === own && index > at)) return false;
    return takesAllOf(other.route.match, placed.route.match);
  });
}

export function predicateCount({ methods, headers, query }: Match): number {
  return (methods.length > 0 ? 1 : 0) + headers.length + query.length;
}

/** Whether every request that `narrow` matches is matched by `wide` too. */
function takesAllOf(wide: Match, narrow: Match): boolean {
  if (wide.methods.length > 0) {
    if (narrow.methods.length === 0) return false;
    if (!narrow.methods.every((method) => wide.methods.includes(method))) return false;
  }
  return implies(narrow.headers, wide.headers) && implies(narrow.query, wide.query);
}

function implies(given: readonly FieldPredicate[], wanted: readonly FieldPredicate[]): boolean {
  return wanted.every((want) =>
    given.some((have) => {
      if (have.name !== want.name) return false;
      if (want.kind === 'present') return have.kind !== 'absent';
      if (have.kind !== want.kind) return false;
      return !('value' in want) || !('value' in have) || want.value === have.value;
    }),
  );
}
