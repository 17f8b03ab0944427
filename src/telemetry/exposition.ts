import type { RateLimitFigures } from '../memory/rate-limits/limit-watch.ts';
import { bucketFloorUs, counter } from '../memory/series.ts';
import type { ClusterFigures } from '../model/cluster-figures.ts';
import type { Upstream } from '../model/definitions.ts';
import type { FleetFigures } from '../model/fleet.ts';
import type { CacheReport } from './cache-report.ts';
import type { Collector, NamedSeries } from './collector.ts';
import type { UpstreamFigures } from './endpoint-states.ts';

/** Upper bounds of the exposed histograms, in seconds; the shared ones are much finer. */
const boundsSeconds = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** All metrics with what they say; docs/metrics.md lists the same. */
export const metrics = {
  cutover_requests_total: 'counter Requests by route and class of status.',
  cutover_request_seconds: 'histogram Time from request head to end of response, by route.',
  cutover_upstream_requests_total: 'counter Requests by upstream and class of status.',
  cutover_upstream_failures_total: 'counter Attempts that failed, by upstream and kind.',
  cutover_upstream_retries_total: 'counter Attempts that were repeats, by upstream.',
  cutover_endpoint_healthy: 'gauge 1 while an endpoint gets traffic, else 0, by worker.',
  cutover_received_bytes_total: 'counter Bytes of request bodies, by route.',
  cutover_sent_bytes_total: 'counter Bytes of response bodies, by route.',
  cutover_exchanges_total: 'counter The ledger of each loaded generation, by outcome and reason.',
  cutover_exchanges_running: 'gauge Exchanges running, by generation.',
  cutover_connections: 'gauge Open client connections, by worker.',
  cutover_generations_loaded: 'gauge Generations that are loaded.',
  cutover_revision: 'gauge The revision that is active.',
  cutover_rate_limited_total: 'counter Requests over a rate limit, by route.',
  cutover_rate_limit_slots: 'gauge Callers that the table of rate limits has room for.',
  cutover_rate_limit_used: 'gauge Callers that it counts.',
  cutover_rate_limit_taken_over_total: 'counter Callers whose count made room for another one.',
  cutover_rate_limit_uncounted_total: 'counter Requests that were let through uncounted.',
  cutover_rate_limit_others_known: 'gauge 1 while it is known what other nodes admitted.',
  cutover_cache_lookups_total: 'counter Lookups in the cache by route and outcome.',
  cutover_cache_stored_total: 'counter Entries that were stored.',
  cutover_cache_evicted_total: 'counter Entries that are gone, by reason.',
  cutover_cache_refused_total: 'counter What was sent to be stored and was not, by reason.',
  cutover_cache_entries: 'gauge Entries in the cache: stored less evicted.',
  cutover_cache_entry_bytes: 'gauge Bytes of the cache memory that entries fill.',
  cutover_cache_memory_bytes: 'gauge Bytes of the cache memory.',
  cutover_cache_position: 'gauge Where the invalidation stream stands.',
  cutover_cluster_connections: 'gauge Members that a client of the cluster is connected to.',
  cutover_cluster_calls_total: 'counter Calls of the cluster, answered or failed, by reason.',
  cutover_cluster_late_total: 'counter Answers that came when nobody waited any more.',
  cutover_cluster_in_flight: 'gauge Calls that are not settled.',
  cutover_cluster_in_flight_bytes: 'gauge Bytes that these are taken to hold.',
  cutover_cluster_overdue: 'gauge Of these, calls whose callers wait no more.',
  cutover_cluster_breaker_opened_total: 'counter Times that the breaker of a client opened.',
  cutover_cluster_replaced_total: 'counter Sessions that another took the place of, by reason.',
  cutover_cluster_log_sequence: 'gauge Sequence of the last item of the log that came.',
  cutover_cluster_log_applied: 'gauge Sequence up to which every worker is done.',
  cutover_cluster_log_lag: 'gauge Items in the log that had not come at the last look.',
  cutover_cluster_log_proven: 'gauge 1 while it is proven that nothing was missed.',
  cutover_cluster_log_lost_total: 'counter Times that nothing stored could be proven fresh.',
  cutover_cluster_log_ignored_total: 'counter Items of another key, or of a later release.',
  cutover_cluster_queued_busts: 'gauge Busts that wait on disk for the cluster.',
  cutover_cluster_nodes: 'gauge Nodes that were heard of just now, and this one.',
} as const;
export type MetricName = keyof typeof metrics;

