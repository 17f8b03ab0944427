// Goal: others are waited for while they live, and no longer; and a node that hears nothing declares
// nobody dead. Method: beats of two other nodes under fake time.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { nodeLiveMs } from '../../../src/base/limits.ts';
import type { LogItem } from '../../../src/cluster/log-item.ts';
import { Roster } from '../../../src/cluster/roster.ts';
import type { NodeBeat } from '../../../src/model/fleet.ts';
import { fakeTime, realTime } from '../../kit/fake-time.ts';

let roster: Roster;

const beat: NodeBeat = {
  region: 'eu',
  applied: 0,
  epoch: 'e',
  revision: 1,
  hash: 'h',
  ready: true,
  notReady: '',
  workers: [],
  cache: null,
  droppedMs: [],
  leaving: false,
};

function hear(node: string, changes: Partial<NodeBeat> = {}): void {
  const matter = { kind: 'beat', beat: { ...beat, ...changes } } as const;
  roster.hear({ id: 'i', node, boot: 'b', epoch: '', matter } satisfies LogItem);
}

/** Some time in which the named nodes go on beating, once a second. */
async function pass(ms: number, ...nodes: string[]): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    for (const node of nodes) hear(node);
    await vi.advanceTimersByTimeAsync(Math.min(left, 1_000));
  }
}

const live = (): string[] => roster.live().map(({ id }) => id);

beforeEach(() => {
  fakeTime();
  roster = new Roster('self');
});

afterEach(() => {
  roster.stop();
  realTime();
});

test('who was heard lives until it was silent for as long as others wait', async () => {
  hear('a');
  hear('b');
  hear('self');
  expect(live()).toEqual(['a', 'b']);
  await pass(nodeLiveMs, 'self', 'a');
  hear('self');
  expect(live()).toEqual(['a']);
});

test('who hears nothing, not itself either, takes nobody for dead', async () => {
  hear('a');
  await pass(60_000);
  expect(live()).toEqual(['a']);
  hear('self');
  expect(live()).toEqual([]);
});

test('who leaves is gone at once', () => {
  hear('a');
  hear('a', { leaving: true });
  expect(roster.nodes()).toEqual([]);
});

test('a wait ends when all have told', async () => {
  hear('a');
  hear('b');
  const waiting = roster.all(5_000, ({ applied }) => (applied >= 7 ? applied : undefined));
  hear('a', { applied: 8 });
  hear('b', { applied: 7 });
  const { done, late } = await waiting;
  expect([...done].map(([id, { told }]) => [id, told])).toEqual([
    ['a', 8],
    ['b', 7],
  ]);
  expect(late).toEqual([]);
});

test('a wait does not wait for who dies or leaves meanwhile, and names who lives and is late', async () => {
  for (const node of ['dies', 'leaves', 'late']) hear(node);
  const waiting = roster.all(nodeLiveMs + 2_000, ({ applied }) => (applied > 0 ? 1 : undefined));
  hear('leaves', { leaving: true });
  await pass(nodeLiveMs + 2_500, 'self', 'late');
  const { done, late } = await waiting;
  expect(done.size).toBe(0);
  expect(late).toEqual(['late']);
});

test('a wait among some does not look at others; one for nobody ends at once', async () => {
  hear('a');
  expect(
    (
      await roster.all(
        1_000,
        () => undefined,
        () => false,
      )
    ).late,
  ).toEqual([]);
});

test('a wait for something of its own ends with it, or with its time', async () => {
  let done = false;
  const first = roster.until(1_000, () => done);
  done = true;
  roster.look();
  expect(await first).toBe(true);
  done = false;
  const second = roster.until(1_000, () => done);
  await pass(1_100);
  expect(await second).toBe(false);
});
