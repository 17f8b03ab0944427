import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** So many that in one fault none is busted twice: a bust that was lost is not hidden by the next. */
const topicCount = 1_000;
/** The last ones are asked for more than others: there an old answer would be. */
const recentCount = 40;

/**
 * What is published, in versions, with the origin that answers with them; and which version nobody
 * may be behind any more.
 */
export class Topics {
  readonly count = topicCount;
  /** Of the origin. */
  url = '';
  readonly #versions = new Array<number>(topicCount).fill(1);
  /** Whose bust was confirmed: no strict route answers with an older one from then on. */
  readonly #confirmed = new Array<number>(topicCount).fill(1);
  /** Whose bust was confirmed or queued: in the end no route does. */
  readonly #promised = new Array<number>(topicCount).fill(1);
  readonly #server: Server;
  #next = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      const topic = Number(request.url?.split('/')[2]);
      response.setHeader('cache-control', 'max-age=600');
      response.end(`v${this.#versions[topic]}`);
    });
    // Longer than what the test takes: an idle connection of a node must not end in its face.
    this.#server.keepAliveTimeout = 600_000;
  }

  static async start(host: string): Promise<Topics> {
    const topics = new Topics();
    await new Promise<void>((resolve) => {
      topics.#server.listen(0, host, resolve);
    });
    topics.url = `http://${host}:${(topics.#server.address() as AddressInfo).port}`;
    return topics;
  }

  /** The next version of the next topic. */
  publish(): { readonly topic: number; readonly version: number } {
    const topic = this.#next;
    this.#next = (topic + 1) % topicCount;
    const version = (this.#versions[topic] ?? 0) + 1;
    this.#versions[topic] = version;
    return { topic, version };
  }

  /** Which one a client asks for: every other time one that was published just now. */
  pick(index: number): number {
    const scattered = index * 7919;
    if (index % 2 === 0) return scattered % topicCount;
    return (this.#next + topicCount - 1 - (scattered % recentCount)) % topicCount;
  }

  confirm(topic: number, version: number): void {
    this.#confirmed[topic] = Math.max(this.#confirmed[topic] ?? 0, version);
    this.promise(topic, version);
  }

  promise(topic: number, version: number): void {
    this.#promised[topic] = Math.max(this.#promised[topic] ?? 0, version);
  }

  confirmed(topic: number): number {
    return this.#confirmed[topic] ?? 0;
  }

  promised(topic: number): number {
    return this.#promised[topic] ?? 0;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** What is served, as the revision of a number. */
export function definitionsOf(url: string, revision: number): unknown {
  const cached = { tags: ['t-{topic}'] };
  const route = (id: string, more: object) => ({
    ...{ id, match: { path: `/${id}/{topic}` }, upstream: 'origin' },
    ...more,
  });
  return {
    upstreams: { origin: { endpoints: [url] } },
    routes: [
      { id: 'revision', match: { path: '/revision' }, respond: { body: `r${revision}` } },
      route('cached', { cache: cached }),
      route('strict', { cache: { ...cached, strict: true } }),
      route('plain', {}),
    ],
  };
}

export function versionIn(body: string): number {
  return Number(/^v(\d+)$/.exec(body)?.[1] ?? Number.NaN);
}