/** Prometheus text, version 0.0.4. `upstreams`: those of what is active. */
export function exposition(collector: Collector, upstreams: readonly Upstream[] = []): string {
  const out = new Writer();
  const series = collector.series();
  writeRoutes(
    out,
    series.filter((one) => one.of === 'route'),
  );
  writeUpstreams(
    out,
    series.filter((one) => one.of === 'upstream'),
  );
  writeEndpoints(out, collector.upstreams(upstreams));
  const generations = collector.generations();
  for (const { generation, revision, ledger, pinned } of generations) {
    const labels = { generation, revision };
    for (const outcome of ['accepted', 'completed', 'aborted'] as const) {
      out.sample('cutover_exchanges_total', { ...labels, outcome, reason: '' }, ledger[outcome]);
    }
    for (const [reason, count] of Object.entries(ledger.refusedBy)) {
      out.sample('cutover_exchanges_total', { ...labels, outcome: 'refused', reason }, count);
    }
    for (const [reason, count] of Object.entries(ledger.failedBy)) {
      out.sample('cutover_exchanges_total', { ...labels, outcome: 'failed', reason }, count);
    }
    out.sample('cutover_exchanges_running', labels, pinned);
  }
  for (const { id, connections } of collector.workers()) {
    out.sample('cutover_connections', { worker: id }, connections);
  }
  out.sample('cutover_generations_loaded', {}, generations.length);
  out.sample('cutover_revision', {}, collector.active()?.revision ?? 0);
  writeRateLimits(out, collector.rateLimits());
  const cache = collector.cache(series);
  if (cache !== null) writeCache(out, cache);
  if (collector.cluster !== null) writeCluster(out, collector.cluster);
  if (collector.fleet !== null) writeFleet(out, collector.fleet);
  return out.text();
}

function writeRoutes(out: Writer, series: readonly NamedSeries[]): void {
  for (const { name, counters, histogram } of series) {
    writeClasses(out, 'cutover_requests_total', { route: name }, counters);
    out.sample('cutover_received_bytes_total', { route: name }, counters[counter.bytesIn] ?? 0);
    out.sample('cutover_sent_bytes_total', { route: name }, counters[counter.bytesOut] ?? 0);
    out.histogram('cutover_request_seconds', { route: name }, histogram);
    const limited = counters[counter.limited] ?? 0;
    if (limited > 0) out.sample('cutover_rate_limited_total', { route: name }, limited);
  }
}

function writeUpstreams(out: Writer, series: readonly NamedSeries[]): void {
  for (const { name, counters } of series) {
    const labels = { upstream: name };
    writeClasses(out, 'cutover_upstream_requests_total', labels, counters);
    const kinds = { connect: 'connectFailed', timeout: 'timedOut', reset: 'reset' } as const;
    for (const [kind, which] of Object.entries(kinds)) {
      const count = counters[counter[which]] ?? 0;
      out.sample('cutover_upstream_failures_total', { ...labels, kind }, count);
    }
    out.sample('cutover_upstream_retries_total', labels, counters[counter.retried] ?? 0);
  }
}

function writeEndpoints(out: Writer, upstreams: readonly UpstreamFigures[]): void {
  for (const { name, endpoints } of upstreams) {
    for (const { origin, workers } of endpoints) {
      for (const { id, state } of workers) {
        const labels = { upstream: name, endpoint: origin, worker: id };
        out.sample('cutover_endpoint_healthy', labels, state === 'healthy' ? 1 : 0);
      }
    }
  }
}

function writeRateLimits(out: Writer, figures: RateLimitFigures): void {
  out.sample('cutover_rate_limit_slots', {}, figures.slots);
  out.sample('cutover_rate_limit_used', {}, figures.used);
  out.sample('cutover_rate_limit_taken_over_total', {}, figures.takenOver);
  out.sample('cutover_rate_limit_uncounted_total', {}, figures.uncounted);
  if (figures.othersKnown === null) return;
  out.sample('cutover_rate_limit_others_known', {}, figures.othersKnown ? 1 : 0);
}

function writeCache(out: Writer, cache: CacheReport): void {
  for (const { route, outcomes } of cache.routes) {
    for (const [outcome, count] of Object.entries(outcomes)) {
      out.sample('cutover_cache_lookups_total', { route, outcome }, count);
    }
  }
  out.sample('cutover_cache_stored_total', {}, cache.stored);
  for (const [reason, count] of Object.entries(cache.evictedBy)) {
    out.sample('cutover_cache_evicted_total', { reason }, count);
  }
  for (const [reason, count] of Object.entries(cache.refusedBy)) {
    out.sample('cutover_cache_refused_total', { reason }, count);
  }
  out.sample('cutover_cache_entries', {}, cache.present);
  out.sample('cutover_cache_entry_bytes', {}, cache.presentBytes);
  out.sample('cutover_cache_memory_bytes', {}, cache.memoryBytes);
  out.sample('cutover_cache_position', {}, cache.position);
}

