import { connect } from 'node:net';
import { dechunk } from './shape-client.mjs';

/** One keep-alive connection: a request, its response read by the letter, the next request. */
export class KeepAlive {
  #socket;
  #text = '';
  #done = null;
  closed = false;

  constructor(port, host = '127.0.0.1') {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.setEncoding('latin1');
    this.#socket.on('data', (text) => this.#data(text));
    this.#socket.on('error', () => this.#end());
    this.#socket.on('close', () => this.#end());
  }

  get busy() {
    return this.#done !== null;
  }

  /** Resolves when it is connected, or is not going to be. */
  opened() {
    return new Promise((resolve) => {
      if (this.closed || !this.#socket.connecting) resolve();
      else this.#socket.once('connect', resolve).once('close', resolve);
    });
  }

  /** `done(response)`: status, head and body; null: the connection ended before it was whole. */
  send(request, done) {
    if (this.closed) {
      done(null);
      return;
    }
    this.#done = done;
    this.#socket.write(request, 'latin1');
  }

  fetch(request) {
    return new Promise((resolve) => {
      this.send(request, resolve);
    });
  }

  close() {
    this.closed = true;
    this.#socket.destroy();
  }

  #data(text) {
    this.#text = this.#text === '' ? text : this.#text + text;
    const response = wholeResponse(this.#text);
    if (response === null) return;
    this.#text = '';
    const done = this.#done;
    this.#done = null;
    done?.(response);
  }

  #end() {
    this.closed = true;
    const done = this.#done;
    this.#done = null;
    done?.(null);
  }
}

export function getRequest(path, host = 'bench') {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
}

export function postRequest(path, body, host = 'bench') {
  const head = `Host: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
  return `POST ${path} HTTP/1.1\r\n${head}\r\n\r\n${body}`;
}

/** Null while some of it is missing. */
function wholeResponse(text) {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const head = text.slice(0, end);
  const rest = text.slice(end + 4);
  const length = /\r\ncontent-length: (\d+)/i.exec(head);
  let body = rest;
  if (length !== null) {
    if (rest.length < Number(length[1])) return null;
  } else if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    body = dechunk(rest);
    if (body === null) return null;
  }
  return { status: Number(head.slice(9, 12)), head, body };
}
