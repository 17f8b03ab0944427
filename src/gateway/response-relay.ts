import { endRequests, holdRequests, releaseRequests } from '../base/native.ts';
import type { HttpResponse } from '../base/uws.ts';
import { asBytes } from './response-head.ts';

/** How the body is framed towards the client. */
type Framing = 'none' | 'sized' | 'chunked';

/**
 * Ends a response that has no body; `length` is the one that it tells, or -1. A length that is
 * given as undefined would be written as a number, so it is left out, and whoever wants the
 * connection closed must end it (`endConnection`).
 */
export function endWithoutBody(res: HttpResponse, length: number, close: boolean): void {
  if (length >= 0) res.endWithoutBody(length, close);
  else if (close) res.writeHeader('connection', 'close').endWithoutBody();
  else res.endWithoutBody();
}

/** Ends the connection of the request that is being served, behind its response. */
export function endConnection(): void {
  const connection = holdRequests();
  releaseRequests(connection);
  endRequests(connection);
}

/** What a relay tells the exchange. */
export interface RelayListener {
  /** The next call may end the response, behind which its `res` is not there any more. */
  ending(): void;
  /** The client took what had waited for it. */
  drained(): void;
}

/** A comment of an event stream and its line end: readers pass over it (WHATWG HTML, 9.2.5). */
const eventComment = Buffer.from(':\n\n');
/** May begin an event stream, and nowhere else in it: never goes out after our comment. */
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Passes one response to the client as it comes. The head goes out with the first bytes of the
 * body: uWebSockets.js has no way to send it before (docs/architecture.md), except for event
 * streams, which may begin with a comment of ours (`openEventStream`). Holds at most one chunk:
 * when the client is slow the upstream is stopped until `onWritable`.
 */
export class ResponseRelay {
  bytes = 0;
  /** The upstream ended and the client took all of it. */
  isComplete = false;
  /** The response says that the connection closes, and uWebSockets.js does not close it. */
  endsConnection = false;
  readonly #res: HttpResponse;
  readonly #framing: Framing;
  readonly #length: number;
  readonly #close: boolean;
  #head: string | null;
  #waiting: Buffer | null = null;
  #waitingFrom = 0;
  /** The client has not taken all that was written yet. */
  #blocked = false;
  #endWhenWritten = false;
  #listens = false;
  #commented = false;
  readonly #listener: RelayListener;

  /**
   * `length`: the body's length in bytes, -1 when it is not known. `bodyless`: the response to HEAD,
   * or 204 or 304, which tells a length at most.
   */
  constructor(
    res: HttpResponse,
    head: string,
    length: number,
    bodyless: boolean,
    close: boolean,
    listener: RelayListener,
  ) {
    this.#res = res;
    this.#head = head;
    this.#length = length;
    this.#framing = bodyless ? 'none' : length >= 0 ? 'sized' : 'chunked';
    this.#close = close;
    this.#listener = listener;
  }

  /**
   * Sends the head of an event stream that has no event yet, with a comment as its first bytes: its
   * reader waits for the head to know that it is connected. Nothing if the head is out already.
   */
  openEventStream(): void {
    if (this.#head === null || this.#framing !== 'chunked') return;
    this.chunk(eventComment);
    this.#commented = true;
  }

  /** False: stop until `drained`. */
  chunk(received: Buffer): boolean {
    const chunk = this.#withoutMark(received);
    if (this.#framing === 'none' || chunk.length === 0) return true;
    this.bytes += chunk.length;
    let taken = true;
    this.#res.cork(() => {
      taken = this.#framing === 'sized' ? this.#writeSized(chunk) : this.#writeChunked(chunk);
    });
    return taken;
  }

  /** The upstream's body is complete. True: so is the response; else `drained` will follow. */
  end(): boolean {
    if (this.#blocked) {
      this.#endWhenWritten = true;
      return false;
    }
    this.#finish();
    return true;
  }

  #withoutMark(chunk: Buffer): Buffer {
    if (!this.#commented) return chunk;
    this.#commented = false;
    const marked = chunk.subarray(0, byteOrderMark.length).equals(byteOrderMark);
    return marked ? chunk.subarray(byteOrderMark.length) : chunk;
  }

  #finish(): void {
    if (this.#framing === 'sized' && this.#length > 0) return;
    this.#listener.ending();
    this.#res.cork(() => {
      if (this.#framing === 'none') {
        this.#writeHead('');
        this.endsConnection = this.#close && this.#length < 0;
        endWithoutBody(this.#res, this.#length, this.#close);
      } else if (this.#framing === 'sized') {
        this.#writeHead('');
        this.#res.end('', this.#close);
      } else {
        // What `end` writes for a close would land in the body.
        this.#writeHead(this.#ownClose());
        this.#res.end('');
      }
    });
  }

  #writeHead(more: string): void {
    if (this.#head === null) return;
    this.#res.writeStatus(asBytes(this.#head + more));
    this.#head = null;
  }

  /** The line that says close, for responses that uWebSockets.js can write none for. */
  #ownClose(): string {
    this.endsConnection = this.#close;
    return this.#close ? '\r\nconnection: close' : '';
  }

  #writeSized(chunk: Buffer): boolean {
    if (this.bytes >= this.#length) this.#listener.ending();
    if (chunk.length === this.#length) {
      this.#writeHead('');
      this.#res.end(chunk, this.#close);
      return true;
    }
    if (this.#head !== null) this.#writeHead(this.#ownClose());
    const from = this.#res.getWriteOffset();
    const [taken, done] = this.#res.tryEnd(chunk, this.#length);
    if (taken || done) return true;
    // The bytes change after this call: what the socket did not take is copied.
    this.#waitingFrom = this.#res.getWriteOffset();
    this.#waiting = Buffer.from(chunk.subarray(this.#waitingFrom - from));
    this.#block();
    return false;
  }

  /**
   * uWebSockets.js keeps what the socket did not take; false only asks us to stop. A piece of the
   * same read may find the socket free again: then nothing waits, so no `onWritable` will come.
   */
  #writeChunked(chunk: Buffer): boolean {
    if (this.#head !== null) this.#writeHead(this.#ownClose());
    if (!this.#res.write(chunk)) {
      this.#block();
      return false;
    }
    if (this.#blocked) {
      this.#blocked = false;
      // When the read is over, so that whoever stopped has stopped.
      queueMicrotask(() => this.#listener.drained());
    }
    return true;
  }

  #block(): void {
    this.#blocked = true;
    if (this.#listens) return;
    this.#listens = true;
    this.#res.onWritable((offset) => this.#writable(offset));
  }

  #writable(offset: number): boolean {
    const waiting = this.#waiting;
    if (waiting !== null) {
      const rest = waiting.subarray(offset - this.#waitingFrom);
      const [taken, done] = this.#res.tryEnd(rest, this.#length);
      if (!taken && !done) return false;
      this.#waiting = null;
    }
    this.#blocked = false;
    if (this.#endWhenWritten) {
      if (this.#framing === 'chunked') this.#finish();
      this.isComplete = true;
    }
    this.#listener.drained();
    return true;
  }
}
