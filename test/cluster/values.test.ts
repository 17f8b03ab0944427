// Goal: rings and maps carry bytes as they were given, and do at their ends what their comments say.
// Method: a real member; a bare client where something foreign must be written.
import { Client } from 'hazelcast-client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Members } from '../../bench/kit/members.mjs';
import type { HazelcastCluster } from '../../src/cluster/hazelcast-cluster.ts';
import { codeOf, connected, joined, oneMember } from '../kit/cluster.ts';

let members: Members;
let cluster: HazelcastCluster;

beforeAll(async () => {
  members = await oneMember();
  // What is tested is what comes back, not when: a new JVM on a busy machine takes its time.
  ({ cluster } = await joined(members, { deadlineMs: 10_000 }));
  await Promise.all([connected(cluster, 'log'), connected(cluster, 'bodies')]);
});
afterAll(async () => {
  await cluster.stop();
  await members.stop();
});

const bytes = (text: string): Buffer => Buffer.from(text);

describe('a ring', () => {
  test('gives items back in order, with the sequences that adding told', async () => {
    const ring = cluster.ring('cutover.log');
    const sequences = [];
    for (const text of ['a', 'b', 'c']) sequences.push(await ring.add(bytes(text)));
    const items = await ring.read(sequences[0] ?? 0, 10);
    expect(items.map(({ sequence }) => sequence)).toEqual(sequences);
    expect(items.map(({ value }) => value.toString())).toEqual(['a', 'b', 'c']);
    expect(await ring.read(sequences[0] ?? 0, 2)).toHaveLength(2);
    expect((await ring.bounds()).tail).toBe(sequences[2]);
    expect(await ring.capacity()).toBe(50_000);
  });

  test('that is new has bounds, and nothing to read', async () => {
    const ring = cluster.ring('new');
    expect(await ring.bounds()).toEqual({ head: 0, tail: -1 });
    expect(await ring.read(0, 10)).toEqual([]);
  });

  test('overwrites its oldest: a read from there begins at the head', async () => {
    const ring = cluster.ring('small');
    for (let index = 0; index < 15; index += 1) await ring.add(bytes(`item ${index}`));
    expect(await ring.capacity()).toBe(10);
    expect(await ring.bounds()).toEqual({ head: 5, tail: 14 });
    const items = await ring.read(0, 1000);
    expect(items.map(({ sequence }) => sequence)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(items[0]?.value.toString()).toBe('item 5');
  });

  test('a parked read gets the next item; others are answered meanwhile', async () => {
    const ring = cluster.ring('parked');
    const { tail } = await ring.bounds();
    const parked = ring.park(tail + 1, 100);
    expect(cluster.figures.log).toMatchObject({ parked: 1, inFlight: 1 });
    expect(await ring.read(tail + 1, 10)).toEqual([]);
    await ring.add(bytes('next'));
    const items = await parked.result;
    expect(items.map(({ value }) => value.toString())).toEqual(['next']);
    expect(cluster.figures.log).toMatchObject({ parked: 0, inFlight: 0 });
  });

  test('a parked read that is abandoned is rejected at once, and kept as overdue until an item comes', async () => {
    const ring = cluster.ring('abandoned');
    const { tail } = await ring.bounds();
    const parked = ring.park(tail + 1, 100);
    parked.abandon();
    expect(await codeOf(parked.result)).toBe('cluster-abandoned');
    expect(cluster.figures.log).toMatchObject({ parked: 0, inFlight: 1, overdue: 1 });
    await ring.add(bytes('too late'));
    await expect
      .poll(() => cluster.figures.log)
      .toMatchObject({ inFlight: 0, overdue: 0, late: 1 });
  });

  test('a read of more than a client takes is refused by its code', async () => {
    expect(await codeOf(cluster.ring('small').read(0, 1001))).toBe('cluster-failed');
  });
});

describe('a map', () => {
  test('gives back the bytes that were put, whatever kind of view they were', async () => {
    const map = cluster.map('cutover.cache', 'bodies');
    expect(await map.get('none')).toBeNull();
    const all = Uint8Array.from({ length: 256 }, (_, index) => index);
    await map.set('all', all);
    await map.set('part', all.subarray(10, 20));
    await map.set('empty', new Uint8Array());
    expect(await map.get('all')).toEqual(Buffer.from(all));
    expect(await map.get('part')).toEqual(Buffer.from(all.subarray(10, 20)));
    expect(await map.get('empty')).toEqual(Buffer.alloc(0));
    expect((await map.get('part'))?.buffer.byteLength).toBe(10);
    const large = Buffer.alloc(256 * 1024, 'x');
    await map.set('large', large);
    expect((await map.get('large'))?.equals(large)).toBe(true);
  });

  test('of two that put where nothing is, one does, and the other gets what is there', async () => {
    const map = cluster.map('cutover.flight', 'log');
    const answers = await Promise.all(
      ['one', 'two'].map((text) => map.putIfAbsent('lease', bytes(text), { ttlMs: 60_000 })),
    );
    const [holder] = answers.filter((one) => one !== null);
    expect(answers.filter((one) => one === null)).toHaveLength(1);
    expect(holder).toEqual(await map.get('lease'));
  });

  test('replaces, and deletes, only what is as it was', async () => {
    const map = cluster.map('cutover.meta', 'log');
    await map.set('head', bytes('1'));
    expect(await map.replace('head', bytes('0'), bytes('2'))).toBe(false);
    expect(await map.replace('head', bytes('1'), bytes('2'))).toBe(true);
    expect(await map.deleteIfSame('head', bytes('1'))).toBe(false);
    expect(await map.get('head')).toEqual(bytes('2'));
    expect(await map.deleteIfSame('head', bytes('2'))).toBe(true);
    expect(await map.get('head')).toBeNull();
    await map.delete('head');
  });

  test('gives many at once, and all', async () => {
    const map = cluster.map('many', 'bodies');
    for (const key of ['a', 'b', 'c']) await map.set(key, bytes(`value of ${key}`));
    const two = await map.getMany(['a', 'c', 'none']);
    expect(new Map(two)).toEqual(
      new Map([
        ['a', bytes('value of a')],
        ['c', bytes('value of c')],
      ]),
    );
    expect([...(await map.entries()).keys()].sort()).toEqual(['a', 'b', 'c']);
  });

  test('keeps an entry for its TTL and then lets it go', async () => {
    const map = cluster.map('short', 'bodies');
    const began = performance.now();
    await map.set('key', bytes('value'), { ttlMs: 1500 });
    while ((await map.get('key')) !== null) await new Promise((resolve) => setTimeout(resolve, 20));
    // A busy machine makes it longer and never shorter.
    expect(performance.now() - began).toBeGreaterThan(1500);
  });

  test('a value that no node wrote is an error, not bytes', async () => {
    const client = await Client.newHazelcastClient({
      clusterName: members.name,
      network: { clusterMembers: [...members.addresses] },
      properties: { 'hazelcast.logging.level': 'OFF' },
    });
    await (await client.getMap<string, string>('foreign')).set('key', 'a text');
    await client.shutdown();
    expect(await codeOf(cluster.map('foreign', 'log').get('key'))).toBe('cluster-failed');
  });
});

test('what was answered and what failed is counted, each client for itself', async () => {
  const before = cluster.figures;
  await cluster.map('counted', 'bodies').get('key');
  const { log, bodies } = cluster.figures;
  expect(bodies.answered - before.bodies.answered).toBe(1);
  expect(log.answered).toBe(before.log.answered);
  expect(log).toMatchObject({
    state: 'connected',
    connections: 1,
    breaker: 'closed',
    problem: null,
  });
});
