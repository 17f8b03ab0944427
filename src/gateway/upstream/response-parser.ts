import { isToken } from '../door.ts';
import { isHopByHop } from '../hop-by-hop.ts';

/** What a parsed response tells, in this order: one head, chunks, one end. */
export interface ParserSink {
  onHead(head: ParsedHead): void;
  /** The bytes are the reader's own and change after the call: copy what must stay. */
  onChunk(chunk: Buffer): void;
  onEnd(): void;
}

/** Field names are lower case; hop-by-hop fields and `Content-Length` are left out. */
export interface ParsedHead {
  readonly status: number;
  readonly names: string[];
  readonly values: string[];
  /** Bytes of the body; -1 when only its end will tell. */
  readonly contentLength: number;
  /** The value of `Connection`, empty if there is none. */
  readonly connection: string;
  /** Seconds that the upstream keeps an unused connection; -1 when it does not say. */
  readonly keepAliveSeconds: number;
}

/** Bytes of a response's head, and of its trailers, at most. */
const headBytesMax = 64 * 1024;
/** Bytes of a chunk's size line: 8 hex digits, and extensions, which are passed over. */
const chunkLineMax = 1024;
const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');

type State =
  | 'head'
  | 'sized'
  | 'until-close'
  | 'chunk-line'
  | 'chunk-body'
  | 'chunk-end'
  | 'trailers'
  | 'done';

/**
 * Reads one HTTP/1.1 response (RFC 9112) at a time, strictly: what could be framed in two ways is
 * an error, since whoever reads on after us could read it the other way. Trailers and interim
 * responses are checked and passed over. Never throws: `fail` holds what was wrong.
 */
export class ResponseParser {
  fail = '';
  /** Whether the connection may carry another exchange after this response. */
  reusable = true;
  #state: State = 'done';
  #left = 0;
  #toHead = false;
  #partial: Buffer | null = null;
  readonly #sink: ParserSink;

  constructor(sink: ParserSink) {
    this.#sink = sink;
  }

  /** A request went out; `toHead`: its method was HEAD, so no body follows. */
  expect(toHead: boolean): void {
    this.#state = 'head';
    this.#toHead = toHead;
    this.#partial = null;
    this.fail = '';
    this.reusable = true;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** The upstream closed. True: that was the end of the body; false: something is missing. */
  close(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#state = 'done';
    this.#sink.onEnd();
    return true;
  }

  /**
   * Reads bytes `from` (inclusive) `to` (exclusive); false: it failed, and `fail` says why. The end
   * is told last, when it is known whether anything came behind it: whoever hears of it may send
   * the next request at once, to which those bytes are no answer.
   */
  read(bytes: Buffer, from: number, to: number): boolean {
    if (from === to || this.fail !== '') return this.fail === '';
    if (this.done) return this.#failed(strayBytes);
    let at = from;
    while (at < to && this.fail === '' && !this.done) {
      switch (this.#state) {
        case 'head':
          at = this.#readHead(bytes, at, to);
          break;
        case 'sized':
        case 'chunk-body':
          at = this.#readBody(bytes, at, to);
          break;
        case 'until-close':
          this.#sink.onChunk(bytes.subarray(at, to));
          at = to;
          break;
        default:
          at = this.#readLine(bytes, at, to);
      }
    }
    if (!this.done) return this.fail === '';
    if (at < to) this.#failed(strayBytes);
    this.#sink.onEnd();
    return at === to;
  }

  #readHead(bytes: Buffer, from: number, to: number): number {
    if (this.#partial === null) {
      const end = bytes.indexOf(headEnd, from);
      if (end >= 0 && end + headEnd.length <= to) {
        if (end - from > headBytesMax) this.#failed(longHead);
        else this.#head(bytes.toString('latin1', from, end));
        return end + headEnd.length;
      }
    }
    const before = this.#partial?.length ?? 0;
    const joined = this.#join(bytes, from, to);
    const end = joined.indexOf(headEnd, Math.max(0, before - headEnd.length + 1));
    if ((end < 0 ? joined.length : end) > headBytesMax) {
      this.#failed(longHead);
      return to;
    }
    if (end < 0) {
      this.#partial = joined;
      return to;
    }
    this.#partial = null;
    this.#head(joined.toString('latin1', 0, end));
    return from + (end + headEnd.length - before);
  }

