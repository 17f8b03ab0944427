import { expect } from 'vitest';
import { Gateway, type GatewayOptions, until } from './gateway.ts';
import { type Origin, type SeenRequest, startOrigin } from './origin.ts';
import { exchange, get, type RawResponse } from './raw-client.ts';

type Answer = Parameters<typeof startOrigin>[0];

/** A definition of one cached route, `/**`, in front of an origin. */
export function cachedDefinitions(
  url: string,
  cache: object,
  { upstream = {}, ...route }: { readonly upstream?: object } & Record<string, unknown> = {},
): object {
  return {
    upstreams: { origin: { endpoints: [url], ...upstream } },
    routes: [{ id: 'cached', match: { path: '/**' }, upstream: 'origin', cache, ...route }],
  };
}

export interface CachedRoute {
  readonly gateway: Gateway;
  readonly origin: Origin;
  /** A GET on a connection of its own. */
  get(path: string, ...lines: readonly string[]): Promise<RawResponse>;
  /** How often the origin was asked for a path. */
  askedFor(path: string): number;
  seenFor(path: string): SeenRequest[];
  close(): Promise<void>;
}

/** A gateway with one cached route in front of an origin. */
export async function startCachedRoute(
  cache: object,
  answer: Answer,
  {
    route = {},
    ...options
  }: GatewayOptions & { readonly route?: Parameters<typeof cachedDefinitions>[2] } = {},
): Promise<CachedRoute> {
  const origin = await startOrigin(answer);
  const gateway = await Gateway.start({
    definitions: cachedDefinitions(origin.url, cache, route),
    ...options,
  });
  const seenFor = (path: string) => origin.seen.filter(({ url }) => url === path);
  return {
    gateway,
    origin,
    get: (path, ...lines) => exchange(gateway.port, get(path, ...lines)),
    askedFor: (path) => seenFor(path).length,
    seenFor,
    async close() {
      await expectSettled(gateway);
      expect(await gateway.stop()).toBe(0);
      await origin.close();
    },
  };
}

/** Nothing runs or is pinned any more, the ledger is equal, and no mistake of ours is in the log. */
export async function expectSettled(gateway: Gateway): Promise<void> {
  await until('nothing is pinned', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].generations.every(({ pinned }: { pinned: number }) => pinned === 0);
  });
  const { body } = await gateway.admin('GET', '/v1/nodes');
  for (const { ledger } of body.nodes[0].generations) {
    const { accepted, completed, aborted, refused, failed } = ledger;
    expect(completed + aborted + refused + failed).toBe(accepted);
  }
  expect(gateway.log).not.toMatch(/exchange crashed|worker broken|worker lost|control lost/);
}

export function header(response: RawResponse, name: string): string {
  return response.headers[name]?.join(', ') ?? '';
}

/** Our member of Cache-Status. */
export function statusOf(response: RawResponse): string {
  return header(response, 'cache-status');
}
