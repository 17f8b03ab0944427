// Goal: what one node fetched, another need not: within a deadline, proven fresh against the log, off
// or on by route; and where a route wants it, one node fetches for all. Method: a real member and two
// nodes, which ask the origin of the one that was first: it counts what it is asked.
import { expect, test } from 'vitest';
import type { Member } from '../../bench/kit/members.mjs';
import type { CachedGateway } from '../kit/cached-gateway.ts';
import { oneMember } from '../kit/cluster.ts';
import { type FleetPlan, fleetOf, fleetOfTest, startFleet } from '../kit/fleet.ts';
import { until } from '../kit/gateway.ts';

const fleet = fleetOfTest();

function routes(url: string): unknown {
  const route = (id: string, cache: unknown): unknown => ({
    id,
    match: { path: `/${id}/{name}` },
    upstream: 'origin',
    cache: { tags: ['t-{name}'], ...(cache as object) },
  });
  return {
    upstreams: { origin: { endpoints: [url], timeout: { headers: '20s' } } },
    routes: [
      route('on', {}),
      route('off', { 'second-level': 'off' }),
      route('write', { 'second-level': 'write' }),
      route('one', { coalesce: 'cluster' }),
    ],
  };
}

async function start(answer?: FleetPlan['answer']) {
  fleet.members = await oneMember();
  const plan = { names: ['node-a', 'node-b'], set: fleet.members.settings, routes };
  fleet.nodes = await startFleet(answer === undefined ? plan : { ...plan, answer });
  return fleet.nodes as [CachedGateway, CachedGateway];
}

/** How often origins were asked for a path. */
function asked(path: string): number {
  return fleet.nodes.flatMap(({ origin }) => origin.seen.filter(({ url }) => url === path)).length;
}

/** A busy machine misses a deadline of milliseconds now and then: what is wanted comes in some round. */
async function inSomeRound(round: (path: string) => Promise<boolean>): Promise<void> {
  for (let count = 0; count < 20; count += 1) if (await round(`r${count}`)) return;
  throw new Error('it came in none of 20 rounds');
}

async function statusOf(node: CachedGateway, path: string, ...lines: string[]): Promise<string> {
  return String((await node.ask(path, ...lines)).headers['cache-status']);
}

async function written(node: CachedGateway, count: number): Promise<void> {
  await until('it is written', async () => {
    const fleet = await fleetOf(node.gateway);
    return (fleet?.secondLevel.written ?? 0) >= count;
  });
}

test('a node answers with what another one fetched, with its age, and the origin is asked once', async () => {
  const [a, b] = await start();
  let count = 0;
  await inSomeRound(async (name) => {
    const first = await a.ask(`/on/${name}`);
    count += 1;
    await written(a, count);
    const second = await b.ask(`/on/${name}`);
    expect(second.body).toBe(first.body);
    expect(second.headers['etag']).toEqual(first.headers['etag']);
    const told = String(second.headers['cache-status']);
    if (!/hit; .*detail=second-level/.test(told)) return false;
    expect(asked(`/on/${name}`)).toBe(1);
    expect(await statusOf(b, `/on/${name}`)).toMatch(/^cutover; hit; ttl=\d+$/);
    return true;
  });
  const { body } = await b.gateway.admin('GET', '/v1/cache');
  expect(body.lookups).toBe(body.hits + body.misses);
});

test('what was busted since is not used, whoever busted it', async () => {
  const [a, b] = await start();
  for (const [round, node] of [a, b, a, b].entries()) {
    await a.warm(`/on/r${round}`);
    await written(a, round + 1);
    await node.bust({ tags: [`t-r${round}`] });
    expect(await statusOf(b, `/on/r${round}`)).toContain('fwd=');
  }
});

test('a response that varies is found by its variant', async () => {
  const [a, b] = await start(({ headers }, response) => {
    response.setHeader('cache-control', 'max-age=60');
    response.setHeader('vary', 'accept-language');
    response.end(`in ${headers['accept-language']}`);
  });
  await a.ask('/on/v', 'Accept-Language: de');
  await a.ask('/on/v', 'Accept-Language: fr');
  // The mark that says by what it varies, and two variants.
  await written(a, 3);
  for (const language of ['fr', 'de', 'it']) {
    expect((await b.ask('/on/v', `Accept-Language: ${language}`)).body).toBe(`in ${language}`);
  }
  // Two that the other node has, unless they came late, and one that nobody has.
  expect(asked('/on/v')).toBeGreaterThanOrEqual(3);
  expect(asked('/on/v')).toBeLessThan(5);
});

test('a large body comes whole; one over the limit stays on its node', async () => {
  const [a, b] = await start(({ url }, response) => {
    response.setHeader('cache-control', 'max-age=60');
    response.end('x'.repeat(url.includes('large') ? 400_000 : 200_000));
  });
  let count = 0;
  await inSomeRound(async (name) => {
    await a.warm(`/on/${name}`);
    count += 1;
    await written(a, count);
    expect((await b.ask(`/on/${name}`)).body).toHaveLength(200_000);
    return asked(`/on/${name}`) === 1;
  });
  await a.warm('/on/large');
  expect((await b.ask('/on/large')).body).toHaveLength(400_000);
  expect(asked('/on/large')).toBe(2);
});

test('a route says whether it takes part', async () => {
  const [a, b] = await start();
  let count = 0;
  await inSomeRound(async (name) => {
    for (const id of ['off', 'write', 'on']) await a.warm(`/${id}/${name}`);
    count += 2;
    await written(a, count);
    expect(await statusOf(b, `/off/${name}`)).toContain('fwd=');
    expect(await statusOf(b, `/write/${name}`)).toContain('fwd=');
    return (await statusOf(b, `/on/${name}`)).includes('second-level');
  });
});

test('where a route wants one fetch for all, the origins see one between them', async () => {
  const [a, b] = await start((_request, response) => {
    response.setHeader('cache-control', 'max-age=60');
    setTimeout(() => response.end('slow'), 300);
  });
  await inSomeRound(async (name) => {
    const answers = await Promise.all([a, b, a, b].map((node) => node.ask(`/one/${name}`)));
    expect(answers.map(({ body }) => body)).toEqual(Array(4).fill('slow'));
    return asked(`/one/${name}`) === 1;
  });
});

test('with the cluster away or silent a miss goes to the origin, soon', async () => {
  const [a, b] = await start();
  const member = fleet.members.list[0] as Member;
  await a.warm('/on/w');
  await member.pause();
  expect(await statusOf(b, '/on/w')).toContain('fwd=uri-miss');
  member.resume();
  await member.kill();
  expect(await statusOf(b, '/on/w2')).toContain('fwd=uri-miss');
  expect(await statusOf(a, '/on/w')).toContain('hit');
});
