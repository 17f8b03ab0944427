import { getRequest, KeepAlive, type KeptResponse } from '../../../bench/kit/keep-alive.mjs';
import type { Gateway } from '../gateway.ts';
import type { Counts } from './counts.ts';
import { type Topics, versionIn } from './topics.ts';

const kinds = ['cached', 'strict', 'plain'] as const;
const connectionCount = 8;
/** Each node, of all kinds together. */
const perSecond = 240;
const turnMs = 5;
/** What is still out when the load ends gets so long. */
const lastMs = 5_000;

/** A steady rate of requests to one node over connections that stay, each answer looked at. */
export class Load {
  readonly #gateway: Gateway;
  readonly #topics: Topics;
  readonly #counts: Counts;
  readonly #recovered: () => boolean;
  readonly #idle: KeepAlive[] = [];
  readonly #all = new Set<KeepAlive>();
  readonly #beganMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #sent = 0;
  #out = 0;
  #over = false;

  constructor(gateway: Gateway, topics: Topics, counts: Counts, recovered: () => boolean) {
    this.#gateway = gateway;
    this.#topics = topics;
    this.#counts = counts;
    this.#recovered = recovered;
    for (let index = 0; index < connectionCount; index += 1) this.#open();
    this.#timer = setInterval(() => this.#turn(), turnMs);
  }

  /** Ends it; what is not answered by then has failed. */
  async stop(): Promise<void> {
    this.#over = true;
    clearInterval(this.#timer);
    const untilMs = performance.now() + lastMs;
    while (this.#out > 0 && performance.now() < untilMs) {
      await new Promise((resolve) => setTimeout(resolve, turnMs));
    }
    if (this.#out > 0) this.#counts.remark('failed', `${this.#out} requests were not answered`);
    this.#counts.failed += this.#out;
    this.#out = 0;
    for (const one of this.#all) one.close();
  }

  #open(): void {
    const { hostname } = new URL(this.#gateway.url);
    const connection = new KeepAlive(this.#gateway.port, hostname);
    this.#all.add(connection);
    this.#idle.push(connection);
  }

  #turn(): void {
    const due = Math.floor(((performance.now() - this.#beganMs) * perSecond) / 1000);
    for (; this.#sent < due; this.#sent += 1) {
      const connection = this.#idle.pop();
      // All wait for a node that is stopped: its clients would send no more either.
      if (connection === undefined) continue;
      this.#ask(connection, this.#sent);
    }
  }

  #ask(connection: KeepAlive, index: number): void {
    const kind = kinds[index % kinds.length] ?? 'plain';
    const topic = this.#topics.pick(index);
    const confirmed = this.#topics.confirmed(topic);
    const path = `/${kind}/${topic}`;
    this.#counts.requests += 1;
    this.#out += 1;
    connection.send(getRequest(path), (response) => {
      if (this.#over && this.#out === 0) return;
      this.#out -= 1;
      this.#take({ kind, path, confirmed, response });
      if (!connection.closed) this.#idle.push(connection);
      else {
        this.#all.delete(connection);
        if (!this.#over) this.#open();
      }
    });
  }

  #take(seen: {
    readonly kind: (typeof kinds)[number];
    readonly path: string;
    readonly confirmed: number;
    readonly response: KeptResponse | null;
  }): void {
    const { kind, path, confirmed, response } = seen;
    const counts = this.#counts;
    if (response?.status !== 200) {
      counts.failed += 1;
      const what = response === null ? 'connection closed' : `${response.status} ${response.body}`;
      counts.remark('failed', `${this.#gateway.url}${path}: ${what}`);
      return;
    }
    const version = versionIn(response.body);
    if (version >= confirmed) return;
    const old = `${this.#gateway.url}${path}: v${version} after v${confirmed}`;
    if (kind !== 'cached') {
      counts.oldStrict += 1;
      counts.remark('old', old);
    } else if (this.#recovered()) {
      counts.oldAfter += 1;
      counts.remark('old after', old);
    } else counts.oldOthers += 1;
  }
}
