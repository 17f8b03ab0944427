// Goal: with three members the death of one loses nothing that was acknowledged, and a member that
// is left alone refuses to write and goes on reading. Method: real members, killed with -9.
import { Client } from 'hazelcast-client';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Members } from '../../bench/kit/members.mjs';
import { openHazelcast } from '../../src/cluster/hazelcast.ts';
import type { HazelcastCluster } from '../../src/cluster/hazelcast-cluster.ts';
import { codeOf, connected, joined } from '../kit/cluster.ts';
import { until } from '../kit/gateway.ts';

/** Three JVMs at once, and whatever else this machine does. */
const startMsMax = 120_000;

let members: Members;
let cluster: HazelcastCluster;

beforeAll(async () => {
  members = await Members.start({ count: 3 });
  ({ cluster } = await joined(members));
  await connected(cluster);
  await until('all are connected', () => cluster.figures.log.connections === 3, 20_000);
}, startMsMax);
afterAll(async () => {
  await cluster.stop();
  await members.stop();
});

/** Adds until the cluster says yes, as whoever writes to the log must: the item carries its id. */
async function addSurely(text: string): Promise<void> {
  const ring = cluster.ring('cutover.log');
  const added = async () => (await codeOf(ring.add(Buffer.from(text)))) === 'answered';
  await until(`${text} is added`, added, 30_000);
}

test('a key beside a ring lies with it, and is written with its backups', async () => {
  const wanted = { clusterName: members.name, members: members.addresses, clientName: 'beside' };
  let tell = (): void => {};
  const isConnected = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const nothing = (): void => {};
  const events = { connected: tell, disconnected: nothing, closed: nothing, warned: nothing };
  const { session } = await openHazelcast(wanted, events);
  onTestFinished(() => session.close());
  await isConnected;
  const client = await Client.newHazelcastClient({
    clusterName: members.name,
    network: { clusterMembers: [...members.addresses] },
    properties: { 'hazelcast.logging.level': 'OFF' },
  });
  onTestFinished(() => client.shutdown());
  const partitions = client.getPartitionService();
  for (const ring of ['cutover.log', 'cutover.nodes', 'cutover.log']) {
    const key = session.keyBeside(ring);
    expect(partitions.getPartitionId(key)).toBe(partitions.getPartitionId(ring));
  }
  expect(await codeOf(cluster.ring('cutover.log').touch({ deadlineMs: 10_000 }))).toBe('answered');
});

test('kill -9 of one of three while items are added: none is lost, some may be twice', async () => {
  const count = 300;
  const killed = members.list[0];
  for (let index = 0; index < count; index += 1) {
    await addSurely(`item ${index}`);
    if (index === 100) void killed?.kill();
  }
  await until('two are left', () => cluster.figures.log.connections === 2, 20_000);
  const items = await cluster.ring('cutover.log').read(0, 1000, { deadlineMs: 10_000 });
  const texts = [...new Set(items.map(({ value }) => value.toString()))];
  expect(texts).toEqual(Array.from({ length: count }, (_, index) => `item ${index}`));
});

test('one that is left alone says that it is a minority, and still reads', async () => {
  await members.list[1]?.kill();
  const ring = cluster.ring('cutover.log');
  const add = () => codeOf(ring.add(Buffer.from('alone'), { deadlineMs: 5000 }));
  await until('a minority', async () => (await add()) === 'cluster-minority', 30_000);
  expect(await codeOf(ring.touch())).toBe('cluster-minority');
  const { tail } = await ring.bounds();
  expect(await ring.read(tail, 1)).toHaveLength(1);
  const set = cluster.map('cutover.meta', 'log').set('key', Buffer.from('value'));
  expect(await codeOf(set)).toBe('cluster-minority');
  // Cached bodies may differ on two sides: these go on.
  const stored = cluster.map('cutover.cache', 'bodies').set('key', Buffer.from('value'));
  expect(await codeOf(stored)).toBe('answered');
  // An answer, if not the one that was wanted: no reason to stop asking.
  expect(cluster.client('log').isUsable).toBe(true);
});
