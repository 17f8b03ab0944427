import type { ServerResponse } from 'node:http';
import { every } from '../base/clock.ts';
import { eventClientCountMax } from '../base/limits.ts';

const figuresMs = 1000;
/** A client that has so much unread is let go: it can connect again. */
const unreadBytesMax = 1024 * 1024;

/** Server-sent events for whoever watches: what happens, and figures once a second. */
export class EventStream {
  readonly #clients = new Set<ServerResponse>();
  #id = 0;

  constructor(figures: () => unknown) {
    every(figuresMs, () => {
      if (this.#clients.size > 0) this.send('figures', figures());
    });
  }

  /** False: as many clients as there may be are there already. */
  add(client: ServerResponse): boolean {
    if (this.#clients.size >= eventClientCountMax) return false;
    this.#clients.add(client);
    client.on('close', () => this.#clients.delete(client));
    return true;
  }

  send(event: string, fields: unknown): void {
    this.#id += 1;
    const text = `id: ${this.#id}\nevent: ${event}\ndata: ${JSON.stringify(fields)}\n\n`;
    for (const client of this.#clients) {
      if (client.writableLength > unreadBytesMax) client.destroy();
      else client.write(text);
    }
  }

  close(): void {
    for (const client of this.#clients) client.end();
    this.#clients.clear();
  }
}
