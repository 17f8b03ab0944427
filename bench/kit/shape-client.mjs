import { connect } from 'node:net';
import { nowMs } from './figures.mjs';

/**
 * One keep-alive connection that sends a request, reads the response by the letter, waits, and
 * sends the next. It never tries again: whatever goes wrong is counted once and told.
 */
export class ShapeClient {
  #socket;
  #request;
  #thinkMs;
  #report;
  #text = '';
  #sentMs = 0;
  #stopped = false;
  #timer;
  #waiting = false;

  /** `report(outcome)`: what each request came to, with the time it was sent and took, in ms. */
  constructor({ port, path, thinkMs, report }) {
    this.#request = `GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`;
    this.#thinkMs = thinkMs;
    this.#report = report;
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('connect', () => this.#later());
    this.#socket.on('data', (text) => this.#data(text));
    this.#socket.on('error', () => this.#closed());
    this.#socket.on('close', () => this.#closed());
  }

  /** Finishes what runs; resolves when the connection is idle. */
  async stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const deadline = nowMs() + 5000;
    while (this.#waiting && nowMs() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#socket.destroy();
  }

  #later() {
    // Spread out, so that clients do not move in step.
    this.#timer = setTimeout(() => this.#send(), this.#thinkMs * (0.5 + Math.random()));
  }

  #send() {
    if (this.#stopped) return;
    this.#waiting = true;
    this.#sentMs = nowMs();
    this.#socket.write(this.#request);
  }

  #data(text) {
    this.#text += text;
    const response = readResponse(this.#text);
    if (response === null) return;
    const doneMs = nowMs();
    this.#text = '';
    this.#waiting = false;
    this.#report({ kind: 'answered', sentMs: this.#sentMs, doneMs, ...response });
    if (!this.#stopped) this.#later();
  }

  #closed() {
    if (this.#stopped && !this.#waiting) return;
    clearTimeout(this.#timer);
    if (this.#waiting) this.#report({ kind: 'lost', sentMs: this.#sentMs });
    this.#report({ kind: 'closed' });
    this.#waiting = false;
    this.#stopped = true;
  }
}

/** A whole response, or null while some is missing. */
export function readResponse(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = text.slice(0, end + 2).toLowerCase();
  const rest = text.slice(end + 4);
  const length = field(head, '\r\ncontent-length: ');
  let body = rest;
  if (length !== '') {
    if (rest.length < Number(length)) return null;
  } else if (field(head, '\r\ntransfer-encoding: ') === 'chunked') {
    body = dechunk(rest);
    if (body === null) return null;
  }
  return {
    status: Number(head.slice(9, 12)),
    shape: field(head, '\r\nx-shape: '),
    revision: field(head, '\r\nx-revision: '),
    told: field(head, '\r\nx-told: '),
    origin: field(head, '\r\nx-origin: '),
    closes: field(head, '\r\nconnection: ') === 'close',
    body,
  };
}

/** The value behind a line end and a field's name, or the empty string. */
function field(head, begin) {
  const at = head.indexOf(begin);
  return at < 0 ? '' : head.slice(at + begin.length, head.indexOf('\r\n', at + begin.length));
}

export function dechunk(text) {
  let body = '';
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (text.length < next) return null;
    if (size === 0) return body;
    body += text.slice(lineEnd + 2, lineEnd + 2 + size);
    at = next;
  }
}
