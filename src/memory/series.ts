import { assert } from '../base/assert.ts';

/**
 * Series: counters and a latency histogram per route and per upstream, for each worker. A worker
 * gives a series to a route or an upstream when it sees its first exchange, and writes there
 * alone; whoever reads sums over the workers by number. The numbers are identities given by
 * control: they outlive generations and are never used again. The first and the last series take
 * what finds no place: routes the one, upstreams the other, since an exchange counts in both.
 *
 *   numbers      Int32    per series: the identity, 0 while nobody has it
 *   counters     Float64  per series: `counterCount` sums
 *   histogram    Uint32   per series: counts by bucket
 */

/** Series per worker: 512 of about 4 KiB are 2 MiB; what comes later shares an overflow. */
export const seriesCount = 512;
/** With the overflow of upstreams. */
const placeCount = seriesCount + 1;
export const overflowSeries = 0;
const upstreamOverflowSeries = seriesCount;

/** The overflows as those see them who write: a place; and who read: a number that nothing has. */
export interface Overflow {
  readonly series: number;
  readonly number: number;
}
export const routeOverflow: Overflow = { series: overflowSeries, number: 0 };
export const upstreamOverflow: Overflow = { series: upstreamOverflowSeries, number: -1 };

/** What a series counts. Routes use the first eight and the last, upstreams those before it. */
export const counter = {
  status1xx: 0,
  status2xx: 1,
  status3xx: 2,
  status4xx: 3,
  status5xx: 4,
  aborted: 5,
  bytesIn: 6,
  bytesOut: 7,
  connectFailed: 8,
  timedOut: 9,
  reset: 10,
  retried: 11,
  breakerOpen: 12,
  healthFailed: 13,
  limited: 14,
} as const;

/** How lookups in the cache end, each in exactly one of these (docs/metrics.md). */
export const lookupOutcomes = [
  'hit',
  'stale',
  'revalidated',
  'collapsed',
  'second-level',
  'miss-cold',
  'miss-expired',
  'miss-evicted',
  'miss-busted',
  'miss-rekeyed',
  'miss-vary',
  'miss-request',
  'miss-pass',
  'miss-no-store',
  'miss-unproven',
  'left',
] as const;
export type LookupOutcome = (typeof lookupOutcomes)[number];

/** Of a route's series: the counters of `lookupOutcomes` begin here. */
export const lookupCounterAt = 16;
const counterCount = 32;
assert(lookupCounterAt + lookupOutcomes.length <= counterCount, 'lookups have their counters');

/**
 * Log-linear buckets over microseconds (the scheme of HDR histograms): exact up to 32 µs, then 32
 * buckets per doubling, so a value is off by at most 1/32; the last one takes all from 71 minutes.
 */
const subBits = 5;
const subCount = 1 << subBits;
const doublings = 32 - subBits;
export const bucketCount = subCount + doublings * subCount;

export function bucketOf(us: number): number {
  const value = us < 0 ? 0 : us > 0xffffffff ? 0xffffffff : us >>> 0;
  if (value < subCount) return value;
  const exponent = 31 - Math.clz32(value) - subBits;
  return (exponent + 1) * subCount + ((value >>> exponent) - subCount);
}

/** The least value of a bucket, in microseconds. */
export function bucketFloorUs(bucket: number): number {
  if (bucket < subCount) return bucket;
  const exponent = Math.floor(bucket / subCount) - 1;
  return (subCount + (bucket % subCount)) * 2 ** exponent;
}

export interface SeriesWords {
  readonly numbers: Int32Array<SharedArrayBuffer>;
  readonly counters: Float64Array<SharedArrayBuffer>;
  readonly histogram: Uint32Array<SharedArrayBuffer>;
}

export function createSeries(workerCount: number): SeriesWords {
  const total = workerCount * placeCount;
  return {
    numbers: new Int32Array(new SharedArrayBuffer(total * 4)),
    counters: new Float64Array(new SharedArrayBuffer(total * counterCount * 8)),
    histogram: new Uint32Array(new SharedArrayBuffer(total * bucketCount * 4)),
  };
}

/** The writing side of one worker. */
export class SeriesWriter {
  readonly #words: SeriesWords;
  readonly #first: number;
  readonly #byNumber = new Map<number, number>();
  readonly #free: number[] = [];

  /** A worker that replaces a dead one goes on with its series. */
  constructor(words: SeriesWords, worker: number) {
    this.#words = words;
    this.#first = worker * placeCount;
    for (let series = seriesCount - 1; series > overflowSeries; series--) {
      const number = Atomics.load(words.numbers, this.#first + series);
      if (number === 0) this.#free.push(series);
      else this.#byNumber.set(number, series);
    }
  }

  /** The series of a route or upstream, given to it now if it has none; else that overflow. */
  of(number: number, overflow: Overflow = routeOverflow): number {
    const known = this.#byNumber.get(number);
    if (known !== undefined) return known;
    const series = this.#free.pop();
    if (series === undefined) return overflow.series;
    this.#clear(series);
    Atomics.store(this.#words.numbers, this.#first + series, number);
    this.#byNumber.set(number, series);
    return series;
  }

  /** Takes a series back, when the last generation that knows the number was retired. */
  release(number: number): void {
    const series = this.#byNumber.get(number);
    if (series === undefined) return;
    this.#byNumber.delete(number);
    Atomics.store(this.#words.numbers, this.#first + series, 0);
    this.#free.push(series);
  }

  add(series: number, which: number, amount: number): void {
    const at = (this.#first + series) * counterCount + which;
    this.#words.counters[at] = (this.#words.counters[at] as number) + amount;
  }

  recordUs(series: number, us: number): void {
    const at = (this.#first + series) * bucketCount + bucketOf(us);
    this.#words.histogram[at] = (this.#words.histogram[at] as number) + 1;
  }

  #clear(series: number): void {
    const at = this.#first + series;
    this.#words.counters.fill(0, at * counterCount, (at + 1) * counterCount);
    this.#words.histogram.fill(0, at * bucketCount, (at + 1) * bucketCount);
  }
}

export interface SeriesFigures {
  /** That of an overflow: all that found no series of its own. */
  readonly number: number;
  readonly counters: Float64Array;
  /** Counts by bucket; see `bucketFloorUs`. */
  readonly histogram: Float64Array;
}

/** All series of a node, summed over its workers. */
export function readSeries(words: SeriesWords, workerCount: number): SeriesFigures[] {
  const byNumber = new Map<number, SeriesFigures>();
  assert(words.numbers.length >= workerCount * placeCount, 'the series hold all workers');
  for (let index = 0; index < workerCount * placeCount; index++) {
    const number = numberAt(words, index);
    if (number === null) continue;
    let figures = byNumber.get(number);
    if (figures === undefined) {
      figures = {
        number,
        counters: new Float64Array(counterCount),
        histogram: new Float64Array(bucketCount),
      };
      byNumber.set(number, figures);
    }
    addUp(figures.counters, words.counters, index * counterCount);
    addUp(figures.histogram, words.histogram, index * bucketCount);
  }
  return [...byNumber.values()];
}

/** Null: nobody has the series. */
function numberAt(words: SeriesWords, index: number): number | null {
  const series = index % placeCount;
  if (series === routeOverflow.series) return routeOverflow.number;
  if (series === upstreamOverflow.series) return upstreamOverflow.number;
  return Atomics.load(words.numbers, index) || null;
}

function addUp(into: Float64Array, from: Float64Array | Uint32Array, at: number): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] as number) + (from[at + i] as number);
}
