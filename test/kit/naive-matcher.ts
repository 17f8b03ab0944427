import type { Definitions, FieldPredicate, Route } from '../../src/model/definitions.ts';

export interface PlainRequest {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
}

/** What a route table says about a request: the id of a route, or which methods would have done. */
export type PlainAnswer =
  | { readonly route: string }
  | { readonly route: null; readonly allow: readonly string[] };

/** The rule of precedence written down plainly: filter, sort, take the first. */
export function naiveMatch({ routes }: Definitions, request: PlainRequest): PlainAnswer {
  const allow = new Set<string>();
  for (const tier of tiersOf(routes, request.host)) {
    const there = tier.filter(
      (route) => pathFits(route, request.path) && predicatesFit(route, request),
    );
    const best = there.filter((route) => methodFits(route, request)).sort(byRank(routes))[0];
    if (best !== undefined) return { route: best.id };
    for (const route of there) for (const method of route.match.methods) allow.add(method);
  }
  return { route: null, allow: [...allow].sort() };
}

/** The exact host, then wildcards from the longest on, then routes without hosts. */
function tiersOf(routes: readonly Route[], authority: string): Route[][] {
  const host = authority.toLowerCase().replace(/:\d*$/, '');
  const wildcards = [...new Set(routes.flatMap(({ match }) => match.hosts))]
    .filter((pattern) => pattern.startsWith('*.'))
    .filter((pattern) => host.endsWith(pattern.slice(1)) && host.length >= pattern.length)
    .sort((a, b) => b.length - a.length);
  return [
    ...[host, ...wildcards].map((pattern) =>
      routes.filter(({ match }) => match.hosts.includes(pattern)),
    ),
    routes.filter(({ match }) => match.hosts.length === 0),
  ];
}

function pathFits({ match }: Route, path: string): boolean {
  const given = path.slice(1).split('/');
  const { segments, rest } = match.path;
  if (rest ? given.length < segments.length : given.length !== segments.length) return false;
  return segments.every((segment, at) =>
    segment.kind === 'literal' ? segment.text === given[at] : given[at] !== '',
  );
}

export function predicatesFit({ match }: Route, { headers, query }: PlainRequest): boolean {
  return (
    match.headers.every((one) => predicateFits(one, headers[one.name])) &&
    match.query.every((one) => predicateFits(one, query[one.name]))
  );
}

function predicateFits(predicate: FieldPredicate, value: string | undefined): boolean {
  if (predicate.kind === 'present') return value !== undefined;
  if (predicate.kind === 'absent') return value === undefined;
  if (value === undefined) return false;
  if (predicate.kind === 'equals') return value === predicate.value;
  return new RegExp(`^(?:${predicate.value})$`).test(value);
}

function methodFits({ match }: Route, { method }: PlainRequest): boolean {
  return match.methods.length === 0 || match.methods.includes(method);
}

function byRank(routes: readonly Route[]): (a: Route, b: Route) => number {
  return (a, b) => {
    if (shapeOf(a) !== shapeOf(b)) return shapeOf(a) < shapeOf(b) ? -1 : 1;
    return countOf(b) - countOf(a) || routes.indexOf(a) - routes.indexOf(b);
  };
}

/** Sorts as precedence does: a literal, a parameter, the rest; one that ends before one with a rest. */
function shapeOf({ match }: Route): string {
  const { segments, rest } = match.path;
  return segments.map(({ kind }) => (kind === 'literal' ? '1' : '2')).join('') + (rest ? '3' : '');
}

function countOf({ match }: Route): number {
  return (match.methods.length > 0 ? 1 : 0) + match.headers.length + match.query.length;
}
