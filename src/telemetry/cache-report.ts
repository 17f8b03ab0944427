import { readCacheFigures } from '../memory/cache/cache-figures.ts';
import type { CacheMemory } from '../memory/cache/cache-memory.ts';
import { readPosition } from '../memory/cache/epochs.ts';
import { lookupCounterAt, lookupOutcomes } from '../memory/series.ts';
import type { NamedSeries } from './collector.ts';

/** Lookups that were answered out of the cache; all others are misses. */
const hitOutcomes: ReadonlySet<string> = new Set([
  'hit',
  'stale',
  'revalidated',
  'collapsed',
  'second-level',
]);

export interface LookupFigures {
  /** `hits + misses`, always. */
  readonly lookups: number;
  readonly hits: number;
  readonly misses: number;
  /** Null: nothing was looked up. */
  readonly hitRate: number | null;
}

export interface RouteLookups extends LookupFigures {
  readonly route: string;
  /** Counts above zero only, by outcome (docs/metrics.md); their sum is `lookups`. */
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface CacheReport extends LookupFigures {
  /** Bytes of the arena. */
  readonly memoryBytes: number;
  readonly presentBytes: number;
  /** Where the invalidation stream stands. */
  readonly position: number;
  /** Entries: `stored - evicted`, always. */
  readonly present: number;
  readonly stored: number;
  readonly evicted: number;
  readonly evictedBy: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly refusedBy: Readonly<Record<string, number>>;
  /** Routes that were looked up, the busiest first. */
  readonly routes: readonly RouteLookups[];
}

/** The figures of the cache as they are at one moment, with sums that hold. */
export function cacheReport(memory: CacheMemory, series: readonly NamedSeries[]): CacheReport {
  const { stored, presentBytes, evictedBy, refusedBy } = readCacheFigures(memory);
  const evicted = sumOf(evictedBy);
  const routes = series.flatMap((one) => (one.of === 'route' ? lookupsOf(one) : []));
  routes.sort((a, b) => b.lookups - a.lookups || (a.route < b.route ? -1 : 1));
  return {
    memoryBytes: memory.arena.length,
    presentBytes,
    position: readPosition(memory),
    // Not the figure of that name, which control may have yet to write after the other two.
    present: stored - evicted,
    stored,
    evicted,
    evictedBy,
    refused: sumOf(refusedBy),
    refusedBy,
    ...figuresOf(
      routes.reduce((sum, { hits }) => sum + hits, 0),
      routes.reduce((sum, { misses }) => sum + misses, 0),
    ),
    routes,
  };
}

function lookupsOf({ name, counters }: NamedSeries): RouteLookups[] {
  const outcomes: Record<string, number> = {};
  let hits = 0;
  let misses = 0;
  for (const [index, outcome] of lookupOutcomes.entries()) {
    const count = counters[lookupCounterAt + index] ?? 0;
    if (count === 0) continue;
    outcomes[outcome] = count;
    if (hitOutcomes.has(outcome)) hits += count;
    else misses += count;
  }
  return hits + misses === 0 ? [] : [{ route: name, ...figuresOf(hits, misses), outcomes }];
}

function figuresOf(hits: number, misses: number): LookupFigures {
  const lookups = hits + misses;
  return { lookups, hits, misses, hitRate: lookups === 0 ? null : hits / lookups };
}

function sumOf(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
