// Goal: a node that starts has what the others use most before it is ready; and any node tells of all,
// by node and by region. Method: a real member, two nodes that are asked, and a third that comes.
import { expect, test } from 'vitest';
import type { CachedGateway } from '../kit/cached-gateway.ts';
import { oneMember } from '../kit/cluster.ts';
import { eachHears, fleetOfTest, startFleet, startNode } from '../kit/fleet.ts';
import { until } from '../kit/gateway.ts';

const fleet = fleetOfTest();

function routes(url: string): unknown {
  return {
    upstreams: { origin: { endpoints: [url] } },
    routes: [{ id: 'page', match: { path: '/{name}' }, upstream: 'origin', cache: {} }],
  };
}

const pages = Array.from({ length: 40 }, (_, index) => `/page-${index}`);

async function start(): Promise<CachedGateway> {
  fleet.members = await oneMember();
  const plan = { set: fleet.members.settings, routes };
  fleet.nodes = await startFleet({ names: ['node-a', 'node-b'], ...plan });
  const [a] = fleet.nodes as [CachedGateway];
  for (const page of pages) for (let count = 0; count < 3; count += 1) await a.warm(page);
  return a;
}

test('a new node answers what others use from its own cache, at once', async () => {
  await start();
  let entries = 0;
  // What a node uses most it tells when it has looked at all that it has.
  await until(
    'a new node is warm',
    async () => {
      const fresh = await startNode('node-c', { set: fleet.members.settings, routes });
      fleet.nodes.push(fresh);
      const line = fresh.gateway.log.split('\n').find((one) => one.includes('warmed up by other'));
      entries = JSON.parse(line ?? '{}').entries ?? 0;
      if (entries > 0) return true;
      fresh.gateway.process.kill('SIGKILL');
      return false;
    },
    40_000,
  );
  expect(entries).toBeGreaterThan(pages.length / 2);
  const fresh = fleet.nodes.at(-1) as CachedGateway;
  let own = 0;
  for (const page of pages) {
    const status = String((await fresh.ask(page)).headers['cache-status']);
    if (/^cutover; hit; ttl=\d+$/.test(status)) own += 1;
  }
  expect(own).toBe(entries);
});

test('any node tells of all nodes, their workers and caches, and sums by region', async () => {
  const a = await start();
  const set = [...fleet.members.settings, 'node.region=far-1', 'workers=2'];
  const far = await startNode('node-far', { set, routes });
  fleet.nodes.push(far);
  await eachHears(fleet.nodes.map(({ gateway }) => gateway));
  await far.warm('/far');
  await until('it is told', async () => {
    const { body } = await a.gateway.admin('GET', '/v1/nodes');
    const other = body.nodes.find(({ id }: { id: string }) => id === 'node-far');
    return other?.ready === true && other.workers.length === 2 && other.cache?.hits > 0;
  });
  const { body } = await a.gateway.admin('GET', '/v1/nodes');
  expect(body.nodes.map(({ id }: { id: string }) => id)).toEqual(['node-a', 'node-b', 'node-far']);
  expect(body.nodes[2]).toMatchObject({ region: 'far-1', live: true, revision: 1, notReady: null });
  const cache = (await a.gateway.admin('GET', '/v1/cache')).body;
  expect(Object.keys(cache.regions)).toEqual(['far-1', 'local']);
  expect(cache.regions['local'].nodes).toBe(2);
  expect(cache.fleet.nodes).toBe(3);
  const { fleet: all, regions } = cache;
  expect(all.lookups).toBe(regions['far-1'].lookups + regions['local'].lookups);
  expect(all.hits + all.misses).toBe(all.lookups);
});
