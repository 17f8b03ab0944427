// Goal: figures are kept under the right number, and a histogram's buckets hold what they say.
// Method: known edges, any value by fast-check, and the life of a series by hand.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bucketCount,
  bucketFloorUs,
  bucketOf,
  counter,
  createSeries,
  overflowSeries,
  readSeries,
  SeriesWriter,
  seriesCount,
  upstreamOverflow,
} from '../../../src/memory/series.ts';

describe('buckets', () => {
  test.each([
    [0, 0],
    [-5, 0],
    [31, 31],
    [31.9, 31],
    [32, 32],
    [63, 63],
    [64, 64],
    [65, 64],
    [66, 65],
    [127, 95],
    [128, 96],
    [1000, 190],
    [2 ** 32 - 1, bucketCount - 1],
    [2 ** 32, bucketCount - 1],
    [Number.POSITIVE_INFINITY, bucketCount - 1],
  ])('%d µs lie in bucket %i', (us, bucket) => {
    expect(bucketOf(us)).toBe(bucket);
  });

  test('each begins where it says, after the one before', () => {
    for (let bucket = 0; bucket < bucketCount; bucket++) {
      expect(bucketOf(bucketFloorUs(bucket))).toBe(bucket);
      if (bucket > 0) expect(bucketOf(bucketFloorUs(bucket) - 1)).toBe(bucket - 1);
    }
  });

  test('a value lies less than 1/32 above its bucket’s floor', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (us) => {
        const floor = bucketFloorUs(bucketOf(us));
        expect(floor).toBeLessThanOrEqual(us);
        expect((us - floor) * 32).toBeLessThanOrEqual(us);
      }),
    );
  });
});

function figuresOf(words: ReturnType<typeof createSeries>, number: number, workers = 2) {
  return readSeries(words, workers).find((one) => one.number === number);
}

describe('series', () => {
  test('are given once, and to each number its own', () => {
    const writer = new SeriesWriter(createSeries(1), 0);
    const series = [7, 8, 7].map((number) => writer.of(number));
    expect(series[0]).toBe(series[2]);
    expect(new Set(series).size).toBe(2);
    expect(series).not.toContain(overflowSeries);
  });

  test('are summed over workers by number', () => {
    const words = createSeries(2);
    const [a, b] = [0, 1].map((worker) => new SeriesWriter(words, worker)) as [
      SeriesWriter,
      SeriesWriter,
    ];
    a.of(1);
    for (const [writer, amount] of [
      [a, 3],
      [b, 4],
    ] as const) {
      const series = writer.of(9);
      writer.add(series, counter.status2xx, amount);
      writer.recordUs(series, 50);
      writer.recordUs(series, 1000 * amount);
    }
    const figures = figuresOf(words, 9);
    expect(figures?.counters[counter.status2xx]).toBe(7);
    expect(figures?.histogram[bucketOf(50)]).toBe(2);
    expect([figures?.histogram[bucketOf(3000)], figures?.histogram[bucketOf(4000)]]).toEqual([
      1, 1,
    ]);
    expect(figuresOf(words, 1)?.counters.every((count) => count === 0)).toBe(true);
  });

  test('that found no place share the overflow', () => {
    const words = createSeries(1);
    const writer = new SeriesWriter(words, 0);
    const given = Array.from({ length: seriesCount - 1 }, (_, index) => writer.of(index + 1));
    expect(new Set(given).size).toBe(seriesCount - 1);
    expect([writer.of(5000), writer.of(5001)]).toEqual([overflowSeries, overflowSeries]);
    writer.add(writer.of(5000), counter.status5xx, 2);
    expect(figuresOf(words, 0, 1)?.counters[counter.status5xx]).toBe(2);
  });

  test('of upstreams have an overflow of their own', () => {
    const words = createSeries(2);
    const [writer, next] = [0, 1].map((worker) => new SeriesWriter(words, worker)) as [
      SeriesWriter,
      SeriesWriter,
    ];
    for (let number = 1; number < seriesCount; number++) writer.of(number);
    writer.add(writer.of(5000), counter.status2xx, 2);
    writer.add(writer.of(5001, upstreamOverflow), counter.status2xx, 3);
    next.add(overflowSeries, counter.status2xx, 4);
    expect(figuresOf(words, 0)?.counters[counter.status2xx]).toBe(6);
    expect(figuresOf(words, upstreamOverflow.number)?.counters[counter.status2xx]).toBe(3);
  });

  test('that were released are given again, empty', () => {
    const words = createSeries(1);
    const writer = new SeriesWriter(words, 0);
    const series = writer.of(1);
    writer.add(series, counter.bytesIn, 10);
    writer.recordUs(series, 10);
    writer.release(1);
    expect(figuresOf(words, 1, 1)).toBeUndefined();
    expect(writer.of(2)).toBe(series);
    const figures = figuresOf(words, 2, 1);
    expect(
      [...(figures?.counters ?? []), ...(figures?.histogram ?? [])].every((one) => one === 0),
    ).toBe(true);
  });

  test('that nobody has are not released', () => {
    const writer = new SeriesWriter(createSeries(1), 0);
    writer.release(3);
    expect(writer.of(1)).not.toBe(overflowSeries);
  });

  test('go on when another worker takes the place of a dead one', () => {
    const words = createSeries(2);
    const before = new SeriesWriter(words, 1);
    before.add(before.of(4), counter.status2xx, 5);
    before.of(6);
    const after = new SeriesWriter(words, 1);
    expect([after.of(4), after.of(6)]).toEqual([before.of(4), before.of(6)]);
    after.add(after.of(4), counter.status2xx, 1);
    expect(after.of(8)).not.toBe(before.of(6));
    expect(figuresOf(words, 4)?.counters[counter.status2xx]).toBe(6);
  });

  test('of one worker’s last place are not the next worker’s first', () => {
    const words = createSeries(2);
    const [a, b] = [0, 1].map((worker) => new SeriesWriter(words, worker)) as [
      SeriesWriter,
      SeriesWriter,
    ];
    for (let number = 1; number < seriesCount; number++)
      a.add(a.of(number), counter.healthFailed, 1);
    b.add(overflowSeries, counter.healthFailed, 100);
    expect(figuresOf(words, 0)?.counters[counter.healthFailed]).toBe(100);
  });

  test('are there even when nothing happened: the overflows', () => {
    expect(readSeries(createSeries(2), 2).map(({ number }) => number)).toEqual([0, -1]);
  });
});
