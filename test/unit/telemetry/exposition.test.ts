// Goal: what `/metrics` says is valid Prometheus text and adds up. Method: figures written as workers
// write them, and a strict reader of the text.
import { describe, expect, test } from 'vitest';
import { present } from '../../../src/base/assert.ts';
import { FiguresWriter } from '../../../src/memory/cache/figures-writer.ts';
import { ControlBlock, slotState, WorkerWords } from '../../../src/memory/control-block.ts';
import { LedgerWriter } from '../../../src/memory/ledger.ts';
import { createNodeMemory } from '../../../src/memory/node-memory.ts';
import { setSharingNodes } from '../../../src/memory/rate-limits/limit-lease.ts';
import {
  counter,
  lookupCounterAt,
  lookupOutcomes,
  SeriesWriter,
  seriesCount,
} from '../../../src/memory/series.ts';
import type { ClientFigures } from '../../../src/model/cluster-figures.ts';
import type { FleetFigures } from '../../../src/model/fleet.ts';
import { parseWritten } from '../../../src/model/parse.ts';
import { Collector } from '../../../src/telemetry/collector.ts';
import { exposition, metrics } from '../../../src/telemetry/exposition.ts';
import { type ReadSample, readExposition } from '../../kit/exposition.ts';

const fleet: FleetFigures = {
  log: {
    epoch: 'e',
    sequence: 41,
    lag: 2,
    proven: true,
    unsigned: 0,
    unknown: 0,
    lost: { overrun: 1, 'ring-lost': 0, 'new-history': 0, diverged: 0 },
  },
  applied: 40,
  queued: 3,
  secondLevel: {
    hits: 5,
    misses: 6,
    late: 1,
    failed: 0,
    written: 9,
    notWritten: 0,
    unusable: { foreign: 0, history: 0, busted: 2, expired: 0 },
  },
  headRevision: 7,
  behindMs: 0,
  nodes: [],
};

function setUp(workerCount = 2) {
  const memory = createNodeMemory(workerCount, 1, 4 * 1024 * 1024);
  const collector = new Collector(memory);
  const block = new ControlBlock(memory.control);
  const workers = Array.from({ length: workerCount }, (_, worker) => ({
    series: new SeriesWriter(memory.series, worker),
    ledger: new LedgerWriter(memory.ledgers, worker),
    words: new WorkerWords(memory.control, worker),
  }));
  const parsed = parseWritten({ upstreams: { up: { endpoints: ['http://up:1'] } } }, 'test');
  const { upstreams } = present(parsed.ok ? parsed.definitions : null, 'they are in order');
  const read = () => readExposition(exposition(collector, upstreams));
  /** Samples as `name{labels} value` without the metric's own name. */
  const samples = (name: keyof typeof metrics): [Record<string, string>, number][] =>
    (read().get(name)?.samples ?? []).map(({ labels, value }) => [{ ...labels }, value]);
  const record = (worker: number, number: number, which: number, us?: number): void => {
    const writer = (workers[worker] as (typeof workers)[number]).series;
    writer.add(writer.of(number), which, 1);
    if (us !== undefined) writer.recordUs(writer.of(number), us);
  };
  return { memory, collector, block, workers, read, samples, record };
}

const client: ClientFigures = {
  state: 'connected',
  connections: 3,
  breaker: 'closed',
  breakerOpened: 1,
  answered: 100,
  failed: { timeout: 4, busy: 2 },
  late: 3,
  inFlight: 5,
  inFlightBytes: 20_480,
  parked: 1,
  overdue: 1,
  replaced: { leaked: 1 },
  problem: null,
};

const { status2xx, status5xx, aborted, bytesIn, bytesOut, retried, timedOut } = counter;

test('an endpoint is told by the seat of a worker, until it or the thread is gone', () => {
  const { collector, samples } = setUp();
  const healthy = () => samples('cutover_endpoint_healthy').map(([, value]) => value);
  const at = { upstream: 'up', origin: 'http://up:1', reason: 'why' };
  const out = (seat: number) => {
    collector.endpoints.learn({ seat, ...at, state: 'unhealthy' });
    collector.endpoints.learn({ seat, ...at, state: 'breaker-open' });
  };
  out(1);
  expect(healthy()).toEqual([1, 0]);
  collector.endpoints.learn({ seat: 1, ...at, state: 'healthy' });
  expect(healthy()).toEqual([1, 0]);
  collector.endpoints.learn({ seat: 1, ...at, state: 'breaker-closed' });
  expect(healthy()).toEqual([1, 1]);
  out(0);
  collector.endpoints.forget(0, { upstream: 'up', origin: 'http://up:2' });
  collector.endpoints.forget(1, null);
  expect(healthy()).toEqual([0, 1]);
  collector.endpoints.forget(0, at);
  expect(healthy()).toEqual([1, 1]);
  out(0);
  collector.endpoints.forget(0, null);
  expect(healthy()).toEqual([1, 1]);
});

