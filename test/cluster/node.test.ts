// Goal: a node joins the cluster of its settings, says how that goes, and serves whatever becomes of
// it. Method: a whole gateway, and a real member that comes, goes and comes back.
import { afterEach, expect, test } from 'vitest';
import type { Member, Members } from '../../bench/kit/members.mjs';
import { oneMember } from '../kit/cluster.ts';
import { Gateway, until } from '../kit/gateway.ts';

const definitions = {
  routes: [{ id: 'hello', match: { path: '/hello' }, respond: { status: 200, body: 'hello' } }],
};

let members: Members | undefined;
let gateway: Gateway | undefined;

afterEach(async () => {
  gateway?.process.kill('SIGKILL');
  await members?.stop();
});

async function clients(one: Gateway): Promise<Record<string, { state: string }> | null> {
  return (await one.admin('GET', '/v1/nodes')).body.nodes[0].cluster;
}

function both(one: Gateway, state: string): Promise<void> {
  const told = async () => {
    const cluster = await clients(one);
    return cluster?.['log']?.state === state && cluster['bodies']?.state === state;
  };
  return until(`both clients are ${state}`, told, 30_000);
}

test('a node that starts with its cluster away serves, joins when it comes, and leaves at its end', async () => {
  members = await oneMember();
  const member = members.list[0] as Member;
  await member.kill();
  gateway = await Gateway.start({ definitions, set: members.settings });
  const one = gateway;
  const hello = async () => (await fetch(`${one.url}/hello`)).text();
  expect(await hello()).toBe('hello');
  await both(one, 'offline');
  member.start();
  await both(one, 'connected');
  await member.kill();
  await both(one, 'offline');
  expect(await hello()).toBe('hello');
  member.start();
  await both(one, 'connected');
  const metrics = await (await fetch(`${one.adminUrl}/metrics`)).text();
  expect(metrics).toContain('cutover_cluster_connections{client="bodies"} 1');
  const states = one.log
    .split('\n')
    .filter((line) => line.includes('"kind":"cluster"') && line.includes('"client":"log"'))
    .map((line) => JSON.parse(line).state);
  expect(states).toEqual(['offline', 'connected', 'offline', 'connected']);
  one.process.kill('SIGTERM');
  expect(await one.exited).toBe(0);
});

test('a node with cluster.kind: memory is in no cluster', async () => {
  gateway = await Gateway.start({ definitions, set: ['cluster.kind=memory'] });
  expect(await clients(gateway)).toBeNull();
  expect(await (await fetch(`${gateway.adminUrl}/metrics`)).text()).not.toContain('cluster');
});
