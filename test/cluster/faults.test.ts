// Goal: whatever becomes of a member, every call is settled by its deadline, what is under way stays
// within its bounds, and all is well again when the member is. Method: one real member that is
// paused, killed and started again; small limits.
import { Client } from 'hazelcast-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Member, Members } from '../../bench/kit/members.mjs';
import type { ClientLimits } from '../../src/cluster/guarded-client.ts';
import { clientLimits, type HazelcastCluster } from '../../src/cluster/hazelcast-cluster.ts';
import { codeOf, connected, type Joined, joined, oneMember } from '../kit/cluster.ts';
import { until } from '../kit/gateway.ts';

let members: Members;
let member: Member;
const open: HazelcastCluster[] = [];

beforeAll(async () => {
  members = await oneMember();
  member = members.list[0] as Member;
});
beforeEach(async () => {
  if (member.pid !== null) member.resume();
  else member.start();
  await members.ready();
});
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.stop();
});
afterAll(() => members.stop());

/** Connected and warm: the first calls of a new JVM take a tenth of a second and more. */
async function join(limits: Partial<ClientLimits> = {}): Promise<Joined> {
  const one = await joined(members, limits);
  open.push(one.cluster);
  await Promise.all([connected(one.cluster, 'log'), connected(one.cluster, 'bodies')]);
  const deadlineMs = 10_000;
  await one.cluster.map('map', 'log').get('key', { deadlineMs });
  await one.cluster.map('map', 'bodies').get('key', { deadlineMs });
  return one;
}

/** Counts, opens late, does not get in the way of what another test is about. */
const patient = { failuresPercent: 100, of: 10_000, openMs: 1000 };
const bytes = (length: number): Uint8Array => new Uint8Array(length);

describe('a member that says nothing', () => {
  test('costs a call its deadline; what it answers later is counted, and given to nobody', async () => {
    const { cluster } = await join({ breaker: patient });
    const map = cluster.map('map', 'bodies');
    await map.set('key', bytes(10));
    await member.pause();
    expect(await codeOf(map.get('key', { deadlineMs: 15 }))).toBe('cluster-timeout');
    expect(await codeOf(map.set('key', bytes(20), { deadlineMs: 100 }))).toBe('cluster-timeout');
    expect(cluster.figures.bodies).toMatchObject({ inFlight: 2, overdue: 2, late: 0 });
    member.resume();
    await until('late answers', () => cluster.figures.bodies.late === 2);
    expect(cluster.figures.bodies).toMatchObject({ inFlight: 0, inFlightBytes: 0, overdue: 0 });
    expect(cluster.figures.bodies.failed['timeout']).toBe(2);
    // Told to have failed, and done all the same.
    expect((await map.get('key'))?.length).toBe(20);
  });

  test('lets no more calls wait than the bound: the next is refused at once', async () => {
    const inFlight = { callCountMax: 8, bytesMax: 1024 * 1024 };
    const { cluster } = await join({ breaker: patient, inFlight, answerBytes: 0 });
    const map = cluster.map('map', 'log');
    await member.pause();
    const waiting = Array.from({ length: 8 }, () => codeOf(map.get('key', { deadlineMs: 200 })));
    expect(await codeOf(map.get('key', { deadlineMs: 60_000 }))).toBe('cluster-busy');
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['cluster-timeout']));
    // Their callers are gone, but the client still keeps them.
    expect(await codeOf(map.get('key', { deadlineMs: 60_000 }))).toBe('cluster-busy');
    member.resume();
    await until('places are free', () => cluster.figures.log.inFlight === 0);
    expect(await codeOf(map.get('key'))).toBe('answered');
    expect(cluster.figures.log.failed).toMatchObject({ busy: 2, timeout: 8 });
  });

  test('lets no more bytes wait than the bound, of one client and not of the other', async () => {
    const inFlight = { callCountMax: 100, bytesMax: 1024 * 1024 };
    const { cluster } = await join({ breaker: patient, inFlight, answerBytes: 0 });
    const map = cluster.map('map', 'bodies');
    await member.pause();
    const first = codeOf(map.set('a', bytes(600_000), { deadlineMs: 300 }));
    expect(await codeOf(map.set('b', bytes(600_000)))).toBe('cluster-busy');
    expect(cluster.figures.bodies.inFlightBytes).toBe(600_000);
    expect(cluster.figures.log.inFlightBytes).toBe(0);
    expect(await first).toBe('cluster-timeout');
  });

  test('opens the breaker: calls are refused until one gets through again', async () => {
    const { cluster, events } = await join({
      breaker: { failuresPercent: 50, of: 4, openMs: 200 },
      deadlineMs: 100,
    });
    const map = cluster.map('map', 'log');
    await member.pause();
    const opened = async () => (await codeOf(map.get('key'))) === 'cluster-breaker-open';
    await until('the breaker is open', opened);
    expect(cluster.client('log').isUsable).toBe(false);
    expect(cluster.client('bodies').isUsable).toBe(true);
    const timeouts = cluster.figures.log.failed['timeout'] ?? 0;
    // The trial alone is sent, and fails.
    await until('a trial', () => cluster.client('log').isUsable);
    const codes = await Promise.all([map.get('key'), map.get('key')].map(codeOf));
    expect(codes).toEqual(['cluster-timeout', 'cluster-breaker-open']);
    expect(cluster.figures.log.failed['timeout']).toBe(timeouts + 1);
    member.resume();
    await until('answered', async () => (await codeOf(map.get('key'))) === 'answered');
    expect(cluster.figures.log.breaker).toBe('closed');
    const told = events.filter((one) => one.startsWith('log: breaker'));
    // A trial more when this machine is slow.
    expect(told.slice(0, 2)).toEqual(['log: breaker open', 'log: breaker open']);
    expect(told.at(-1)).toBe('log: breaker closed');
    expect(cluster.figures.log.breakerOpened).toBe(told.length - 1);
  });
});

