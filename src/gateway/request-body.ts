import { Readable } from 'node:stream';
import type { HttpResponse } from '../base/uws.ts';

/** So much of a body may wait for the upstream before the client is stopped. */
const waitingBytesMax = 64 * 1024;

/**
 * The body of a request on its way upstream: read from the client only as fast as the upstream
 * takes it. Nobody else keeps what went by, so a request whose body was taken is never repeated.
 */
export class RequestBody {
  /** Whether any of it was handed on. */
  consumed = false;
  bytes = 0;
  /** All of it came before it was asked for: a short body in the same packet as its head. */
  #whole: Buffer | null = null;
  #early: Buffer[] = [];
  #complete = false;
  #stream: Readable | null = null;
  #paused = false;
  #gone = false;
  readonly #res: HttpResponse;
  readonly #bytesMax: number;
  readonly #onTooLarge: () => void;

  constructor(res: HttpResponse, bytesMax: number, onTooLarge: () => void) {
    this.#res = res;
    this.#bytesMax = bytesMax;
    this.#onTooLarge = onTooLarge;
    res.onData((chunk, isLast) => this.#data(chunk, isLast));
  }

  /** What to give to the upstream client: all of it if it is there already, else a stream. */
  take(): Buffer | Readable {
    this.consumed = true;
    if (this.#complete && this.#stream === null) {
      this.#whole ??= this.#early.length === 1 ? (this.#early[0] as Buffer) : Buffer.concat(this.#early);
      return this.#whole;
    }
    const stream = new Readable({
      highWaterMark: waitingBytesMax,
      read: () => this.#resume(),
    });
    this.#stream = stream;
    for (const chunk of this.#early) stream.push(chunk);
    this.#early = [];
    return stream;
  }

  /** The client is gone: the upstream must see a broken body, not a short one. */
  clientGone(): void {
    this.#gone = true;
    if (!this.#complete) this.#stream?.destroy();
  }

  /** The upstream is done with the exchange: what still comes is read and dropped. */
  discard(): void {
    this.#early = [];
    this.#stream = null;
    this.#complete = true;
    this.#resume();
  }

  #data(chunk: ArrayBuffer, isLast: boolean): void {
    this.bytes += chunk.byteLength;
    if (this.bytes > this.#bytesMax) {
      this.#onTooLarge();
      return;
    }
    if (this.#complete) return;
    this.#complete = isLast;
    const copy = Buffer.from(chunk.slice(0));
    if (this.#stream === null) {
      if (copy.length > 0) this.#early.push(copy);
      if (!isLast && this.bytes >= waitingBytesMax) this.#pause();
      return;
    }
    const wantsMore = copy.length === 0 || this.#stream.push(copy);
    if (isLast) this.#stream.push(null);
    else if (!wantsMore) this.#pause();
  }

  #pause(): void {
    if (this.#paused || this.#gone) return;
    this.#paused = true;
    this.#res.pause();
  }

  #resume(): void {
    if (!this.#paused || this.#gone) return;
    this.#paused = false;
    this.#res.resume();
  }
}
