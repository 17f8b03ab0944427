import type { Definitions } from './definitions.ts';
import { canonicalJson } from './hash.ts';
import { shapeKeyOf } from './shape-key.ts';

/** The blast radius of an apply: what it touches; the rest is identical. */
export interface Diff {
  readonly routes: ObjectDiff;
  readonly upstreams: ObjectDiff;
  /** Connection pools that open or close, as `upstream origin`; others stay warm. */
  readonly pools: { readonly opened: readonly string[]; readonly closed: readonly string[] };
  /** Of the routes that were cached and still are, by id in their new order. */
  readonly cache: CacheDiff;
  readonly identical: boolean;
}

export interface CacheDiff {
  /** What is stored is used on. */
  readonly kept: readonly string[];
  /** Something changed that stored bytes or keys are made of: it finds only what its new shape left. */
  readonly rekeyed: readonly string[];
}

/** What an apply does to the entries that its routes have stored. */
export interface CacheEffect {
  /** Entries that are used on, or used again: those of a shape that a rollback comes back to. */
  readonly kept: number;
  /** Entries that nobody asks for under the new shape; a rollback finds them while it is loaded. */
  readonly rekeyed: number;
  /**
   * The routes of `Diff.cache` that have entries: first those that are re-keyed. One that comes back to
   * a shape with entries stands among the kept ones too.
   */
  readonly routes: readonly RouteEffect[];
}

export interface RouteEffect {
  readonly route: string;
  readonly effect: 'kept' | 'rekeyed';
  readonly entries: number;
}

export interface ObjectDiff {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly ObjectChange[];
  /** Objects whose place in the order changed, which decides between equals only. */
  readonly moved: readonly string[];
  readonly unchangedCount: number;
}

export interface ObjectChange {
  readonly name: string;
  readonly fields: readonly FieldChange[];
}

export interface FieldChange {
  /** Like `timeout.headersMs`, in the resolved form. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

export function diffDefinitions(before: Definitions, after: Definitions): Diff {
  const routes = diffObjects(byName(before.routes, 'id'), byName(after.routes, 'id'));
  const upstreams = diffObjects(byName(before.upstreams, 'name'), byName(after.upstreams, 'name'));
  const poolsBefore = poolsOf(before);
  const poolsAfter = poolsOf(after);
  const pools = {
    opened: [...poolsAfter].filter((pool) => !poolsBefore.has(pool)),
    closed: [...poolsBefore].filter((pool) => !poolsAfter.has(pool)),
  };
  const cache = diffCache(before, after, new Set(routes.changed.map(({ name }) => name)));
  return { routes, upstreams, pools, cache, identical: isEmpty(routes) && isEmpty(upstreams) };
}

/** `changed`: ids of routes that are not as they were; of others the keys need no look. */
function diffCache(
  before: Definitions,
  after: Definitions,
  changed: ReadonlySet<string>,
): CacheDiff {
  const old = byName(before.routes, 'id');
  const kept: string[] = [];
  const rekeyed: string[] = [];
  for (const route of after.routes) {
    const predecessor = old.get(route.id);
    if (route.cache === null || predecessor === undefined || predecessor.cache === null) continue;
    const same = !changed.has(route.id) || shapeKeyOf(predecessor) === shapeKeyOf(route);
    (same ? kept : rekeyed).push(route.id);
  }
  return { kept, rekeyed };
}

function isEmpty({ added, removed, changed, moved }: ObjectDiff): boolean {
  return added.length + removed.length + changed.length + moved.length === 0;
}

function byName<T extends object>(objects: readonly T[], key: keyof T): Map<string, T> {
  return new Map(objects.map((one) => [String(one[key]), one]));
}

function poolsOf({ upstreams }: Definitions): Set<string> {
  return new Set(
    upstreams.flatMap(({ name, endpoints }) => endpoints.map(({ origin }) => `${name} ${origin}`)),
  );
}

function diffObjects(
  before: ReadonlyMap<string, object>,
  after: ReadonlyMap<string, object>,
): ObjectDiff {
  const changed: ObjectChange[] = [];
  let unchangedCount = 0;
  for (const [name, value] of after) {
    const old = before.get(name);
    if (old === undefined) continue;
    const fields = old === value ? [] : diffFields(old, value);
    if (fields.length === 0) unchangedCount += 1;
    else changed.push({ name, fields });
  }
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !after.has(name)),
    changed,
    moved: movedNames([...before.keys()], [...after.keys()]),
    unchangedCount,
  };
}