describe('the text', () => {
  test('of a node that has served nothing is valid', () => {
    const { read } = setUp();
    expect([...read().keys()]).toEqual([
      'cutover_endpoint_healthy',
      'cutover_connections',
      'cutover_generations_loaded',
      'cutover_revision',
      'cutover_rate_limit_slots',
      'cutover_rate_limit_used',
      'cutover_rate_limit_taken_over_total',
      'cutover_rate_limit_uncounted_total',
      'cutover_cache_stored_total',
      'cutover_cache_evicted_total',
      'cutover_cache_refused_total',
      'cutover_cache_entries',
      'cutover_cache_entry_bytes',
      'cutover_cache_memory_bytes',
      'cutover_cache_position',
    ]);
  });

  test('of a busy node is valid, and each metric has its type', () => {
    const { memory, read, collector, record, block, workers } = setUp();
    collector.learn(
      [
        { number: 1, of: 'route', name: 'a' },
        { number: 2, of: 'route', name: 'b' },
        { number: 3, of: 'upstream', name: 'a' },
      ],
      [],
    );
    for (const number of [1, 2, 3]) {
      for (const which of Object.values(counter)) record(number % 2, number, which, 1000);
    }
    for (const slot of [0, 1]) block.setSlot(slot, slot + 1, slot + 5, slotState.active);
    workers[0]?.ledger.refused(0, 'door');
    workers[1]?.ledger.failed(1, 'reset');
    record(0, 1, lookupCounterAt);
    setSharingNodes(memory.rateLimits, 3);
    collector.learnCluster({ log: client, bodies: client }, fleet);
    const text = read();
    expect([...text.keys()].sort()).toEqual(Object.keys(metrics).sort());
    for (const [name, { type, help }] of text) {
      expect(`${type} ${help}`).toBe(metrics[name as keyof typeof metrics]);
    }
  });

  test('names may hold anything', () => {
    const { samples, collector, record } = setUp();
    const names = ['a"b', 'a\\b', 'a\nb', 'a\\nb', 'a{b="c"},d', 'é€😀', 'a b', '\\', '"'];
    collector.learn(
      names.map((name, index) => ({ number: index + 1, of: 'route', name })),
      [],
    );
    for (const [index] of names.entries()) record(0, index + 1, status2xx);
    const read = samples('cutover_requests_total').map(([labels]) => labels['route']);
    expect(read.sort()).toEqual([...names].sort());
  });
});

test('calls of the cluster are told by client and outcome', () => {
  const { samples, collector } = setUp();
  collector.learnCluster({ log: client, bodies: { ...client, answered: 7, failed: {} } }, fleet);
  expect(samples('cutover_cluster_calls_total')).toEqual([
    [{ client: 'log', outcome: 'answered' }, 100],
    [{ client: 'log', outcome: 'timeout' }, 4],
    [{ client: 'log', outcome: 'busy' }, 2],
    [{ client: 'bodies', outcome: 'answered' }, 7],
  ]);
  expect(samples('cutover_cluster_replaced_total')[0]).toEqual([
    { client: 'log', reason: 'leaked' },
    1,
  ]);
  expect(samples('cutover_cluster_connections')[0]).toEqual([{ client: 'log' }, 3]);
});

