import type { OutgoingRequest, ResponseSink } from '../../src/gateway/upstream/connection.ts';
import type { ConnectionPool, UpstreamCall } from '../../src/gateway/upstream/connection-pool.ts';
import { until } from './gateway.ts';

/** What a pool told of one request. */
export class Told implements ResponseSink {
  status = 0;
  body = '';
  ends = 0;
  failure = '';
  sent = '';
  message = '';
  call: UpstreamCall | null = null;
  /** What `onChunk` answers. */
  more = true;

  onHead({ status }: { readonly status: number }): void {
    this.status = status;
  }

  onChunk(chunk: Buffer): boolean {
    this.body += chunk.toString('latin1');
    return this.more;
  }

  onEnd(): void {
    this.ends += 1;
  }

  onFailure(failure: string, sent: string, message: string): void {
    this.failure = failure;
    this.sent = sent;
    this.message = message;
  }

  get over(): boolean {
    return this.ends > 0 || this.failure !== '';
  }

  async done(): Promise<this> {
    await until('the exchange to be over', () => this.over, 5_000);
    return this;
  }
}

export function requestFor(path: string, options: Partial<OutgoingRequest> = {}): OutgoingRequest {
  const method = options.method ?? 'GET';
  return {
    method,
    head: `${method} ${path} HTTP/1.1\r\nhost: test\r\n`,
    body: null,
    headersMs: 60_000,
    idleMs: 60_000,
    ...options,
  };
}

/** Sends a GET, or what `options` say, and keeps what comes. */
export function send(
  pool: ConnectionPool,
  path: string,
  options: Partial<OutgoingRequest> = {},
): Told {
  const told = new Told();
  told.call = pool.send(requestFor(path, options), told);
  return told;
}
