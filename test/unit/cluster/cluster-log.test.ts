// Goal: a node that follows the log misses no item without knowing it: what it finds is proven, or it
// is told that nothing stored can be. Method: a ring and a map that behave as members do, under fake
// time; each row of the table in docs/cluster.md is brought about.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ClusterLog, type PlacedItem } from '../../../src/cluster/cluster-log.ts';
import { ItemCodec, type LogItem } from '../../../src/cluster/log-item.ts';
import { noBust } from '../../../src/model/bust.ts';
import type { LossReason } from '../../../src/model/fleet.ts';
import { fakeTime, realTime } from '../../kit/fake-time.ts';
import { SimulatedMap, SimulatedRing } from '../../kit/simulated-ring.ts';

const codec = new ItemCodec(Buffer.from('key of the cluster'));
let ring: SimulatedRing;
let meta: SimulatedMap;
let log: ClusterLog;
let got: PlacedItem[];
let placed: (LossReason | null)[];
let provenCount: number;

function item(tag: string): LogItem {
  const matter = { kind: 'bust', bust: { ...noBust, tags: [tag] }, asks: false } as const;
  return { id: `id-${tag}`, node: 'other', boot: 'boot', epoch: '', matter };
}

function add(...tags: string[]): Promise<unknown> {
  return Promise.all(tags.map((tag) => ring.add(codec.encode(item(tag)))));
}

function start(): void {
  log = new ClusterLog({
    ring,
    meta,
    codec,
    onItems: (items) => got.push(...items),
    onPlaced: (why) => placed.push(why),
    onProven: () => {
      provenCount += 1;
    },
    onHead: () => {},
  });
}

/** What an owner that was cut off takes, and tells nobody that it did. */
async function addUntold(tag: string): Promise<void> {
  ring.minority = false;
  await add(tag);
  ring.minority = true;
}

/** Some probes go by. */
const pass = (ms = 1_000) => vi.advanceTimersByTimeAsync(ms);

const tags = (): string[] =>
  got.map(({ item: { matter } }) => (matter.kind === 'bust' ? matter.bust.tags.join() : ''));

beforeEach(() => {
  fakeTime();
  ring = new SimulatedRing(100);
  meta = new SimulatedMap();
  got = [];
  placed = [];
  provenCount = 0;
});

afterEach(() => {
  log.stop();
  realTime();
});

describe('a node that comes', () => {
  test('makes the history where there is none, and is proven', async () => {
    start();
    await pass();
    expect(log.epoch).not.toBe('');
    expect(placed).toEqual([null]);
    expect(provenCount).toBeGreaterThan(0);
    expect(log.figures).toMatchObject({ sequence: -1, lag: 0, proven: true });
  });

  test('is told of what was there as past, and of what comes as new', async () => {
    await add('old');
    start();
    await pass();
    await add('new');
    await pass();
    expect(got.map(({ past }) => past)).toEqual([true, false]);
    expect(tags()).toEqual(['old', 'new']);
  });

  test('follows an existing history', async () => {
    meta.values.set('epoch', Buffer.from('the-one'));
    start();
    await pass();
    expect(log.epoch).toBe('the-one');
    expect(placed).toEqual([null]);
  });
});