describe('routes and upstreams', () => {
  test('are summed over workers', () => {
    const { samples, collector, record } = setUp(3);
    collector.learn([{ number: 1, of: 'route', name: 'a' }], []);
    for (const worker of [0, 1, 1, 2]) record(worker, 1, status2xx);
    record(0, 1, status5xx);
    record(2, 1, aborted);
    record(1, 1, bytesIn);
    record(1, 1, bytesOut);
    record(2, 1, bytesOut);
    expect(samples('cutover_requests_total')).toEqual([
      [{ route: 'a', status: '2xx' }, 4],
      [{ route: 'a', status: '5xx' }, 1],
      [{ route: 'a', status: 'aborted' }, 1],
    ]);
    expect(samples('cutover_received_bytes_total')).toEqual([[{ route: 'a' }, 1]]);
    expect(samples('cutover_sent_bytes_total')).toEqual([[{ route: 'a' }, 2]]);
  });

  test('a route and an upstream of one name are apart', () => {
    const { samples, collector, record } = setUp();
    collector.learn(
      [
        { number: 1, of: 'route', name: 'a' },
        { number: 2, of: 'upstream', name: 'a' },
      ],
      [],
    );
    record(0, 1, status2xx);
    record(0, 2, status5xx);
    record(0, 2, retried);
    record(0, 2, timedOut);
    expect(samples('cutover_requests_total')).toEqual([[{ route: 'a', status: '2xx' }, 1]]);
    expect(samples('cutover_upstream_requests_total')).toEqual([
      [{ upstream: 'a', status: '5xx' }, 1],
    ]);
    expect(samples('cutover_upstream_retries_total')).toEqual([[{ upstream: 'a' }, 1]]);
    expect(samples('cutover_upstream_failures_total')).toEqual([
      [{ upstream: 'a', kind: 'connect' }, 0],
      [{ upstream: 'a', kind: 'timeout' }, 1],
      [{ upstream: 'a', kind: 'reset' }, 0],
    ]);
  });

  test('one whose name was dropped is not told of', () => {
    const { samples, collector, record } = setUp();
    collector.learn([{ number: 1, of: 'route', name: 'a' }], []);
    record(0, 1, status2xx);
    collector.learn([], [1]);
    expect(samples('cutover_requests_total')).toEqual([]);
  });

  test('no request is left out when there are more routes than series', () => {
    const { samples, collector, record } = setUp(1);
    const numbers = Array.from({ length: seriesCount + 88 }, (_, index) => index + 1);
    collector.learn(
      numbers.map((number) => ({ number, of: 'route', name: `r${number}` })),
      [],
    );
    for (const number of numbers) record(0, number, status2xx);
    const total = samples('cutover_requests_total').reduce((sum, [, count]) => sum + count, 0);
    expect(total).toBe(numbers.length);
  });
});

describe('the histogram', () => {
  function histogramOf(...us: readonly number[]) {
    const { read, collector, record } = setUp();
    collector.learn([{ number: 1, of: 'route', name: 'a' }], []);
    for (const one of us) record(0, 1, status2xx, one);
    const all = read().get('cutover_request_seconds')?.samples ?? [];
    const named = (suffix: string): ReadSample[] =>
      all.filter(({ name }) => name === `cutover_request_seconds_${suffix}`);
    return {
      bounds: named('bucket').map(({ labels }) => labels['le']),
      buckets: named('bucket').map(({ value }) => value),
      sum: named('sum').map(({ value }) => value),
      count: named('count').map(({ value }) => value),
    };
  }

  test('has rising bounds and ends with +Inf', () => {
    const { bounds } = histogramOf(1);
    expect(bounds.at(-1)).toBe('+Inf');
    const numbers = bounds.slice(0, -1).map(Number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(bounds).size).toBe(bounds.length);
  });

  test('is cumulative, and its last bucket is its count', () => {
    const { buckets, count } = histogramOf(100, 700, 3_000, 40_000, 400_000, 4_000_000, 60_000_000);
    expect(buckets).toEqual([1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 7]);
    expect(count).toEqual([7]);
  });

  test('counts the shortest and the longest that there are', () => {
    const { buckets, count } = histogramOf(0, -5, 2 ** 40);
    expect([buckets[0], buckets.at(-2), buckets.at(-1), count]).toEqual([2, 2, 3, [3]]);
  });

  test('has a sum within a part in 32', () => {
    const us = [150, 2_500, 33_000, 1_234_567];
    const seconds = us.reduce((sum, one) => sum + one, 0) / 1e6;
    const [sum = 0] = histogramOf(...us).sum;
    expect(Math.abs(sum - seconds) / seconds).toBeLessThan(1 / 32);
  });
});