function writeCluster(out: Writer, cluster: ClusterFigures): void {
  for (const [client, figures] of Object.entries(cluster)) {
    out.sample('cutover_cluster_connections', { client }, figures.connections);
    const outcomes = { answered: figures.answered, ...figures.failed };
    for (const [outcome, count] of Object.entries(outcomes)) {
      out.sample('cutover_cluster_calls_total', { client, outcome }, count);
    }
    out.sample('cutover_cluster_late_total', { client }, figures.late);
    out.sample('cutover_cluster_in_flight', { client }, figures.inFlight);
    out.sample('cutover_cluster_in_flight_bytes', { client }, figures.inFlightBytes);
    out.sample('cutover_cluster_overdue', { client }, figures.overdue);
    out.sample('cutover_cluster_breaker_opened_total', { client }, figures.breakerOpened);
    for (const [reason, count] of Object.entries(figures.replaced)) {
      out.sample('cutover_cluster_replaced_total', { client, reason }, count);
    }
  }
}

function writeFleet(out: Writer, { log, applied, queued, nodes }: FleetFigures): void {
  out.sample('cutover_cluster_log_sequence', {}, log.sequence);
  out.sample('cutover_cluster_log_applied', {}, applied);
  out.sample('cutover_cluster_log_lag', {}, log.lag);
  out.sample('cutover_cluster_log_proven', {}, log.proven ? 1 : 0);
  for (const [reason, count] of Object.entries(log.lost)) {
    out.sample('cutover_cluster_log_lost_total', { reason }, count);
  }
  for (const reason of ['unsigned', 'unknown'] as const) {
    out.sample('cutover_cluster_log_ignored_total', { reason }, log[reason]);
  }
  out.sample('cutover_cluster_queued_busts', {}, queued);
  out.sample('cutover_cluster_nodes', {}, 1 + nodes.filter(({ live }) => live).length);
}

function writeClasses(
  out: Writer,
  metric: MetricName,
  labels: Record<string, string>,
  counters: Float64Array,
): void {
  const classes = ['status1xx', 'status2xx', 'status3xx', 'status4xx', 'status5xx'] as const;
  for (const name of classes) {
    const count = counters[counter[name]] ?? 0;
    if (count > 0) out.sample(metric, { ...labels, status: name.slice('status'.length) }, count);
  }
  const aborted = counters[counter.aborted] ?? 0;
  if (aborted > 0) out.sample(metric, { ...labels, status: 'aborted' }, aborted);
}

/** Gathers samples by metric, since the text wants all samples of one together. */
class Writer {
  readonly #lines = new Map<MetricName, string[]>();

  sample(
    metric: MetricName,
    labels: Readonly<Record<string, string | number>>,
    value: number,
    suffix = '',
  ): void {
    const lines = this.#lines.get(metric) ?? [];
    this.#lines.set(metric, lines);
    const inside = Object.entries(labels).map(
      ([name, text]) => `${name}="${escapeLabel(String(text))}"`,
    );
    const braces = inside.length === 0 ? '' : `{${inside.join(',')}}`;
    lines.push(`${metric}${suffix}${braces} ${value}`);
  }

  histogram(metric: MetricName, labels: Record<string, string>, buckets: Float64Array): void {
    let total = 0;
    let sumUs = 0;
    const below = new Array<number>(boundsSeconds.length).fill(0);
    for (const [bucket, count] of buckets.entries()) {
      if (count === 0) continue;
      const floorUs = bucketFloorUs(bucket);
      const ceilingUs = bucketFloorUs(bucket + 1);
      total += count;
      sumUs += (count * (floorUs + ceilingUs)) / 2;
      for (const [index, bound] of boundsSeconds.entries()) {
        if (ceilingUs <= bound * 1e6) below[index] = (below[index] as number) + count;
      }
    }
    for (const [index, bound] of boundsSeconds.entries()) {
      this.sample(metric, { ...labels, le: bound }, below[index] as number, '_bucket');
    }
    this.sample(metric, { ...labels, le: '+Inf' }, total, '_bucket');
    this.sample(metric, labels, sumUs / 1e6, '_sum');
    this.sample(metric, labels, total, '_count');
  }

  text(): string {
    let text = '';
    for (const [metric, lines] of this.#lines) {
      const [type = '', ...help] = metrics[metric].split(' ');
      text += `# HELP ${metric} ${help.join(' ')}\n# TYPE ${metric} ${type}\n${lines.join('\n')}\n`;
    }
    return text;
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