describe('a node that follows', () => {
  beforeEach(async () => {
    start();
    await pass();
    await add('a', 'b');
    await pass();
  });

  test('takes no place that lies before what it has read: that ring begins anew', async () => {
    ring.lose();
    await expect(log.append(item('lost'))).rejects.toMatchObject({ code: 'cluster-offline' });
    await pass(2_000);
    expect(await log.append(item('after'))).toBeGreaterThanOrEqual(0);
  });

  test('gets each item once, in order', async () => {
    await add(...Array.from({ length: 50 }, (_, index) => `t${index}`));
    await pass();
    expect(tags().slice(2)).toEqual(Array.from({ length: 50 }, (_, index) => `t${index}`));
    expect(got.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 52 }, (_, i) => i));
    expect(placed).toEqual([null]);
  });

  test('takes an answer that was overtaken by items for what it is', async () => {
    const was = log.epoch;
    ring.beforeAnswer = async () => {
      await add('overtakes');
      // Long enough for it to be delivered.
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
    };
    await pass(3_000);
    expect(tags().at(-1)).toBe('overtakes');
    expect(log.epoch).toBe(was);
    expect(placed).toEqual([null]);
  });

  test('is not proven while nobody answers, and replays what it missed', async () => {
    ring.away = true;
    meta.away = true;
    await pass();
    const before = provenCount;
    await pass(5_000);
    expect(provenCount).toBe(before);
    expect(log.figures.proven).toBe(false);
    ring.away = false;
    await add('missed');
    meta.away = false;
    await pass(2_000);
    expect(tags()).toContain('missed');
    expect(placed).toEqual([null]);
    expect(provenCount).toBeGreaterThan(before);
  });

  test('is not proven by members that are too few to write', async () => {
    ring.minority = true;
    await pass();
    const before = provenCount;
    await pass(5_000);
    expect(provenCount).toBe(before);
    expect(log.figures.proven).toBe(false);
    ring.minority = false;
    await pass();
    expect(provenCount).toBeGreaterThan(before);
    expect(placed).toEqual([null]);
  });

  test('that was away for longer than the ring is long drops all', async () => {
    ring.away = true;
    await pass();
    ring.away = false;
    // Before its next probe, and before its read comes back.
    await add(...Array.from({ length: 300 }, (_, index) => `t${index}`));
    await pass(2_000);
    expect(placed).toEqual([null, 'overrun']);
    expect(log.figures.lost.overrun).toBe(1);
    await add('after');
    await pass();
    expect(got.at(-1)).toMatchObject({ past: false, sequence: 302 });
  });

  test('of a ring that lost all begins another history, and so does everybody', async () => {
    const was = log.epoch;
    ring.lose();
    await pass(2_000);
    expect(log.epoch).not.toBe(was);
    expect(meta.values.get('epoch')?.toString()).toBe(log.epoch);
    expect(placed).toEqual([null, 'new-history']);
    await add('first');
    await pass();
    expect(got.at(-1)).toMatchObject({ sequence: 0, past: false });
  });

  test('of a ring that lost all and grew past its place meanwhile knows it too', async () => {
    ring.away = true;
    await pass();
    ring.lose();
    ring.away = false;
    await add('x', 'y', 'z', 'w');
    await pass(2_000);
    expect(placed.at(-1)).not.toBeNull();
    expect(placed.length).toBeGreaterThan(1);
  });

  test('that finds another epoch drops all and reads the new history from its head', async () => {
    meta.values.set('epoch', Buffer.from('another'));
    await pass();
    expect(placed).toEqual([null, 'new-history']);
    expect(log.epoch).toBe('another');
    expect(got.slice(-2).every(({ past }) => past)).toBe(true);
  });

  test('that was on the smaller side of a split finds others in the place of what it read', async () => {
    ring.away = true;
    await pass();
    ring.away = false;
    ring.rewriteLast([codec.encode(item('other-b'))]);
    await pass(2_000);
    expect(placed).toEqual([null, 'diverged']);
    expect(tags().slice(-2)).toEqual(['a', 'other-b']);
  });

  test('finds it however much it has read of the other side since', async () => {
    ring.minority = true;
    await addUntold('mine');
    await pass();
    expect(tags().at(-1)).toBe('mine');
    // The reader is back before the probe, and reads on in the ring of the other side.
    ring.rewriteLast([codec.encode(item('theirs'))]);
    ring.minority = false;
    await add(...Array.from({ length: 80 }, (_, index) => `t${index}`));
    await pass();
    expect(placed).toEqual([null, 'diverged']);
    expect(tags()).toContain('theirs');
  });

  test('finds that too where every probe was answered', async () => {
    ring.rewriteLast([codec.encode(item('other-b'))]);
    await pass();
    expect(placed).toEqual([null, 'diverged']);
    expect(tags().slice(-2)).toEqual(['a', 'other-b']);
  });

  test('counts and leaves out what another key signed, and what is of a later release', async () => {
    await ring.add(new ItemCodec(Buffer.from('another key')).encode(item('forged')));
    const later = codec.encode(item('later'));
    later[0] = 9;
    await ring.add(later);
    await add('good');
    await pass();
    expect(tags()).toEqual(['a', 'b', 'good']);
    expect(log.figures).toMatchObject({ unsigned: 1, unknown: 1, sequence: 4 });
  });
});

test('an item is refused while no history is known', async () => {
  ring.away = true;
  start();
  await expect(log.append(item('early'))).rejects.toMatchObject({ code: 'cluster-offline' });
});
