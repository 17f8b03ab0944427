import { buildConnector, Client, type Dispatcher, errors } from 'undici';
import { messageOf } from '../../base/errors.ts';
import type { AttemptFailure, Sent } from './retry-rule.ts';

/** What goes over a connection: one request of one exchange. */
export interface OutgoingRequest {
  readonly method: string;
  /** Path with query, origin form. */
  readonly target: string;
  /** Names and values by turns. */
  readonly headers: string[];
  readonly body: Buffer | import('node:stream').Readable | null;
  readonly headersMs: number;
  readonly idleMs: number;
}

/** What comes back. `onHead` at most once, then chunks, then exactly one of `onEnd`, `onFailure`. */
export interface ResponseSink {
  onHead(status: number, rawHeaders: readonly Buffer[]): void;
  /** False: no more until `resume`. */
  onChunk(chunk: Buffer): boolean;
  onEnd(): void;
  onFailure(failure: AttemptFailure, sent: Sent, message: string): void;
}

/** Requests that may wait for a connection of one endpoint; one more is refused. */
const waitingCountMax = 1024;

/**
 * How long an unused connection stays open. Shorter than what common servers grant, so that we
 * close first; a server that states less in `Keep-Alive` is believed.
 */
const keepAliveMs = 4_000;
const headBytesMax = 64 * 1024;

/**
 * The connections of one worker to one endpoint: undici clients without pipelining, each with at
 * most one request. The one file that imports undici.
 *
 * Not undici's own Pool, since that cannot change its size while it is warm and queues without a
 * bound. Unused connections are taken last in, first out, so that surplus ones idle out.
 */
export class ConnectionPool {
  readonly #origin: string;
  readonly #free: Client[] = [];
  readonly #all = new Set<Client>();
  readonly #waiting: PooledCall[] = [];
  #connections = 1;
  #connectMs = 1000;
  #connector: ReturnType<typeof buildConnector>;
  #closed = false;

  constructor(origin: string) {
    this.#origin = origin;
    this.#connector = buildConnector({ timeout: this.#connectMs });
  }

  get connectionCount(): number {
    return this.#all.size;
  }

  /** Takes effect for the next request; connections over the limit close when they are done. */
  configure(connections: number, connectMs: number): void {
    this.#connections = connections;
    if (connectMs !== this.#connectMs) this.#connector = buildConnector({ timeout: connectMs });
    this.#connectMs = connectMs;
    this.#serveWaiting();
  }

  /** Sends now, or when a connection is free; null: too many wait already. */
  send(request: OutgoingRequest, sink: ResponseSink): UpstreamCall | null {
    if (this.#waiting.length >= waitingCountMax) return null;
    const call = new PooledCall(this, request, sink);
    const client = this.#take();
    if (client === null) this.#waiting.push(call);
    else call.dispatch(client);
    return call;
  }

  /** No new requests; connections close as they finish. */
  close(): void {
    this.#closed = true;
    for (const client of this.#free.splice(0)) this.#drop(client);
  }

  /** A call is done with its connection. */
  give(client: Client): void {
    if (this.#closed || this.#all.size > this.#connections) {
      this.#drop(client);
      return;
    }
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(client);
    else next.dispatch(client);
  }

  /** A call gave up before it had a connection. */
  forget(call: PooledCall): void {
    const at = this.#waiting.indexOf(call);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0) {
      const client = this.#take();
      if (client === null) return;
      this.#waiting.shift()?.dispatch(client);
    }
  }

  #take(): Client | null {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#all.size >= this.#connections) return null;
    const client = new Client(this.#origin, {
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: headBytesMax,
      connect: (options, callback) => this.#connector(options, callback),
    });
    this.#all.add(client);
    return client;
  }

  #drop(client: Client): void {
    this.#all.delete(client);
    client.close().catch(() => {
      // The connection is gone already, which is what was wanted.
    });
  }
}

/** A request under way, as its exchange sees it. */
export interface UpstreamCall {
  /** Lets a response go on whose sink returned false. */
  resume(): void;
  /** Ends it without a further word to the sink. */
  abort(): void;
}

/** undici's handler for one request, without a closure per request. */
class PooledCall implements UpstreamCall, Dispatcher.DispatchHandler {
  readonly #pool: ConnectionPool;
  readonly #request: OutgoingRequest;
  readonly #sink: ResponseSink;
  #client: Client | null = null;
  #abort: ((error?: Error) => void) | null = null;
  #resume: (() => void) | null = null;
  #sent: Sent = 'no';
  #headed = false;
  #aborted = false;

  constructor(pool: ConnectionPool, request: OutgoingRequest, sink: ResponseSink) {
    this.#pool = pool;
    this.#request = request;
    this.#sink = sink;
  }

  dispatch(client: Client): void {
    this.#client = client;
    const { method, target, headers, body, headersMs, idleMs } = this.#request;
    try {
      client.dispatch(
        {
          method: method as Dispatcher.HttpMethod,
          path: target,
          headers,
          body,
          headersTimeout: headersMs,
          bodyTimeout: idleMs,
        },
        this,
      );
    } catch (error) {
      this.onError(error as Error);
    }
  }

  resume(): void {
    this.#resume?.();
  }

  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    if (this.#client === null) this.#pool.forget(this);
    else this.#abort?.(new errors.RequestAbortedError());
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort;
    if (this.#aborted) abort(new errors.RequestAbortedError());
    else this.#sent = 'maybe';
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void): boolean {
    if (status < 200 || this.#aborted) return true;
    this.#headed = true;
    this.#resume = resume;
    this.#sink.onHead(status, headers);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#aborted || this.#sink.onChunk(chunk);
  }

  onComplete(): void {
    this.#release();
    if (!this.#aborted) this.#sink.onEnd();
  }

  onError(error: Error): void {
    this.#release();
    if (this.#aborted) return;
    const failure = failureOf(error, this.#sent, this.#headed);
    this.#sink.onFailure(failure, this.#sent, messageOf(error));
  }

  #release(): void {
    const client = this.#client;
    this.#client = null;
    this.#abort = null;
    if (client !== null) this.#pool.give(client);
  }
}

function failureOf(error: Error, sent: Sent, headed: boolean): AttemptFailure {
  if (error instanceof errors.ConnectTimeoutError) return 'connect-timeout';
  if (error instanceof errors.HeadersTimeoutError) return 'headers-timeout';
  if (error instanceof errors.BodyTimeoutError) return 'idle-timeout';
  if (error instanceof errors.HTTPParserError) return 'protocol';
  if (error instanceof errors.HeadersOverflowError) return 'protocol';
  if (error instanceof errors.ResponseContentLengthMismatchError) return 'reset';
  if (error instanceof errors.InvalidArgumentError) return 'protocol';
  return sent === 'no' && !headed ? 'connect' : 'reset';
}
