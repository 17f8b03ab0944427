// Goal: a bust that any node is asked for has, when it is answered, reached every worker of every
// live node; with the cluster away it is queued on disk, holds here at once, and is delivered later.
// Method: real members, three gateways with an origin each, and what their clients are answered.
import { expect, onTestFinished, test } from 'vitest';
import type { Member } from '../../bench/kit/members.mjs';
import type { CachedGateway } from '../kit/cached-gateway.ts';
import { oneMember } from '../kit/cluster.ts';
import { fleetOfTest, startFleet } from '../kit/fleet.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const fleet = fleetOfTest();

/** Each node's origin counts what it was asked. */
function routes(url: string): unknown {
  return {
    upstreams: { origin: { endpoints: [url] } },
    routes: [
      {
        id: 'page',
        match: { path: '/{name}' },
        upstream: 'origin',
        cache: { tags: ['t-{name}'], 'second-level': 'off' },
      },
    ],
  };
}

async function start(count: number): Promise<readonly [CachedGateway, ...CachedGateway[]]> {
  fleet.members = await oneMember();
  const names = ['node-a', 'node-b', 'node-c'].slice(0, count);
  fleet.nodes = await startFleet({ names, set: fleet.members.settings, routes });
  return fleet.nodes as [CachedGateway, ...CachedGateway[]];
}

async function statusOf(node: CachedGateway, path: string): Promise<string> {
  return String((await node.ask(path)).headers['cache-status']);
}

test('a bust reaches all nodes before it is answered, and says what each took', async () => {
  const [a, ...others] = await start(3);
  for (let round = 0; round < 20; round += 1) {
    for (const node of fleet.nodes) await node.warm('/one');
    const reply = await a.bust({ tags: ['t-one'] });
    expect(reply.nodes.map(({ id }) => id).sort()).toEqual(['node-a', 'node-b', 'node-c']);
    for (const node of [a, ...others]) expect(await statusOf(node, '/one')).toContain('fwd=');
  }
});

test('an unsafe request to one node invalidates on the others', async () => {
  const [a, b] = await start(2);
  await b?.warm('/two');
  const posted = await exchange(
    a.gateway.port,
    'POST /two HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n',
  );
  expect(posted.status).toBe(200);
  // Nobody waits for it, so it takes its moment.
  await until('it is gone', async () =>
    (await statusOf(b as CachedGateway, '/two')).includes('fwd='),
  );
});

test('while the cluster does not answer, a bust is queued, holds here at once, and gets there later', async () => {
  const [a, b] = await start(2);
  const member = fleet.members.list[0] as Member;
  for (const node of fleet.nodes) await node.warm('/three');
  await member.pause();
  const answer = await a.gateway.admin('POST', '/v1/cache/bust', { tags: ['t-three'] });
  expect(answer).toMatchObject({ status: 202, body: { queued: true } });
  expect(await statusOf(a, '/three')).toContain('fwd=');
  expect(await statusOf(b as CachedGateway, '/three')).toContain('hit');
  member.resume();
  await until('it is gone', async () =>
    (await statusOf(b as CachedGateway, '/three')).includes('fwd='),
  );
  // It was the bust: nothing was missed, so nothing else was dropped.
  expect(b?.gateway.log).not.toContain('"what":"lost"');
  await until('it is told', () => a.gateway.log.includes('"what":"delivered"'));
});

test('when the cluster comes back with nothing, what cannot be proven fresh is dropped', async () => {
  const [a, b] = await start(2);
  const member = fleet.members.list[0] as Member;
  for (const node of fleet.nodes) await node.warm('/four');
  await member.kill();
  const answer = await a.gateway.admin('POST', '/v1/cache/bust', { tags: ['t-other'] });
  expect(answer).toMatchObject({ status: 202, body: { queued: true } });
  for (const node of fleet.nodes) expect(await statusOf(node, '/four')).toContain('hit');
  member.start();
  for (const { gateway } of fleet.nodes) {
    await until('it has dropped all', () => gateway.log.includes('"what":"lost"'), 30_000);
  }
  expect(await statusOf(b as CachedGateway, '/four')).toContain('fwd=');
  await until('it is told', () => a.gateway.log.includes('"what":"delivered"'), 30_000);
});

test('a bust that was queued is there after a crash of its node', async () => {
  const [a, b] = await start(2);
  const member = fleet.members.list[0] as Member;
  await b?.warm('/five');
  await member.pause();
  const answer = await a.gateway.admin('POST', '/v1/cache/bust', { tags: ['t-five'] });
  expect(answer.status).toBe(202);
  a.gateway.process.kill('SIGKILL');
  await a.gateway.exited;
  // What its client had sent may arrive now, or may not; what it had written down must.
  member.resume();
  const again = await Gateway.start({
    dataFolder: a.gateway.dataFolder,
    set: [...fleet.members.settings, 'node.id=node-a'],
  });
  onTestFinished(() => again.kill());
  await until('it is told', () => again.log.includes('"what":"delivered"'), 30_000);
  await until(
    'it is gone',
    async () => (await statusOf(b as CachedGateway, '/five')).includes('fwd='),
    30_000,
  );
});

test('a strict route answers nothing stored while a bust may have been missed; others do', async () => {
  fleet.members = await oneMember();
  const both = (url: string): unknown => ({
    upstreams: { origin: { endpoints: [url] } },
    routes: ['strict', 'plain'].map((id) => ({
      id,
      match: { path: `/${id}/{name}` },
      upstream: 'origin',
      cache: { strict: id === 'strict' },
    })),
  });
  fleet.nodes = await startFleet({
    names: ['node-a', 'node-b'],
    set: fleet.members.settings,
    routes: both,
  });
  const [a] = fleet.nodes as [CachedGateway, CachedGateway];
  const member = fleet.members.list[0] as Member;
  await a.warm('/strict/x');
  await a.warm('/plain/x');
  await member.pause();
  await until('it is in doubt', async () => (await statusOf(a, '/strict/x')).includes('fwd=stale'));
  expect(await statusOf(a, '/strict/x')).toContain('fwd=stale');
  expect(await statusOf(a, '/plain/x')).toContain('hit');
  member.resume();
  await a.warm('/strict/x');
});

test('a node that was stopped for a while answers nothing that was busted meanwhile, where a route is strict', async () => {
  fleet.members = await oneMember();
  const strict = (url: string): unknown => ({
    upstreams: { origin: { endpoints: [url] } },
    routes: [
      {
        id: 'page',
        match: { path: '/{name}' },
        upstream: 'origin',
        cache: { strict: true, tags: ['t-{name}'] },
      },
    ],
  });
  fleet.nodes = await startFleet({
    names: ['node-a', 'node-b'],
    set: fleet.members.settings,
    routes: strict,
  });
  const [a, b] = fleet.nodes as [CachedGateway, CachedGateway];
  for (let round = 0; round < 3; round += 1) {
    const path = `/r${round}`;
    await b.warm(path);
    b.gateway.process.kill('SIGSTOP');
    // On a connection that is there already, as a client of the stopped node has one.
    const client = await RawClient.connect(b.gateway.port);
    client.send(get(path));
    const reply = await a.bust({ tags: [`t-r${round}`] });
    expect(reply.nodes.map(({ id }) => id)).toEqual(['node-a']);
    b.gateway.process.kill('SIGCONT');
    const answer = await client.response();
    expect(String(answer.headers['cache-status'])).toContain('fwd=');
    client.close();
  }
});
