import type { BodyWriter, OutgoingBody } from './upstream/connection.ts';

/** So much of a body may wait for the upstream before the client is stopped. */
const waitingBytesMax = 64 * 1024;

/** Where a body comes from: what it reads of an HttpResponse. */
interface BodySource {
  onData(call: (chunk: ArrayBuffer, isLast: boolean) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/**
 * The body of a request on its way upstream: read from the client only as fast as the upstream
 * takes it. Nobody keeps what went by, so a request whose body was taken is never repeated.
 */
export class RequestBody implements OutgoingBody {
  readonly length: number;
  /** Bytes that came from the client. */
  bytes = 0;
  #taken = false;
  #complete = false;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #writer: BodyWriter | null = null;
  #over = false;
  #gathering: { bytesMax: number; onWhole: (body: Buffer | null) => void } | null = null;
  #paused = false;
  #gone = false;
  readonly #res: BodySource;
  readonly #bytesMax: number;
  readonly #onTooLarge: () => void;

  /** `length`: what `Content-Length` says, or -1 for chunks. */
  constructor(res: BodySource, length: number, bytesMax: number, onTooLarge: () => void) {
    this.#res = res;
    this.length = length;
    this.#bytesMax = bytesMax;
    this.#onTooLarge = onTooLarge;
    res.onData((chunk, isLast) => this.#data(chunk, isLast));
  }

  /** One that is there already, of an exchange that has no client to read from. */
  static of(bytes: Buffer): RequestBody {
    const source: BodySource = {
      onData: (call) => call(Uint8Array.from(bytes).buffer, true),
      pause() {},
      resume() {},
    };
    return new RequestBody(source, bytes.length, bytes.length, () => {});
  }

  /** Whether any of it was handed on. */
  get consumed(): boolean {
    return this.#taken;
  }

  /** Whether all of it is with the upstream. */
  get sent(): boolean {
    return this.#complete && this.#taken && this.#waiting.length === 0;
  }

  /** A short body comes in the same packet as its head and goes out with the head. */
  takeWhole(): Buffer | null {
    if (!this.#complete || this.#taken || this.length < 0) return null;
    this.#taken = true;
    const [first] = this.#waiting;
    const whole = this.#waiting.length === 1 && first !== undefined;
    const body = whole ? first : Buffer.concat(this.#waiting);
    this.#waiting = [];
    return body;
  }

  /**
   * Keeps all of it and says when it is there, for a key that depends on it; null: it is longer
   * than `bytesMax`. What was kept goes upstream as usual.
   */
  gather(bytesMax: number, onWhole: (body: Buffer | null) => void): void {
    this.#gathering = { bytesMax, onWhole };
  }

  /** The upstream takes pieces: what waits goes out, then what comes. */
  start(writer: BodyWriter): void {
    this.#taken = true;
    let more = true;
    for (const chunk of this.#waiting) more = writer.write(chunk) && more;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (this.#complete) {
      this.#finish(writer);
      return;
    }
    this.#writer = more ? writer : null;
    if (more) this.#resume();
  }

  /** The client is gone: nothing may be asked of its connection any more. */
  clientGone(): void {
    this.#gone = true;
    this.#over = true;
  }

  /** The exchange is done: what still comes is read and dropped. */
  discard(): void {
    this.#over = true;
    this.#waiting = [];
    this.#writer = null;
    this.#resume();
  }

  #data(chunk: ArrayBuffer, isLast: boolean): void {
    this.bytes += chunk.byteLength;
    if (this.#over) return;
    if (this.bytes > this.#bytesMax) {
      this.#onTooLarge();
      return;
    }
    this.#complete = isLast;
    // Written at once or kept: both need a copy, since the bytes are gone after this call.
    const copy = Buffer.from(chunk.slice(0));
    const writer = this.#writer;
    if (writer === null) {
      this.#waiting.push(copy);
      this.#waitingBytes += copy.length;
      if (this.#gathering !== null && this.#gather(this.#gathering, isLast)) return;
      if (this.#waitingBytes >= waitingBytesMax && !isLast) this.#pause();
      return;
    }
    const more = writer.write(copy);
    if (isLast) {
      this.#finish(writer);
    } else if (!more) {
      this.#writer = null;
      this.#pause();
    }
  }

  /** True: it goes on being gathered, or was handed to whoever wanted it. */
  #gather(
    { bytesMax, onWhole }: { bytesMax: number; onWhole: (body: Buffer | null) => void },
    isLast: boolean,
  ): boolean {
    const tooLong = this.#waitingBytes > bytesMax;
    if (!isLast && !tooLong) return true;
    this.#gathering = null;
    onWhole(tooLong ? null : Buffer.concat(this.#waiting));
    return !tooLong;
  }

  #finish(writer: BodyWriter): void {
    if (this.#over) return;
    this.#over = true;
    writer.end();
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
