// Goal: whatever happens to a cluster, under load: no request fails, no strict route answers what was
// busted, nothing that was confirmed or queued is lost, and all is well again in the time that
// docs/cluster.md states. Method: real members and nodes, each fault brought about while clients ask
// and publish from outside; two halves are network namespaces. The table of it is printed at the end.
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Counts } from '../kit/faults/counts.ts';
import { type FaultName, faultRow, faults, printFaults } from '../kit/faults/fault-table.ts';
import { logOwner } from '../kit/faults/log-owner.ts';
import { Scene } from '../kit/faults/scene.ts';
import { TwoHalves } from '../kit/faults/two-halves.ts';
import { until } from '../kit/gateway.ts';

/** Three JVMs at once take 10 s, and up to four times as long on a busy machine. */
const startMsMax = 120_000;
/** A node that starts, or goes on after it was stopped. */
const readyMsMax = 20_000;
const leftOut: string[] = [];
const rows = new Map<FaultName, readonly string[]>();

afterAll(() => {
  const order = Object.keys(faults) as FaultName[];
  const done = order.flatMap((name) => [rows.get(name) ?? []]).filter(({ length }) => length > 0);
  const table = printFaults(done);
  mkdirSync('build/faults', { recursive: true });
  writeFileSync('build/faults/table.md', `${table}\n`);
  console.log(['', table, ...leftOut, ''].join('\n'));
});

/** Writes the row, and then insists on what must hold. */
function judge(name: FaultName, counts: Counts): void {
  rows.set(name, faultRow(name, counts));
  const { during, after } = faults[name];
  const { failed, oldStrict, oldAfter, bustsLost, appliesLost } = counts;
  const seen = { failed, oldStrict, oldAfter, bustsLost, appliesLost };
  const wanted = { failed: 0, oldStrict: 0, oldAfter: 0, bustsLost: 0, appliesLost: 0 };
  expect(seen, counts.remarks.join('\n')).toEqual(wanted);
  expect(counts.requests).toBeGreaterThan(1_000);
  expect(counts.bustsConfirmed).toBeGreaterThan(0);
  if (during !== null) expect((counts.duringMs ?? Infinity) / 1000).toBeLessThan(during);
  expect(counts.afterMs / 1000).toBeLessThan(after);
  expect(counts.readyMs).toBeLessThan(readyMsMax);
}

async function secondsUntil(what: Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await what;
  return performance.now() - beganMs;
}

describe('on one machine', () => {
  let scene: Scene;

  beforeAll(async () => {
    scene = await Scene.start({ memberCount: 3 });
  }, startMsMax);
  afterAll(() => scene.end(), startMsMax);

  /** All members run and see each other. */
  async function whole(): Promise<void> {
    for (const member of scene.members.list) {
      if (member.pid === null) member.start();
      else member.resume();
    }
    await scene.members.ready();
  }

  function fault(name: FaultName, act: Parameters<Scene['under']>[0]): void {
    test(name, { timeout: 240_000 }, async () => {
      await whole();
      await scene.confirmed();
      judge(name, await scene.under(act));
    });
  }

  const away: FaultName = 'no member there when nodes start';
  test(away, { timeout: 240_000 }, async () => {
    await scene.members.killAll();
    const readyMs = scene.started ? null : await scene.startNodes();
    const counts = await scene.under(whole);
    if (readyMs !== null) counts.readyMs = readyMs;
    judge(away, counts);
  });

  fault('all members silent for 8 s, then back', async () => {
    for (const member of scene.members.list) await member.pause();
    await sleep(8_000);
    for (const member of scene.members.list) member.resume();
  });

  fault("the log's owner killed (`kill -9`), started again after 10 s", async ({ counts }) => {
    const owner = await logOwner(scene.members);
    await owner.kill();
    counts.duringMs = await secondsUntil(scene.confirmed());
    await sleep(Math.max(0, 10_000 - counts.duringMs));
    await whole();
  });

  fault('members restarted one by one (`SIGTERM`)', async ({ counts }) => {
    for (const member of scene.members.list) {
      await member.stop();
      await whole();
    }
    counts.duringMs = counts.silentMs;
  });

  fault("the log's owner silent for 20 s (`SIGSTOP`)", async ({ counts }) => {
    const owner = await logOwner(scene.members);
    await owner.pause();
    counts.duringMs = await secondsUntil(scene.confirmed());
    await sleep(Math.max(0, 20_000 - counts.duringMs));
    owner.resume();
  });

  fault('a node silent for 8 s (`SIGSTOP`)', async ({ counts, publisher }) => {
    const [a, b] = scene.gateways;
    publisher.hold(b);
    b.process.kill('SIGSTOP');
    counts.duringMs = await secondsUntil(scene.confirmed([a]));
    await sleep(Math.max(0, 8_000 - counts.duringMs));
    b.process.kill('SIGCONT');
    publisher.release(b);
  });

  fault('all members killed, started empty', async () => {
    await scene.members.killAll();
    await sleep(4_000);
    await whole();
  });
});

describe('on two machines', () => {
  let halves: TwoHalves | null = null;
  let scene: Scene | null = null;

  afterEach(async () => {
    await scene?.end();
    halves?.remove();
    [halves, scene] = [null, null];
  }, startMsMax);

  /** Null: network namespaces are not permitted here. */
  function network(name: FaultName, skip: (note: string) => void): TwoHalves | null {
    const made = TwoHalves.start();
    if (typeof made !== 'string') {
      halves = made;
      return halves;
    }
    leftOut.push(`left out: ${name} (${made})`);
    skip(made);
    return null;
  }

  const split: FaultName = 'two halves that do not see each other for 25 s';
  test(split, { timeout: 300_000 }, async ({ skip }) => {
    const net = network(split, skip);
    if (net === null) return;
    const the = await Scene.start({ memberCount: 3, halves: net });
    scene = the;
    await the.startNodes();
    await the.confirmed();
    const [, b] = the.gateways;
    judge(
      split,
      await the.under(async ({ counts }) => {
        counts.remark('cut', `the log is with ${(await logOwner(the.members)).address}`);
        net.cut();
        // Of three members two are on its side.
        counts.duringMs = await secondsUntil(the.confirmed([b]));
        await sleep(Math.max(0, 25_000 - counts.duringMs));
        net.heal();
      }),
    );
  });

  const overrun: FaultName = 'a node cut off until the log has overrun its place';
  test(overrun, { timeout: 240_000 }, async ({ skip }) => {
    const net = network(overrun, skip);
    if (net === null) return;
    const logCapacity = 500;
    const the = await Scene.start({ memberCount: 1, halves: net, logCapacity });
    scene = the;
    await the.startNodes();
    await the.confirmed();
    const [a, b] = the.gateways;
    judge(
      overrun,
      await the.under(async ({ counts, publisher }) => {
        net.cut();
        counts.duringMs = await secondsUntil(the.confirmed([b]));
        await publisher.flood(b, 2 * logCapacity);
        net.heal();
        await until('it is told', () => a.log.includes('"reason":"overrun"'), 30_000);
      }),
    );
  });
});