describe('a member that is killed', () => {
  test('again and again leaves nothing of its connections, and no breaker open', async () => {
    const made = vi.spyOn(Client, 'newHazelcastClient');
    const { cluster } = await join({ breaker: { failuresPercent: 50, of: 4, openMs: 60_000 } });
    const clients = await Promise.all(made.mock.results.map(({ value }) => value));
    made.mockRestore();
    expect(clients).toHaveLength(2);
    const map = cluster.map('map', 'log');
    for (let turn = 0; turn < 2; turn += 1) {
      // What is under way when the member dies fails, and opens the breaker.
      await member.pause();
      const calls = Array.from({ length: 4 }, () => codeOf(map.get('key', { deadlineMs: 100 })));
      await Promise.all(calls);
      expect(cluster.client('log').isUsable).toBe(false);
      await member.kill();
      await until('offline', () => cluster.figures.log.state === 'offline');
      member.start();
      await members.ready();
      await Promise.all([connected(cluster, 'log'), connected(cluster, 'bodies')]);
      expect(await codeOf(map.get('key', { deadlineMs: 10_000 }))).toBe('answered');
    }
    const kept = () =>
      clients.map((one) => one.invocationService.invocationsWithEventHandlers.size);
    await until('one listener each is kept', () => kept().every((count) => count === 1));
  });

  // Hangs, instead of failing, where the client asks the same connection again within one turn.
  test('costs no more than turns of the event loop while its broken connection is still there', async () => {
    const made = vi.spyOn(Client, 'newHazelcastClient');
    await join();
    const [client] = await Promise.all(made.mock.results.map(({ value }) => value));
    made.mockRestore();
    const views = client.clusterViewListenerService;
    const connection = views.listenerAddedConnection;
    // As a write to a dead peer leaves it, until the socket is closed.
    connection.writer.error = new Error('the write failed');
    views.tryRegisterToRandomConnection(connection);
    await new Promise((resolve) => setTimeout(resolve, 200));
    connection.writer.error = undefined;
    await until('it has news of the members again', () => views.listenerAddedConnection !== null);
  });

  test('is told at once, refuses calls while it is gone, and is used when it is back', async () => {
    const { cluster, events } = await join();
    const ring = cluster.ring('ring');
    const { tail } = await ring.bounds();
    const parked = codeOf(ring.park(tail + 1, 10).result);
    await member.kill();
    expect(await parked).toBe('cluster-disconnected');
    await until('both know', () => events.filter((one) => one.endsWith('offline')).length === 2);
    expect(await codeOf(ring.bounds())).toBe('cluster-offline');
    expect(await codeOf(ring.park(0, 10).result)).toBe('cluster-offline');
    await until('nothing is kept', () => cluster.figures.log.inFlight === 0);
    expect(cluster.figures.log).toMatchObject({ state: 'offline', connections: 0, overdue: 0 });
    member.start();
    await members.ready();
    await connected(cluster);
    // Nothing says that this is another ring than before: its sequences begin again.
    expect(await ring.add(bytes(10), { deadlineMs: 10_000 })).toBe(0);
    expect(events.filter((one) => one.startsWith('log'))).toEqual([
      'log: connected',
      'log: offline',
      'log: connected',
    ]);
  });

  test('in the middle of a full line: calls that are lost with it get another client', async () => {
    const { cluster, events } = await join({
      breaker: patient,
      deadlineMs: 300,
      replacement: { ...clientLimits.bodies.replacement, leakMs: 500, pauseMsMin: 100 },
    });
    const map = cluster.map('map', 'bodies');
    await member.pause();
    // More than the sockets take: most of it waits in the client when the connection breaks.
    const calls = Array.from({ length: 200 }, (_, index) =>
      codeOf(map.set(`key ${index}`, bytes(256 * 1024))),
    );
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['cluster-timeout']));
    await member.kill();
    await until('the client is offline', () => cluster.figures.bodies.state === 'offline');
    // Nobody will ever settle these.
    const { leakCountMax } = clientLimits.bodies.replacement;
    expect(cluster.figures.bodies.overdue).toBeGreaterThan(leakCountMax);
    member.start();
    await members.ready();
    await until('replaced', () => cluster.figures.bodies.replaced['leaked'] === 1, 20_000);
    await connected(cluster, 'bodies');
    expect(cluster.figures.bodies).toMatchObject({ inFlight: 0, inFlightBytes: 0, overdue: 0 });
    expect(await codeOf(map.set('key', bytes(10), { deadlineMs: 10_000 }))).toBe('answered');
    expect(events).toContain('bodies: replaced, leaked');
    expect(cluster.figures.log.replaced['leaked']).toBe(0);
  });
});

