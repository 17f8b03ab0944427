// Goal: of those who want to apply at once one may, whatever each had seen before; who died holds
// nobody up for long; and what revisions hold leaves the cluster when it is not needed, never before.
// Method: two nodes on one map that behaves as the members' do, under fake time.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { clusterError } from '../../../../src/cluster/cluster-error.ts';
import { headKey } from '../../../../src/cluster/cluster-log.ts';
import { ItemCodec } from '../../../../src/cluster/log-item.ts';
import { ClusterHead } from '../../../../src/control/fleet/cluster-head.ts';
import type { FleetRevision, HeardNode } from '../../../../src/model/fleet.ts';
import { codeOf } from '../../../kit/cluster.ts';
import { fakeTime, realTime } from '../../../kit/fake-time.ts';
import { SimulatedMap } from '../../../kit/simulated-ring.ts';

const codec = new ItemCodec(Buffer.from('key of the cluster'));
let meta: SimulatedMap;
let live: string[];

function node(nodeId: string): ClusterHead {
  const roster = { live: () => live.map((id) => ({ id }) as HeardNode) };
  return new ClusterHead({ meta, codec, roster, nodeId, boot: `boot of ${nodeId}` });
}

const beginning = (parent: number, hash: string) => ({ parent, numberMin: 1, hash });

function named(revision: number, hash: string): FleetRevision {
  return { revision, parent: revision - 1, hash, author: '', note: '', createdAt: '' };
}

async function apply(head: ClusterHead, parent: number, hash: string) {
  const revision = await head.begin(beginning(parent, hash));
  return { revision, dropped: await head.commit(named(revision, hash)) };
}

beforeEach(() => {
  fakeTime();
  meta = new SimulatedMap();
  live = ['a', 'b'];
});
afterEach(realTime);

test('of two that begin at once one does', async () => {
  const [a, b] = [node('a'), node('b')];
  await Promise.all([a.look(), b.look()]);
  const codes = await Promise.all([
    codeOf(a.begin(beginning(0, 'x'))),
    codeOf(b.begin(beginning(0, 'y'))),
  ]);
  expect(codes.sort()).toEqual(['answered', 'apply-in-progress']);
});

test('one whose sight is old begins all the same, on top of what is there', async () => {
  const [a, b] = [node('a'), node('b')];
  await b.look();
  await apply(a, 0, 'x');
  expect(b.seen?.revision).toBeNull();
  // It followed, and has not looked since.
  expect(await codeOf(b.begin(beginning(0, 'y')))).toBe('apply-behind');
  expect(await b.begin(beginning(1, 'y'))).toBe(2);
});

test('who began and was overtaken cannot commit', async () => {
  const [a, b] = [node('a'), node('b')];
  const revision = await a.begin(beginning(0, 'x'));
  live = [];
  await b.look();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await b.begin(beginning(0, 'y'))).toBe(2);
  expect(await codeOf(a.commit(named(revision, 'x')))).toBe('apply-in-progress');
  await b.commit(named(2, 'y'));
  expect(b.seen?.revision?.hash).toBe('y');
});

test('one that lives has the right for thirty seconds, one that died for three', async () => {
  const [a, b] = [node('a'), node('b')];
  await a.begin(beginning(0, 'x'));
  await b.look();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(await codeOf(b.begin(beginning(0, 'y')))).toBe('apply-in-progress');
  live = ['b'];
  expect(await codeOf(b.begin(beginning(0, 'y')))).toBe('answered');
});

test('a commit whose answer is lost is found, or not known', async () => {
  const a = node('a');
  const replace = meta.replace.bind(meta);
  let away = false;
  meta.replace = async (...given) => {
    await replace(...given);
    meta.away = away;
    throw clusterError('timeout', {});
  };
  expect(await a.begin(beginning(0, 'x'))).toBe(1);
  await a.commit(named(1, 'x'));
  expect(a.seen?.revision?.hash).toBe('x');
  await a.begin(beginning(1, 'y'));
  away = true;
  await expect(a.commit(named(2, 'y'))).rejects.toMatchObject({ retry: 'never' });
});

test('a number is given once, also of an apply that was given up', async () => {
  const a = node('a');
  const first = await a.begin(beginning(0, 'x'));
  await a.abandon();
  const second = await apply(a, 0, 'y');
  expect([first, second.revision]).toEqual([1, 2]);
});

test('what sixteen newer revisions do not hold leaves the cluster', async () => {
  const a = node('a');
  const dropped: string[] = [];
  for (let index = 0; index < 20; index++) {
    dropped.push(...(await apply(a, index, `hash ${index}`)).dropped);
  }
  expect(dropped).toEqual(['hash 0', 'hash 1', 'hash 2', 'hash 3']);
  // One that is applied again is new again.
  expect((await apply(a, 20, 'hash 4')).dropped).toEqual([]);
});

test('what the head holds stays, however many applies are given up', async () => {
  const a = node('a');
  await apply(a, 0, 'head');
  const dropped: string[] = [];
  for (let index = 0; index < 20; index++) {
    await a.begin(beginning(1, `given up ${index}`));
    dropped.push(...(await a.abandon()));
  }
  expect(dropped).not.toContain('head');
  expect(dropped.slice(0, 2)).toEqual(['given up 0', 'given up 1']);
  expect(a.seen?.contents).toHaveLength(17);
});

test('what is there by another key is told, and left alone', async () => {
  const a = node('a');
  const foreign = new ItemCodec(Buffer.from('another key')).seal(Buffer.from('{"last":1}'));
  await meta.putIfAbsent(headKey, foreign);
  expect(await codeOf(a.begin(beginning(0, 'x')))).toBe('cluster-key');
  expect(await meta.get(headKey)).toEqual(foreign);
});
