// Goal: every exchange ends in the ledger once, and in the series of its route and upstream. Method:
// a recorder on shared memory of its own, read back.
import { describe, expect, test } from 'vitest';
import { isBalanced, LedgerWriter, readLedger } from '../../../src/memory/ledger.ts';
import { createNodeMemory } from '../../../src/memory/node-memory.ts';
import { bucketOf, counter, readSeries, SeriesWriter } from '../../../src/memory/series.ts';
import {
  ExchangeRecorder,
  type Outcome,
  type RecordedExchange,
} from '../../../src/telemetry/recorder.ts';

const route = 11;
const upstream = 12;

function exchangeWith(parts: Partial<RecordedExchange> & { readonly tookMs?: number } = {}) {
  const { tookMs = 1, ...rest } = parts;
  return {
    status: 200,
    beganMs: 1000,
    bytesOut: 0,
    generation: { slot: 2 },
    plan: { number: route },
    upstream: null,
    body: null,
    worker: { nowMs: () => 1000 + tookMs },
    ...rest,
  } satisfies RecordedExchange;
}

function setUp() {
  const memory = createNodeMemory(2);
  const recorder = new ExchangeRecorder(
    new LedgerWriter(memory.ledgers, 1),
    new SeriesWriter(memory.series, 1),
  );
  const figures = (number: number) =>
    readSeries(memory.series, 2).find((one) => one.number === number);
  /** Counters above zero by name. */
  const counted = (number: number): Record<string, number> => {
    const counters = figures(number)?.counters;
    return Object.fromEntries(
      Object.entries(counter)
        .map(([name, at]) => [name, counters?.[at] ?? 0] as const)
        .filter(([, count]) => count > 0),
    );
  };
  return { memory, recorder, figures, counted };
}

describe('the ledger', () => {
  test.each<[Outcome, object]>([
    ['completed', { completed: 1 }],
    ['aborted', { aborted: 1 }],
    [
      { kind: 'refused', reason: 'no-route' },
      { refused: 1, refusedBy: { 'no-route': 1 } },
    ],
    [
      { kind: 'refused', reason: 'not-ready' },
      { refused: 1, refusedBy: { 'not-ready': 1 } },
    ],
    ['connect', { failed: 1, failedBy: { connect: 1 } }],
    ['worker-lost', { failed: 1, failedBy: { 'worker-lost': 1 } }],
    ['internal', { failed: 1, failedBy: { internal: 1 } }],
  ])('%j', (outcome, counts) => {
    const { memory, recorder } = setUp();
    recorder.finished(exchangeWith({ plan: null }), outcome);
    const none = { accepted: 0, completed: 0, aborted: 0, refused: 0, failed: 0 };
    const expected = { ...none, refusedBy: {}, failedBy: {}, ...counts };
    expect(readLedger(memory.ledgers, 2, 2)).toEqual(expected);
    expect(readLedger(memory.ledgers, 2, 1)).toEqual({ ...none, refusedBy: {}, failedBy: {} });
  });

  test('is balanced when each accepted exchange has one outcome', () => {
    const { memory, recorder } = setUp();
    const ledger = new LedgerWriter(memory.ledgers, 0);
    const outcomes: Outcome[] = [
      'completed',
      'aborted',
      { kind: 'refused', reason: 'door' },
      'reset',
    ];
    for (const _ of outcomes) ledger.accepted(2);
    for (const [index, outcome] of outcomes.entries()) {
      expect(isBalanced(readLedger(memory.ledgers, 2, 2))).toBe(false);
      recorder.finished(exchangeWith(), outcome);
      expect(readLedger(memory.ledgers, 2, 2).accepted).toBe(4);
      expect(index).toBeLessThan(4);
    }
    expect(isBalanced(readLedger(memory.ledgers, 2, 2))).toBe(true);
  });
});

describe('series', () => {
  test.each([
    [100, 'status1xx'],
    [200, 'status2xx'],
    [299, 'status2xx'],
    [304, 'status3xx'],
    [404, 'status4xx'],
    [500, 'status5xx'],
    [599, 'status5xx'],
    [0, 'status5xx'],
    [999, 'status5xx'],
  ])('status %i counts as %s', (status, name) => {
    const { recorder, counted } = setUp();
    recorder.finished(exchangeWith({ status }), 'completed');
    expect(counted(route)).toEqual({ [name]: 1 });
  });

  test('an aborted exchange counts under no status', () => {
    const { recorder, counted } = setUp();
    recorder.finished(exchangeWith({ status: 200 }), 'aborted');
    expect(counted(route)).toEqual({ aborted: 1 });
  });

  test('route and upstream get the same', () => {
    const { recorder, counted, figures } = setUp();
    const parts = { upstream: { number: upstream }, body: { bytes: 5 }, bytesOut: 7, tookMs: 3 };
    for (let i = 0; i < 2; i++) recorder.finished(exchangeWith(parts), 'completed');
    expect(counted(route)).toEqual({ status2xx: 2, bytesIn: 10, bytesOut: 14 });
    expect(counted(upstream)).toEqual(counted(route));
    for (const number of [route, upstream]) {
      const histogram = figures(number)?.histogram;
      expect(histogram?.[bucketOf(3000)]).toBe(2);
      expect(histogram?.reduce((sum, count) => sum + count, 0)).toBe(2);
    }
  });

  test('an exchange without a route has none', () => {
    const { recorder, memory } = setUp();
    recorder.finished(exchangeWith({ plan: null, status: 404 }), {
      kind: 'refused',
      reason: 'no-route',
    });
    expect(readSeries(memory.series, 2).map(({ number }) => number)).toEqual([0, -1]);
  });

  test('a clock that stood still is no time', () => {
    const { recorder, figures } = setUp();
    recorder.finished(exchangeWith({ tookMs: 0 }), 'completed');
    expect(figures(route)?.histogram[0]).toBe(1);
  });
});

describe('attempts', () => {
  test.each([
    ['connect', 'connectFailed'],
    ['connect-timeout', 'connectFailed'],
    ['headers-timeout', 'timedOut'],
    ['idle-timeout', 'timedOut'],
    ['reset', 'reset'],
    ['protocol', 'reset'],
  ])('that fail by %s count as %s', (failure, name) => {
    const { recorder, counted } = setUp();
    recorder.attemptFailed(upstream, failure);
    expect(counted(upstream)).toEqual({ [name]: 1 });
  });

  test('that are repeats are counted', () => {
    const { recorder, counted } = setUp();
    recorder.retried(upstream);
    recorder.retried(upstream);
    expect(counted(upstream)).toEqual({ retried: 2 });
  });
});
