import type { Exchange } from '../exchange.ts';
import type { ResponseSink } from './connection.ts';
import type { UpstreamCall } from './connection-pool.ts';
import type { Endpoint } from './endpoint.ts';
import type { ParsedHead } from './response-parser.ts';
import { type AttemptFailure, type Sent, waitedInVain } from './retry-rule.ts';

/** What the pipeline does with what an attempt brings. */
export interface AttemptReceiver {
  onHead(attempt: Attempt, head: ParsedHead): void;
  onChunk(attempt: Attempt, chunk: Buffer): boolean;
  onEnd(attempt: Attempt): void;
  onFailure(attempt: Attempt, failure: AttemptFailure, sent: Sent, message: string): void;
}

/** One sending of an exchange to one endpoint. */
export class Attempt implements ResponseSink {
  readonly exchange: Exchange;
  readonly endpoint: Endpoint;
  call: UpstreamCall | null = null;
  /** 0 until the head came. */
  status = 0;
  readonly #receiver: AttemptReceiver;
  /** What the endpoint's breaker takes it for. */
  readonly #trial: number;
  #ended = false;

  constructor(exchange: Exchange, endpoint: Endpoint, receiver: AttemptReceiver, nowMs: number) {
    this.exchange = exchange;
    this.endpoint = endpoint;
    this.#receiver = receiver;
    this.#trial = endpoint.began(nowMs);
  }

  onHead(head: ParsedHead): void {
    this.status = head.status;
    if (head.status < 500) this.endpoint.answered(this.exchange.worker.nowMs(), this.#trial);
    this.#receiver.onHead(this, head);
  }

  onChunk(chunk: Buffer): boolean {
    return this.#receiver.onChunk(this, chunk);
  }

  onEnd(): void {
    this.#end(this.status >= 500 ? 'failed' : 'good');
    this.#receiver.onEnd(this);
  }

  onFailure(failure: AttemptFailure, sent: Sent, message: string): void {
    this.#end(waitedInVain(failure, sent) ? 'abandoned' : 'failed');
    this.#receiver.onFailure(this, failure, sent, message);
  }

  /** Nobody wants the rest: the client is gone, or a repeat takes its place. */
  abandon(): void {
    this.call?.abort();
    this.#end(this.status >= 500 ? 'failed' : 'abandoned');
  }

  #end(outcome: 'good' | 'failed' | 'abandoned'): void {
    if (this.#ended) return;
    this.#ended = true;
    this.endpoint.ended(outcome, this.exchange.worker.nowMs(), this.#trial);
  }
}
