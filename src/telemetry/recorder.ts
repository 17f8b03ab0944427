import type { FailedReason, LedgerWriter, RefusedReason } from '../memory/ledger.ts';
import {
  counter,
  type LookupOutcome,
  lookupCounterAt,
  lookupOutcomes,
  type Overflow,
  routeOverflow,
  type SeriesWriter,
  upstreamOverflow,
} from '../memory/series.ts';

/** How an exchange ended: whole, left by its client, refused by us, or failed for a reason. */
export type Outcome =
  | 'completed'
  | 'aborted'
  | { readonly kind: 'refused'; readonly reason: RefusedReason }
  | FailedReason;

/** What the recorder reads of an exchange; the gateway's own type has more. */
export interface RecordedExchange {
  readonly status: number;
  readonly beganMs: number;
  readonly bytesOut: number;
  readonly generation: { readonly slot: number };
  readonly plan: { readonly number: number } | null;
  readonly upstream: { readonly number: number } | null;
  readonly body: { readonly bytes: number } | null;
  readonly worker: { nowMs(): number };
}

/** Writes what happened into this worker's ledger and series. Called once per exchange. */
export class ExchangeRecorder {
  readonly #ledger: LedgerWriter;
  readonly #series: SeriesWriter;

  constructor(ledger: LedgerWriter, series: SeriesWriter) {
    this.#ledger = ledger;
    this.#series = series;
  }

  finished(exchange: RecordedExchange, outcome: Outcome): void {
    const { slot } = exchange.generation;
    if (outcome === 'completed') this.#ledger.completed(slot);
    else if (outcome === 'aborted') this.#ledger.aborted(slot);
    else if (typeof outcome === 'object') this.#ledger.refused(slot, outcome.reason);
    else this.#ledger.failed(slot, outcome);
    if (exchange.plan === null) return;
    const us = (exchange.worker.nowMs() - exchange.beganMs) * 1000;
    const aborted = outcome === 'aborted';
    if (typeof outcome === 'object' && outcome.reason === 'rate-limit') {
      this.#series.add(this.#series.of(exchange.plan.number, routeOverflow), counter.limited, 1);
    }
    this.#record(exchange.plan.number, routeOverflow, exchange, aborted, us);
    if (exchange.upstream !== null) {
      this.#record(exchange.upstream.number, upstreamOverflow, exchange, aborted, us);
    }
  }

  /** A fetch that no client waited for ended: a request to its upstream, and no exchange. */
  fetchedBehind(exchange: RecordedExchange, outcome: Outcome): void {
    if (exchange.upstream === null) return;
    const us = (exchange.worker.nowMs() - exchange.beganMs) * 1000;
    const aborted = outcome === 'aborted';
    this.#record(exchange.upstream.number, upstreamOverflow, exchange, aborted, us);
  }

  /** A lookup in the cache ended; once for each exchange that was looked up. */
  lookedUp(route: number, outcome: LookupOutcome): void {
    const series = this.#series.of(route, routeOverflow);
    this.#series.add(series, lookupCounterAt + lookupOutcomes.indexOf(outcome), 1);
  }

  attemptFailed(upstream: number, failure: string): void {
    const series = this.#series.of(upstream, upstreamOverflow);
    if (failure === 'connect' || failure === 'connect-timeout') {
      this.#series.add(series, counter.connectFailed, 1);
    } else if (failure.endsWith('-timeout')) this.#series.add(series, counter.timedOut, 1);
    else this.#series.add(series, counter.reset, 1);
  }

  retried(upstream: number): void {
    this.#series.add(this.#series.of(upstream, upstreamOverflow), counter.retried, 1);
  }

  #record(
    number: number,
    overflow: Overflow,
    exchange: RecordedExchange,
    aborted: boolean,
    us: number,
  ): void {
    const series = this.#series.of(number, overflow);
    const { status, bytesOut, body } = exchange;
    if (aborted) this.#series.add(series, counter.aborted, 1);
    else this.#series.add(series, statusCounter(status), 1);
    if (body !== null) this.#series.add(series, counter.bytesIn, body.bytes);
    this.#series.add(series, counter.bytesOut, bytesOut);
    this.#series.recordUs(series, us);
  }
}

function statusCounter(status: number): number {
  const byClass = Math.trunc(status / 100) - 1;
  return byClass >= counter.status1xx && byClass <= counter.status5xx ? byClass : counter.status5xx;
}