describe('generations', () => {
  test('tell their ledgers', () => {
    const { samples, block, workers } = setUp();
    block.setSlot(3, 9, 4, slotState.active);
    block.setSlot(1, 8, 3, slotState.retained);
    for (const { ledger } of workers) {
      ledger.accepted(3);
      ledger.completed(3);
    }
    workers[0]?.ledger.aborted(1);
    workers[1]?.ledger.refused(3, 'no-route');
    workers[1]?.ledger.failed(3, 'reset');
    block.publish({ stable: 3, candidate: 3, share: 0 });
    workers[1]?.words.pin();
    const nine = { generation: '9', revision: '4' };
    const eight = { generation: '8', revision: '3' };
    expect(samples('cutover_exchanges_total')).toEqual([
      [{ ...eight, outcome: 'accepted', reason: '' }, 0],
      [{ ...eight, outcome: 'completed', reason: '' }, 0],
      [{ ...eight, outcome: 'aborted', reason: '' }, 1],
      [{ ...nine, outcome: 'accepted', reason: '' }, 2],
      [{ ...nine, outcome: 'completed', reason: '' }, 2],
      [{ ...nine, outcome: 'aborted', reason: '' }, 0],
      [{ ...nine, outcome: 'refused', reason: 'no-route' }, 1],
      [{ ...nine, outcome: 'failed', reason: 'reset' }, 1],
    ]);
    expect(samples('cutover_exchanges_running')).toEqual([
      [eight, 0],
      [nine, 1],
    ]);
    expect(samples('cutover_generations_loaded')).toEqual([[{}, 2]]);
    expect(samples('cutover_revision')).toEqual([[{}, 4]]);
  });

  test('connections are told by worker', () => {
    const { samples, workers } = setUp();
    workers[0]?.words.setConnections(5);
    workers[1]?.words.setConnections(7);
    expect(samples('cutover_connections')).toEqual([
      [{ worker: '0' }, 5],
      [{ worker: '1' }, 7],
    ]);
  });

  test('without an active one the revision is 0', () => {
    const { samples, block } = setUp();
    block.setSlot(0, 1, 5, slotState.staged);
    expect(samples('cutover_revision')).toEqual([[{}, 0]]);
  });
});

describe('the cache', () => {
  const at = (outcome: (typeof lookupOutcomes)[number]): number =>
    lookupCounterAt + lookupOutcomes.indexOf(outcome);

  test('has its lookups by route and outcome, and what it holds', () => {
    const { samples, collector, record, memory } = setUp();
    collector.learn(
      [
        { number: 1, of: 'route', name: 'a' },
        { number: 2, of: 'upstream', name: 'a' },
      ],
      [],
    );
    for (const worker of [0, 1, 1]) record(worker, 1, at('hit'));
    record(0, 1, at('miss-cold'));
    // Upstreams have no lookups: what stands there means something else.
    record(0, 2, at('hit'));
    const figures = new FiguresWriter(present(memory.cache, 'a cache').figures);
    for (const bytes of [100, 200, 300]) figures.stored(bytes);
    figures.evicted('bust-tag', 100);
    figures.refused('too-large');
    expect(samples('cutover_cache_lookups_total')).toEqual([
      [{ route: 'a', outcome: 'hit' }, 3],
      [{ route: 'a', outcome: 'miss-cold' }, 1],
    ]);
    expect(samples('cutover_cache_stored_total')).toEqual([[{}, 3]]);
    expect(samples('cutover_cache_evicted_total')).toContainEqual([{ reason: 'bust-tag' }, 1]);
    expect(samples('cutover_cache_evicted_total')).toContainEqual([{ reason: 'ttl' }, 0]);
    expect(samples('cutover_cache_refused_total')).toContainEqual([{ reason: 'too-large' }, 1]);
    expect(samples('cutover_cache_entries')).toEqual([[{}, 2]]);
    expect(samples('cutover_cache_entry_bytes')).toEqual([[{}, 500]]);
    expect(samples('cutover_cache_memory_bytes')).toEqual([[{}, 4 * 1024 * 1024]]);
  });

  test('sums hold whatever was counted: each outcome is a hit or a miss', () => {
    const { collector, record } = setUp();
    collector.learn([{ number: 1, of: 'route', name: 'a' }], []);
    for (const outcome of lookupOutcomes) record(0, 1, at(outcome));
    const report = collector.cache();
    expect(report).toMatchObject({ lookups: lookupOutcomes.length, hits: 5 });
    expect(report?.misses).toBe(lookupOutcomes.length - 5);
    expect(report?.routes[0]?.hitRate).toBeCloseTo(5 / lookupOutcomes.length, 12);
  });

  test('that a node has no memory for is not told', () => {
    const collector = new Collector(createNodeMemory(1));
    expect(collector.cache()).toBeNull();
    expect(exposition(collector)).not.toContain('cutover_cache');
  });
});
