import { after, cancel, monotonicMs, type Timer } from '../base/clock.ts';
import type { HttpRequest, HttpResponse } from '../base/uws.ts';
import type { WorkerWords } from '../memory/control-block.ts';
import type { LedgerWriter } from '../memory/ledger.ts';
import type { CandidateJudge } from '../memory/matcher.ts';
import type { RateLimiter } from '../memory/rate-limits/rate-limiter.ts';
import type { Settings } from '../model/settings.ts';
import type { ExchangeRecorder } from '../telemetry/recorder.ts';
import type { AccessLogger } from './access-log.ts';
import type { WorkerCache } from './caching/worker-cache.ts';
import { RequestHeaders } from './door.ts';
import type { Exchange } from './exchange.ts';
import { addressText, ForwardedHeaders } from './forwarded.ts';
import type { Generation } from './generation.ts';
import { RunningExchanges } from './running.ts';

/** Header lists kept for the next exchange; more than run at once are not needed. */
const spareHeadersMax = 256;

/** What all exchanges of one worker share. */
export class WorkerContext {
  readonly index: number;
  readonly nodeId: string;
  readonly settings: Settings;
  readonly words: WorkerWords;
  readonly ledger: LedgerWriter;
  readonly recorder: ExchangeRecorder;
  readonly access: AccessLogger;
  readonly forwarded: ForwardedHeaders;
  /** Null: the settings give the cache no memory. */
  readonly cache: WorkerCache | null;
  readonly limiter: RateLimiter;
  /** Of the request that was refused last. */
  retryAfterSeconds = 0;
  /** Loaded generations by slot. */
  readonly generations: (Generation | undefined)[] = [];
  readonly running = new RunningExchanges();
  draining = false;
  /** The exchange that is being matched, for the predicates of candidates. */
  matching: Exchange | null = null;
  readonly judge: CandidateJudge;
  readonly #spareHeaders: RequestHeaders[] = [];
  readonly #requestIdPrefix: string;
  #requestCount = 0;

  constructor(parts: {
    readonly index: number;
    readonly settings: Settings;
    readonly words: WorkerWords;
    readonly ledger: LedgerWriter;
    readonly recorder: ExchangeRecorder;
    readonly access: AccessLogger;
    readonly startId: string;
    readonly cache: WorkerCache | null;
    readonly limiter: RateLimiter;
  }) {
    this.index = parts.index;
    this.settings = parts.settings;
    this.nodeId = parts.settings.node.id;
    this.words = parts.words;
    this.ledger = parts.ledger;
    this.recorder = parts.recorder;
    this.access = parts.access;
    this.cache = parts.cache;
    this.limiter = parts.limiter;
    this.forwarded = new ForwardedHeaders(parts.settings.forwarded);
    this.#requestIdPrefix = `${parts.startId}-${parts.index}-`;
    this.judge = {
      predicatesHold: (routeIndex) => this.#predicatesHold(routeIndex),
      otherMethodListed: (routeIndex) => this.#otherMethodListed(routeIndex),
    };
  }

  nowMs(): number {
    return monotonicMs();
  }

  nextRequestId(): string {
    this.#requestCount += 1;
    return this.#requestIdPrefix + this.#requestCount.toString(36);
  }

  addressText(address: ArrayBuffer): string {
    return addressText(address);
  }

  /** The header lines of a request, all in one pass. */
  readHeaders(req: HttpRequest): RequestHeaders {
    const headers = this.#spareHeaders.pop() ?? new RequestHeaders();
    headers.clear();
    req.forEach(headers.line);
    return headers;
  }

  giveHeaders(headers: RequestHeaders): void {
    if (this.#spareHeaders.length < spareHeadersMax) this.#spareHeaders.push(headers);
  }

  /** A timer that cuts an exchange off; cancel it with what it returns. */
  deadline(ms: number, call: () => void): Timer {
    return after(ms, call);
  }

  cancelDeadline(timer: Timer | undefined): void {
    cancel(timer);
  }

  #predicatesHold(routeIndex: number): boolean {
    const exchange = this.matching as Exchange;
    for (const predicate of exchange.generation.plan(routeIndex).predicates) {
      if (!predicate.holds(exchange)) return false;
    }
    return true;
  }

  #otherMethodListed(routeIndex: number): boolean {
    const exchange = this.matching as Exchange;
    return exchange.generation.plan(routeIndex).otherMethods.includes(exchange.method);
  }
}

export type { HttpResponse };
