import { connect, type Socket } from 'node:net';
import { monotonicMs } from '../../base/clock.ts';
import { type ParsedHead, ResponseParser } from './response-parser.ts';
import type { AttemptFailure, Sent } from './retry-rule.ts';

/** A body that its owner sends piece by piece once the connection says that it may. */
export interface OutgoingBody {
  /** Hands all of it over, when it is there already; null: it comes in pieces. Asked once. */
  takeWhole(): Buffer | null;
  /** Bytes in all; -1: not known, so it goes in chunks. */
  readonly length: number;
  /** The connection takes pieces now (and again, after one that it did not want more after). */
  start(writer: BodyWriter): void;
}

export interface BodyWriter {
  /** False: no more until `start` is called again. */
  write(chunk: Buffer): boolean;
  end(): void;
}

/** One request of one exchange. */
export interface OutgoingRequest {
  readonly method: string;
  /** The request line and header lines, ended by an empty line, except for the body's framing. */
  readonly head: string;
  readonly body: OutgoingBody | null;
  readonly headersMs: number;
  readonly idleMs: number;
}

/** What comes back: a head at most once, chunks, then exactly one of `onEnd` and `onFailure`. */
export interface ResponseSink {
  onHead(head: ParsedHead): void;
  /** False: no more until `resume`. The bytes change after the call. */
  onChunk(chunk: Buffer): boolean;
  onEnd(): void;
  onFailure(failure: AttemptFailure, sent: Sent, message: string): void;
}

/** Who owns a connection: told when it is free again, and when it is gone. */
export interface ConnectionOwner {
  onFree(connection: UpstreamConnection): void;
  onGone(connection: UpstreamConnection): void;
}

/** Read into by all connections of the thread: each read is used up before the next one. */
const readBuffer = Buffer.alloc(64 * 1024);

/**
 * One connection to an endpoint, with at most one exchange on it.
 *
 *   connecting → free ⇄ busy → gone
 *
 * Time limits are looked at by the pool's clock (`expired`), not by a timer per exchange.
 */
export class UpstreamConnection implements BodyWriter {
  readonly #socket: Socket;
  readonly #parser: ResponseParser;
  readonly #owner: ConnectionOwner;
  #request: OutgoingRequest | null = null;
  #sink: ResponseSink | null = null;
  #connected = false;
  #gone = false;
  #headed = false;
  #bodySent = true;
  #paused = false;
  /** When the current wait is over, and what it is then. */
  #deadlineMs = Number.POSITIVE_INFINITY;
  #waitsFor: AttemptFailure | 'nothing' = 'nothing';
  #keepAliveMs: number;