/**
 * The fewest names whose moving explains the new order: those outside one longest increasing
 * subsequence of old places (patience sorting, n log n).
 */
function movedNames(before: readonly string[], after: readonly string[]): string[] {
  const oldPlace = new Map(before.map((name, place) => [name, place]));
  const kept = after.filter((name) => oldPlace.has(name));
  const places = kept.map((name) => oldPlace.get(name) as number);
  const tails: number[] = [];
  const previous: number[] = [];
  for (const [index, place] of places.entries()) {
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[tails[middle] as number] as number) < place) low = middle + 1;
      else high = middle;
    }
    previous[index] = tails[low - 1] ?? -1;
    tails[low] = index;
  }
  const stays = new Set<number>();
  for (let at = tails.at(-1) ?? -1; at >= 0; at = previous[at] as number) stays.add(at);
  return kept.filter((_, index) => !stays.has(index));
}

function diffFields(before: unknown, after: unknown, path = ''): FieldChange[] {
  if (canonicalJson(before ?? null) === canonicalJson(after ?? null)) return [];
  if (!isPlainObject(before) || !isPlainObject(after)) return [{ path, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) =>
    diffFields(before[key], after[key], path === '' ? key : `${path}.${key}`),
  );
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Entries of each route, by its id: `stored` under its shape before the apply, `waiting` under the
 * one that a re-keyed route has after it.
 */
export function cacheEffect(
  { kept, rekeyed }: CacheDiff,
  stored: ReadonlyMap<string, number>,
  waiting: ReadonlyMap<string, number>,
): CacheEffect {
  const of = (
    ids: readonly string[],
    effect: RouteEffect['effect'],
    counts: ReadonlyMap<string, number>,
  ): RouteEffect[] =>
    ids
      .map((route) => ({ route, effect, entries: counts.get(route) ?? 0 }))
      .filter(({ entries }) => entries > 0);
  const routes = [
    ...of(rekeyed, 'rekeyed', stored),
    ...of(rekeyed, 'kept', waiting),
    ...of(kept, 'kept', stored),
  ];
  const sum = (effect: RouteEffect['effect']): number =>
    routes.reduce((total, one) => total + (one.effect === effect ? one.entries : 0), 0);
  return { kept: sum('kept'), rekeyed: sum('rekeyed'), routes };
}

/** For people: a line per object, fields below it, and what stays. `effect` null: not known. */
export function printDiff(diff: Diff, effect: CacheEffect | null = null): string {
  if (diff.identical) return 'nothing changes';
  const lines = [
    ...printObjects('route', diff.routes),
    ...printObjects('upstream', diff.upstreams),
  ];
  for (const pool of diff.pools.opened) lines.push(`+ pool ${pool}`);
  for (const pool of diff.pools.closed) lines.push(`- pool ${pool}`);
  const { routes, upstreams, cache } = diff;
  const entriesOf = (name: string, what: RouteEffect['effect']): number =>
    effect?.routes.find((one) => one.route === name && one.effect === what)?.entries ?? 0;
  for (const name of cache.rekeyed) {
    const left = entriesOf(name, 'rekeyed');
    const found = entriesOf(name, 'kept');
    const begins = found === 0 ? 'starts cold' : `finds ${found} entries of that shape`;
    lines.push(
      `~ cache of route ${name} is re-keyed: ${begins}${left === 0 ? '' : ` (${left} entries)`}`,
    );
  }
  if (cache.kept.length + cache.rekeyed.length > 0) {
    lines.push(`cache: kept ${cache.kept.length} routes, re-keyed ${cache.rekeyed.length}`);
    if (effect !== null) {
      lines.push(`entries: kept ${effect.kept}, re-keyed ${effect.rekeyed}`);
    }
  }
  lines.push(
    `unchanged: ${routes.unchangedCount} routes, ${upstreams.unchangedCount} upstreams; their state is kept`,
  );
  return lines.join('\n');
}

function printObjects(kind: string, diff: ObjectDiff): string[] {
  return [
    ...diff.added.map((name) => `+ ${kind} ${name}`),
    ...diff.removed.map((name) => `- ${kind} ${name}`),
    ...diff.changed.flatMap(({ name, fields }) => [
      `~ ${kind} ${name}`,
      ...fields.map(({ path, before, after }) => `    ${path}: ${show(before)} -> ${show(after)}`),
    ]),
    ...diff.moved.map((name) => `> ${kind} ${name} moved in the order`),
  ];
}

function show(value: unknown): string {
  const text = JSON.stringify(value ?? null);
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
