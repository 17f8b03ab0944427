import { type CacheSums, cacheSumsOf, type HeardNode } from '../../model/fleet.ts';

/** Another node as `GET /v1/nodes` tells of it: what it told of itself last. */
export function heardNode(node: HeardNode): Record<string, unknown> {
  const { id, region, revision, hash, ready, notReady, live, silentMs, workers, cache } = node;
  return {
    id,
    region,
    revision,
    hash,
    live,
    silentMs: Math.round(silentMs),
    ready: ready && live,
    notReady: live ? notReady || null : 'it was not heard of for 3 s',
    workers: workers.map((worker, index) => ({ id: index, ...worker })),
    applied: node.applied,
    cache,
  };
}

/** Sums over nodes, with the share of hits. */
export type FleetCache = CacheSums & { readonly nodes: number; readonly hitRate: number | null };

export interface FleetCaches {
  readonly fleet: FleetCache;
  readonly regions: Readonly<Record<string, FleetCache>>;
}

/** The caches of all nodes together, and of each region. */
export function fleetCaches(
  own: { readonly region: string; readonly cache: CacheSums },
  others: readonly HeardNode[],
): FleetCaches {
  const all = [own, ...others.filter(({ live }) => live)].flatMap(({ region, cache }) =>
    cache === null ? [] : [{ region, cache }],
  );
  const regions = [...new Set(all.map(({ region }) => region))].sort();
  const sum = (caches: readonly CacheSums[]): FleetCache => {
    const sums = cacheSumsOf((name) => caches.reduce((total, cache) => total + cache[name], 0));
    const hitRate = sums.lookups === 0 ? null : sums.hits / sums.lookups;
    return { nodes: caches.length, ...sums, hitRate };
  };
  return {
    fleet: sum(all.map(({ cache }) => cache)),
    regions: Object.fromEntries(
      regions.map((region) => [
        region,
        sum(all.filter((one) => one.region === region).map(({ cache }) => cache)),
      ]),
    ),
  };
}
