import { connect, type Socket } from 'node:net';

/** A response as the bytes on the wire had it. */
export interface RawResponse {
  readonly status: number;
  /** Lower case names; values of one name in order. */
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: string;
  /** Interim responses that came before it. */
  readonly interim: readonly number[];
}

/** A connection that sends exactly what it is told to and reads responses by the letter. */
export class RawClient {
  readonly socket: Socket;
  #text = '';
  #closed = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text) => {
      this.#text += String(text);
      this.#wake();
    });
    const onClose = (): void => {
      this.#closed = true;
      this.#wake();
    };
    socket.on('close', onClose);
    socket.on('end', onClose);
    socket.on('error', onClose);
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What came and was not read as a response. */
  get rest(): string {
    return this.#text;
  }

  /** The next response; `toHead`: it answers HEAD. Throws when the connection ends before it. */
  async response({ toHead = false } = {}): Promise<RawResponse> {
    const interim: number[] = [];
    for (;;) {
      await this.#has((text) => text.includes('\r\n\r\n'));
      const end = this.#text.indexOf('\r\n\r\n');
      const [line = '', ...lines] = this.#text.slice(0, end).split('\r\n');
      this.#text = this.#text.slice(end + 4);
      const status = Number(line.split(' ')[1]);
      if (status < 200) {
        interim.push(status);
        continue;
      }
      const headers: Record<string, string[]> = {};
      for (const one of lines) {
        const colon = one.indexOf(':');
        const name = one.slice(0, colon).toLowerCase();
        const values = headers[name] ?? [];
        values.push(one.slice(colon + 1).trim());
        headers[name] = values;
      }
      const body = toHead || status === 204 || status === 304 ? '' : await this.#body(headers);
      return { status, headers, body, interim };
    }
  }

  /** Resolves when the other side has closed. */
  async ended(timeoutMs = 5_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!this.#closed) await this.#wait(deadline, 'the connection to close');
  }

  close(): void {
    this.socket.destroy();
  }

  async #body(headers: Readonly<Record<string, readonly string[]>>): Promise<string> {
    if (headers['transfer-encoding']?.[0] === 'chunked') return this.#chunks();
    const length = headers['content-length']?.[0];
    if (length === undefined) {
      await this.ended();
      return this.#take(this.#text.length);
    }
    await this.#has((text) => text.length >= Number(length));
    return this.#take(Number(length));
  }

  async #chunks(): Promise<string> {
    let body = '';
    for (;;) {
      await this.#has((text) => text.includes('\r\n'));
      const line = this.#take(this.#text.indexOf('\r\n') + 2);
      const size = Number.parseInt(line, 16);
      await this.#has((text) => text.length >= size + 2);
      body += this.#take(size);
      this.#take(2);
      if (size === 0) return body;
    }
  }

  #take(count: number): string {
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  async #has(complete: (text: string) => boolean): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!complete(this.#text)) {
      if (this.#closed)
        throw new Error(`the connection closed after ${JSON.stringify(this.#text)}`);
      await this.#wait(deadline, 'more of a response');
    }
  }

  #wait(deadline: number, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited too long for ${what}`)),
        Math.max(0, deadline - Date.now()),
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = () => {};
        resolve();
      };
    });
  }
}

/** One request on a connection of its own. */
export async function exchange(
  port: number,
  request: string,
  options: { readonly toHead?: boolean } = {},
): Promise<RawResponse> {
  const client = await RawClient.connect(port);
  try {
    client.send(request);
    return await client.response(options);
  } finally {
    client.close();
  }
}

/** The text of a request with the lines that every request needs. */
export function get(path: string, ...lines: readonly string[]): string {
  return `GET ${path} HTTP/1.1\r\nHost: test\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;
}