  #head(text: string): void {
    const head = parseHead(text);
    if (typeof head === 'string') {
      this.#failed(head);
      return;
    }
    const { status } = head;
    if (status < 200) {
      if (status === 101) this.#failed('it switched protocols unasked');
      return;
    }
    this.reusable = head.reusable;
    const bodyless = this.#toHead || status === 204 || status === 304;
    if (bodyless || head.contentLength === 0) this.#state = 'done';
    else if (head.chunked) this.#state = 'chunk-line';
    else if (head.contentLength > 0) {
      this.#state = 'sized';
      this.#left = head.contentLength;
    } else {
      this.#state = 'until-close';
      this.reusable = false;
    }
    this.#sink.onHead(head);
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    const end = Math.min(to, from + this.#left);
    this.#left -= end - from;
    const sized = this.#state === 'sized';
    if (this.#left === 0) this.#state = sized ? 'done' : 'chunk-end';
    this.#sink.onChunk(bytes.subarray(from, end));
    return end;
  }

  /** Chunk sizes, the line ends of chunks, trailers: lines of ours to pass over. */
  #readLine(bytes: Buffer, from: number, to: number): number {
    const trailers = this.#state === 'trailers';
    const lineMax = trailers ? this.#left : chunkLineMax;
    if (this.#partial === null) {
      const end = bytes.indexOf(lineEnd, from);
      if (end >= 0 && end + lineEnd.length <= to && end - from <= lineMax) {
        this.#line(bytes.toString('latin1', from, end));
        return end + lineEnd.length;
      }
    }
    // Cut in two by the end of a read: what came is kept, and no more than a line can have.
    const before = this.#partial?.length ?? 0;
    const room = lineMax + lineEnd.length - before;
    const joined = this.#join(bytes, from, Math.min(to, from + room));
    const end = joined.indexOf(lineEnd, Math.max(0, before - 1));
    if (end < 0 && joined.length > lineMax + 1) {
      this.#failed(trailers ? longTrailers : 'a line of its chunks is too long');
      return to;
    }
    if (end < 0) {
      this.#partial = joined;
      return to;
    }
    this.#partial = null;
    this.#line(joined.toString('latin1', 0, end));
    return from + (end + lineEnd.length - before);
  }

  #line(line: string): void {
    if (this.#state === 'chunk-end') {
      if (line === '') this.#state = 'chunk-line';
      else this.#failed('a chunk is longer than its size');
      return;
    }
    if (this.#state === 'trailers') {
      this.#trailer(line);
      return;
    }
    const size = chunkSize.exec(line);
    if (size === null) {
      this.#failed('a chunk has no valid size');
      return;
    }
    this.#left = Number.parseInt(size[1] as string, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk-body';
    if (this.#left === 0) this.#left = headBytesMax;
  }

  /** Trailers are dropped, but a line that is none would be one that others read as something else. */
  #trailer(line: string): void {
    if (line === '') {
      this.#state = 'done';
      return;
    }
    // With its line end, so that empty ones do not go on for ever.
    this.#left -= line.length + lineEnd.length;
    if (this.#left < 0) this.#failed(longTrailers);
    else if (malformed.test(line) || !isToken(line.slice(0, Math.max(0, line.indexOf(':'))))) {
      this.#failed('a trailer is not a header line');
    }
  }

  #join(bytes: Buffer, from: number, to: number): Buffer {
    const part = bytes.subarray(from, to);
    return this.#partial === null ? Buffer.from(part) : Buffer.concat([this.#partial, part]);
  }

  #failed(why: string): false {
    this.fail = why;
    this.reusable = false;
    return false;
  }
}

const strayBytes = 'bytes came after the end of the response';
const longHead = 'its head is too long';
const longTrailers = 'its trailers are too long';
const chunkSize = /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?$/;
/** Control characters, and line ends that are not CR LF together. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is for
const malformed = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/;

/** `HTTP/1.x`, three digits, and a phrase that may be missing (RFC 9112, section 4). */
const statusLinePattern = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?(?:\r\n|$)/;

interface HeadWithFraming extends ParsedHead {
  readonly chunked: boolean;
  readonly reusable: boolean;
}

/** Status line and fields of a head without its last line ends; a text says what is wrong. */
function parseHead(text: string): HeadWithFraming | string {
  if (malformed.test(text)) return 'its head holds control characters or bare line ends';
  const statusLine = statusLinePattern.exec(text);
  if (statusLine === null) return 'its status line is not valid';
  const minor = Number(statusLine[1]);
  const status = Number(statusLine[2]);
  const names: string[] = [];
  const values: string[] = [];
  let contentLength = -1;
  let chunked = false;
  let connection = '';
  let keepAliveSeconds = -1;
  let from = text.indexOf('\r\n');
  while (from >= 0) {
    from += 2;
    const next = text.indexOf('\r\n', from);
    const end = next < 0 ? text.length : next;
    const colon = text.indexOf(':', from);
    if (colon < 0 || colon >= end) return 'a header line has no colon';
    const name = text.slice(from, colon).toLowerCase();
    if (!isToken(name)) return 'a header name is not valid';
    const value = trimmed(text, colon + 1, end);
    from = next;
    if (name === 'content-length') {
      if (!/^\d{1,15}$/.test(value)) return 'its Content-Length is not a number';
      if (contentLength >= 0 && contentLength !== Number(value)) return 'it has two lengths';
      contentLength = Number(value);
    } else if (name === 'transfer-encoding') {
      if (chunked || value.toLowerCase() !== 'chunked')
        return 'its Transfer-Encoding is not chunked';
      chunked = true;
    } else if (name === 'connection') {
      connection = connection === '' ? value : `${connection}, ${value}`;
    } else if (name === 'keep-alive') {
      keepAliveSeconds = Number(/timeout=(\d{1,6})/i.exec(value)?.[1] ?? -1);
    } else if (!isHopByHop(name)) {
      names.push(name);
      values.push(value);
    }
  }
  if (chunked && contentLength >= 0) return 'it has both a length and chunks';
  // RFC 9112, section 6.1: whoever forwarded it may not have known what chunks are.
  if (chunked && minor === 0) return 'it is HTTP/1.0 with chunks';
  const reusable = minor === 1 && (connection === '' || !/\bclose\b/i.test(connection));
  return {
    status,
    names,
    values,
    contentLength,
    chunked,
    connection,
    keepAliveSeconds,
    reusable,
  };
}

/** Without spaces and tabs at its ends; `trim` would take the byte 0xa0 too, which is text. */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}