  constructor(
    host: string,
    port: number,
    connectMs: number,
    keepAliveMs: number,
    owner: ConnectionOwner,
  ) {
    this.#owner = owner;
    this.#keepAliveMs = keepAliveMs;
    this.#await('connect-timeout', connectMs);
    this.#parser = new ResponseParser({
      onHead: (head) => this.#onHead(head),
      onChunk: (chunk) => this.#onChunk(chunk),
      onEnd: () => this.#onEnd(),
    });
    this.#socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      onread: {
        buffer: readBuffer,
        callback: (count, bytes) => this.#onRead(count, bytes as Buffer),
      },
    });
    this.#socket.on('connect', () => this.#onConnect());
    this.#socket.on('error', (error) => this.#onClosed(error.message));
    this.#socket.on('end', () => this.#onEnded());
    this.#socket.on('close', () => this.#onClosed('the connection closed'));
    this.#socket.on('drain', () => this.#onDrain());
  }

  get free(): boolean {
    return this.#connected && !this.#gone && this.#request === null;
  }

  /** Sends a request, as soon as there is a connection. */
  send(request: OutgoingRequest, sink: ResponseSink): void {
    this.#request = request;
    this.#sink = sink;
    this.#headed = false;
    if (this.#connected) this.#write();
  }

  /** Lets a response go on whose sink wanted no more. */
  resume(): void {
    if (!this.#paused || this.#gone) return;
    this.#paused = false;
    this.#await('idle-timeout', this.#request?.idleMs ?? 0);
    this.#socket.resume();
  }

  /** Gives the exchange up; the connection goes with it, since its rest is still under way. */
  abort(): void {
    this.#sink = null;
    this.#leave();
  }

  /** Ends a connection that is not in use, or marks one that is to end when it is free. */
  close(): void {
    if (this.#request === null) this.#leave();
    else this.#keepAliveMs = 0;
  }

  /** Called now and then: ends what has waited too long. */
  expire(nowMs: number): void {
    if (nowMs < this.#deadlineMs) return;
    const waited = this.#waitsFor;
    if (waited === 'nothing') this.#leave();
    else this.#fail(waited, `${waited.replace('-', ' ')}: nothing came in time`);
  }

  /** One piece of the body of the request under way. */
  write(chunk: Buffer): boolean {
    if (this.#gone || chunk.length === 0) return true;
    const sized = (this.#request?.body?.length ?? -1) >= 0;
    if (!sized) this.#socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    const more = this.#socket.write(chunk);
    if (!sized) this.#socket.write('\r\n', 'latin1');
    // What the client still owes is not held against the upstream; what that does not take is.
    if (!this.#headed) {
      if (more) this.#awaitClient();
      else this.#await('idle-timeout', this.#request?.idleMs ?? 0);
    }
    return more;
  }

  /** The body of the request under way is complete. */
  end(): void {
    this.#bodySent = true;
    if (this.#gone) return;
    if ((this.#request?.body?.length ?? -1) < 0) this.#socket.write('0\r\n\r\n', 'latin1');
    if (!this.#headed) this.#await('headers-timeout', this.#request?.headersMs ?? 0);
  }

  #onConnect(): void {
    this.#connected = true;
    if (this.#request === null) this.#setFree();
    else this.#write();
  }

  #write(): void {
    const request = this.#request as OutgoingRequest;
    const { body } = request;
    this.#parser.expect(request.method === 'HEAD');
    const whole = body?.takeWhole() ?? null;
    this.#bodySent = body === null || whole !== null;
    this.#await('headers-timeout', request.headersMs);
    if (body === null) {
      this.#socket.write(`${request.head}\r\n`, 'latin1');
      return;
    }
    const framing =
      body.length >= 0 ? `content-length: ${body.length}\r\n` : 'transfer-encoding: chunked\r\n';
    this.#socket.cork();
    this.#socket.write(`${request.head}${framing}\r\n`, 'latin1');
    if (whole !== null && whole.length > 0) this.#socket.write(whole);
    this.#socket.uncork();
    if (whole !== null) return;
    this.#awaitClient();
    body.start(this);
  }

  #onDrain(): void {
    if (this.#bodySent) return;
    if (!this.#headed) this.#awaitClient();
    this.#request?.body?.start(this);
  }

  #onRead(count: number, bytes: Buffer): boolean {
    if (this.#gone) return true;
    if (this.#request === null) {
      // Nobody asked: a timeout notice, or worse. Nothing more is read from it.
      this.#leave();
      return true;
    }
    if (this.#headed) this.#await('idle-timeout', this.#request.idleMs);
    const fine = this.#parser.read(bytes, 0, count);
    if (!fine && !this.#gone) this.#fail('protocol', `invalid response: ${this.#parser.fail}`);
    if (this.#paused) this.#await('nothing', Number.POSITIVE_INFINITY);
    return !this.#paused;
  }

  #onHead(head: ParsedHead): void {
    this.#headed = true;
    this.#await('idle-timeout', this.#request?.idleMs ?? 0);
    const { keepAliveSeconds } = head;
    // A second earlier than the upstream would close: so that no request meets its closing.
    if (keepAliveSeconds >= 0) {
      this.#keepAliveMs = Math.min(this.#keepAliveMs, Math.max(0, keepAliveSeconds * 1000 - 1000));
    }
    this.#sink?.onHead(head);
  }

  #onChunk(chunk: Buffer): void {
    if (this.#sink?.onChunk(chunk) === false) this.#paused = true;
  }

  #onEnd(): void {
    const sink = this.#sink;
    const reusable = this.#parser.reusable && this.#bodySent && this.#keepAliveMs > 0;
    this.#request = null;
    this.#sink = null;
    this.#paused = false;
    if (!reusable) this.#leave();
    sink?.onEnd();
    if (reusable && !this.#gone) this.#setFree();
  }

  #setFree(): void {
    this.#await('nothing', this.#keepAliveMs);
    this.#owner.onFree(this);
  }

  /** The upstream has sent all it wants to: the end of a body that only this tells. */
  #onEnded(): void {
    if (this.#gone) return;
    if (this.#request !== null && this.#headed && this.#parser.close()) return;
    this.#onClosed('the upstream closed the connection');
  }

  /** Cut off, by a reset for one: never the end of a body. */
  #onClosed(message: string): void {
    if (this.#gone) return;
    if (this.#request === null) this.#leave();
    else this.#fail(this.#connected ? 'reset' : 'connect', message);
  }

  #fail(failure: AttemptFailure, message: string): void {
    const sink = this.#sink;
    const sent: Sent = this.#connected ? 'maybe' : 'no';
    this.#sink = null;
    this.#leave();
    sink?.onFailure(failure, sent, message);
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#request = null;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#socket.destroy();
    this.#owner.onGone(this);
  }

  /** More of the body is to come; uWebSockets.js ends a client that sends nothing for 10 s. */
  #awaitClient(): void {
    this.#await('nothing', Number.POSITIVE_INFINITY);
  }

  #await(what: AttemptFailure | 'nothing', ms: number): void {
    this.#waitsFor = what;
    this.#deadlineMs = monotonicMs() + ms;
  }
}
