import type { ServerResponse } from 'node:http';
import { Gateway, type GatewayOptions, until } from './gateway.ts';
import { type Origin, type SeenRequest, startOrigin } from './origin.ts';
import { exchange, get, type RawResponse } from './raw-client.ts';

/** The host that requests of `ask` are for (raw-client.ts). */
export const cachedHost = 'test';

/** A gateway with a cache before an origin that says how long its answers are fresh. */
export class CachedGateway {
  readonly gateway: Gateway;
  readonly origin: Origin & { readonly seen: SeenRequest[] };

  private constructor(gateway: Gateway, origin: Origin) {
    this.gateway = gateway;
    this.origin = origin;
  }

  /** `routes` get the origin's address; what `answer` does not say is fresh for a minute. */
  static async start(
    routes: (url: string) => unknown,
    options: Omit<GatewayOptions, 'definitions'> = {},
    answer: (request: SeenRequest, response: ServerResponse) => void = fresh,
  ): Promise<CachedGateway> {
    const origin = await startOrigin(answer);
    const set = ['cache.memory=8MiB', ...(options.set ?? [])];
    const gateway = await Gateway.start({ ...options, set, definitions: routes(origin.url) });
    return new CachedGateway(gateway, origin);
  }

  /** A GET; `cache-status` says what the cache did. */
  ask(path: string, ...headers: string[]): Promise<RawResponse> {
    return exchange(this.gateway.port, get(path, ...headers));
  }

  /** Asks until it is answered out of the cache: what was fetched is stored a moment later. */
  async warm(path: string, ...headers: string[]): Promise<void> {
    await until(`a hit on ${path}`, async () => isHit(await this.ask(path, ...headers)));
  }

  /** Makes something unusable and insists that it was taken. */
  async bust(body: unknown): Promise<BustReply> {
    const answer = await this.gateway.admin('POST', '/v1/cache/bust', body);
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  }

  async stop(): Promise<void> {
    await this.gateway.stop();
    await this.origin.close();
  }
}

export interface BustReply {
  readonly position: number;
  readonly entries: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly workers: readonly { readonly id: number; readonly droppedMs: number }[];
  }[];
  readonly droppedMs: number;
}

export function isHit({ headers }: RawResponse): boolean {
  return headers['cache-status']?.join(',').includes('hit') === true;
}

function fresh({ url }: SeenRequest, response: ServerResponse): void {
  response.setHeader('cache-control', 'max-age=60');
  response.setHeader('etag', '"1"');
  response.end(`origin ${url}`);
}
