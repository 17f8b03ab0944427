import { every, monotonicMs } from '../../base/clock.ts';
import {
  type ConnectionOwner,
  type OutgoingRequest,
  type ResponseSink,
  UpstreamConnection,
} from './connection.ts';
import type { ParsedHead } from './response-parser.ts';
import type { AttemptFailure, Sent } from './retry-rule.ts';

/** Requests that may wait for a connection of one endpoint; one more is refused. */
const waitingCountMax = 1024;

/**
 * How long an unused connection stays open: shorter than what common servers grant, so that we
 * close first. A server that states less in `Keep-Alive` is believed.
 */
const keepAliveMs = 4_000;

/** How exactly time limits are kept. */
const clockMs = 50;

/** A request under way, as its exchange sees it. */
export interface UpstreamCall {
  /** Lets a response go on whose sink wanted no more. */
  resume(): void;
  /** Ends it without a further word to the sink. */
  abort(): void;
}

/**
 * The connections of one worker to one endpoint, each with at most one request. Unused ones are
 * taken last in, first out, so that surplus ones time out; requests beyond the limit wait in order.
 */
export class ConnectionPool implements ConnectionOwner {
  readonly #host: string;
  readonly #port: number;
  readonly #free = emptyList<UpstreamConnection>();
  readonly #all = new Set<UpstreamConnection>();
  readonly #waiting = emptyList<PooledCall>();
  #connections = 1;
  #connectMs = 1000;
  #closed = false;

  constructor(origin: string) {
    const { hostname, port } = new URL(origin);
    this.#host = hostname.replace(/^\[|\]$/g, '');
    this.#port = Number(port === '' ? '80' : port);
    pools.add(this);
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  /** Takes effect at once for new connections; those over the limit close when they are free. */
  configure(connections: number, connectMs: number): void {
    this.#connections = connections;
    this.#connectMs = connectMs;
    while (this.#all.size > connections && this.#free.length > 0) this.#free.shift()?.close();
    this.#serveWaiting();
  }

  /** Sends now, or when a connection is free; null: too many wait already. */
  send(request: OutgoingRequest, sink: ResponseSink): UpstreamCall | null {
    const connection = this.#take();
    if (connection === null && this.#waiting.length >= waitingCountMax) return null;
    const call = new PooledCall(this, request, sink);
    if (connection === null) this.#waiting.push(call);
    else call.start(connection);
    return call;
  }

  /** No new requests; connections close as they become free. */
  close(): void {
    this.#closed = true;
    for (const connection of [...this.#all]) connection.close();
    if (this.#all.size === 0) pools.delete(this);
  }

  /** A call gave up before it had a connection. */
  forget(call: PooledCall): void {
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  expire(nowMs: number): void {
    this.#expireWaiting(nowMs);
    for (const connection of [...this.#all]) connection.expire(nowMs);
  }

  /** Limits differ from request to request, so all that wait are looked at. */
  #expireWaiting(nowMs: number): void {
    if (this.#waiting.length === 0) return;
    for (const call of this.#waiting.filter(({ deadlineMs }) => nowMs >= deadlineMs)) {
      this.forget(call);
      call.onFailure('headers-timeout', 'no', 'no connection became free in time');
    }
  }

  #take(): UpstreamConnection | null {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#all.size >= this.#connections) return null;
    const connection = new UpstreamConnection(
      this.#host,
      this.#port,
      this.#connectMs,
      keepAliveMs,
      this,
    );
    this.#all.add(connection);
    return connection;
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const connection = this.#take();
      if (connection === null) return;
      this.#waiting.shift()?.start(connection);
    }
  }

  /** A connection has done its request. */
  onFree(connection: UpstreamConnection): void {
    if (this.#closed || this.#all.size > this.#connections) {
      connection.close();
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(connection);
    else next.start(connection);
  }

  /** A connection is closed. */
  onGone(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#free.indexOf(connection);
    if (at >= 0) this.#free.splice(at, 1);
    if (this.#closed && this.#all.size === 0) pools.delete(this);
    // Later: whoever lost this connection is told first.
    else if (this.#waiting.length > 0) queueMicrotask(() => this.#serveWaiting());
  }
}

/** A request of the pool's: waits for a connection, then has one. */
class PooledCall implements UpstreamCall, ResponseSink {
  readonly #pool: ConnectionPool;
  readonly #request: OutgoingRequest;
  readonly #sink: ResponseSink;
  /** When the wait for a connection is over: it is part of the wait for the response. */
  readonly deadlineMs: number;
  #connection: UpstreamConnection | null = null;
  #over = false;

  constructor(pool: ConnectionPool, request: OutgoingRequest, sink: ResponseSink) {
    this.#pool = pool;
    this.#request = request;
    this.#sink = sink;
    this.deadlineMs = monotonicMs() + request.headersMs;
  }

  start(connection: UpstreamConnection): void {
    this.#connection = connection;
    connection.send(this.#request, this);
  }

  onHead(head: ParsedHead): void {
    this.#sink.onHead(head);
  }

  onChunk(chunk: Buffer): boolean {
    return this.#sink.onChunk(chunk);
  }

  onEnd(): void {
    this.#over = true;
    this.#sink.onEnd();
  }

  onFailure(failure: AttemptFailure, sent: Sent, message: string): void {
    this.#over = true;
    this.#sink.onFailure(failure, sent, message);
  }

  resume(): void {
    if (!this.#over) this.#connection?.resume();
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#connection === null) this.#pool.forget(this);
    else this.#connection.abort();
  }
}

/**
 * A list that counts as one of objects before the first is in it. V8 takes `[]` for one of small
 * integers until then, and code made for busy pools would be thrown away when an apply brings the
 * first request to another pool.
 */
function emptyList<T extends object>(): T[] {
  const list: (T | null)[] = [null];
  list.pop();
  return list as T[];
}

const pools = new Set<ConnectionPool>();
every(clockMs, () => {
  const nowMs = monotonicMs();
  for (const pool of pools) pool.expire(nowMs);
});