test('a client that gave up gets a successor', async () => {
  const replacement = { ...clientLimits.log.replacement, pauseMsMin: 100 };
  const { cluster, events } = await join({ replacement });
  await member.kill();
  // A client that meets the same cluster with other partitions shuts itself down.
  member.start({ 'hazelcast.partition.count': '13' });
  await members.ready();
  await until('replaced', () => cluster.figures.log.replaced['closed'] === 1, 20_000);
  await connected(cluster);
  const set = cluster.map('map', 'log').set('key', bytes(10), { deadlineMs: 10_000 });
  expect(await codeOf(set)).toBe('answered');
  expect(events).toContain('log: replaced, closed');
  await cluster.stop();
  await member.kill();
});

test('a cluster of another name is told, and never joined', async () => {
  const { cluster, events } = await joined({ name: 'another', addresses: members.addresses });
  open.push(cluster);
  await until('told', () => /cluster name/.test(cluster.figures.log.problem ?? ''));
  expect(cluster.figures.log).toMatchObject({ state: 'offline', connections: 0 });
  await until('both tell', () => events.length === 2);
  expect(events.toSorted()).toEqual(['bodies: offline', 'log: offline']);
  expect(await codeOf(cluster.map('map', 'log').get('key'))).toBe('cluster-offline');
});

test('after it was stopped a client refuses calls, and what waited is told', async () => {
  const { cluster, events } = await join();
  const ring = cluster.ring('ring');
  const { tail } = await ring.bounds();
  const parked = codeOf(ring.park(tail + 1, 10).result);
  await cluster.stop();
  expect(await parked).toBe('cluster-stopped');
  expect(await codeOf(ring.bounds())).toBe('cluster-stopped');
  expect(events.at(-1)).toBe('bodies: stopped');
  await cluster.stop();
});
