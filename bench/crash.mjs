// kill -9 during a stream of applies, again and again on one data folder: what does the next start
// serve? A client process writes down what was answered; after each restart the node is asked from
// outside what it serves, through the gateway and through the admin interface.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ballastDefinitions } from './kit/crash-definitions.mjs';
import { CrashRecord } from './kit/crash-record.mjs';
import { median, nowMs, seeded } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { startServer } from './kit/processes.mjs';
import { shapeOrigins } from './kit/shape-definitions.mjs';

const port = 19_050;
const adminPort = 19_051;
const originFile = fileURLToPath(new URL('kit/shape-origin.mjs', import.meta.url));
const clientFile = fileURLToPath(new URL('kit/crash-client.mjs', import.meta.url));

/** Answers that a kill lets by, at the most, before it picks its moment in the next apply. */
const answersMax = 5;
/**
 * What a kill waits for in that apply: a share of the time that the last one took; or that a file
 * of the history changes: the revision is recorded, the head moves. There the promise is decided.
 */
const moments = [
  ({ applyMs, share }) => sleep(applyMs * share),
  ({ applyMs, share }) => sleep(applyMs * share),
  ({ data }) => changed(join(data, 'revisions'), /\.json$/),
  ({ data }) => changed(data, /^head$/),
];
/** One restart in so many is itself killed while it starts, within so many ms. */
const killedStartEvery = 5;
const killedStartMsMax = 600;
/** Contents that are read back after each restart; the list has the hashes of all. */
const contentsReadBack = 3;

export async function crash({ kills, seed, say }) {
  const folder = benchFolder();
  const origins = [];
  try {
    for (const [name, originPort] of Object.entries(shapeOrigins)) {
      const args = [originFile, String(originPort), name];
      origins.push(
        await startServer({ command: process.execPath, args, core: null, port: originPort }),
      );
    }
    const seen = await run({ folder, kills, random: seeded(seed), say });
    const gates = judge(seen, kills);
    print(seen, kills, seed);
    const { record, ...figures } = seen;
    return { gates, kills, seed, wrongs: record.wrongs, remarks: record.remarks, ...figures };
  } finally {
    for (const origin of origins) await origin.stop();
  }
}

async function run({ folder, kills, random, say }) {
  const place = cutover(folder, port, adminPort, ballastDefinitions(0));
  const data = join(folder, `data-${port}`);
  const record = new CrashRecord();
  const seen = { record, restartMs: [], inFlight: 0, killedStarts: 0, served: 0, exitCode: null };
  let gateway = await startServer({ ...place, core: null });
  try {
    const token = readFileSync(join(data, 'admin-token'), 'utf8').trim();
    for (let kill = 1, shape = 1; kill <= kills; kill++) {
      shape = await applyAndKill({ gateway, data, token, shape, record, random });
      if (record.inFlight !== null) seen.inFlight += 1;
      if (random() < 1 / killedStartEvery) {
        await killStart(place, random() * killedStartMsMax);
        seen.killedStarts += 1;
      }
      const head = Number(readFileSync(join(data, 'head'), 'utf8'));
      const beganMs = nowMs();
      gateway = await startServer({ ...place, core: null });
      seen.restartMs.push(nowMs() - beganMs);
      await inspect({ gateway, token, head, record });
      seen.served += 1;
      if (kill % 10 === 0) say(`${kill} of ${kills} kills`);
    }
    await gateway.stop();
    seen.exitCode = await gateway.exited;
  } finally {
    gateway.kill();
  }
  return seen;
}

/** Lets some applies be answered, kills within one; gives the first shape that was not sent. */
async function applyAndKill({ gateway, data, token, shape, record, random }) {
  const args = [clientFile, port, adminPort, token, shape].map(String);
  const client = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let answersLeft = 1 + Math.floor(random() * answersMax);
  const moment = moments[Math.floor(random() * moments.length)];
  const share = random() * 1.2;
  let next = shape;
  let sentMs = 0;
  let applyMs = 0;
  let killed = null;
  for await (const text of createInterface({ input: client.stdout })) {
    const line = JSON.parse(text);
    record.take(line);
    if (line.sent !== undefined) {
      next = line.sent + 1;
      sentMs = nowMs();
      if (answersLeft > 0) continue;
      killed ??= moment({ applyMs, share, data });
      void killed.then(() => gateway.kill());
    } else if (line.seen === undefined) {
      answersLeft -= 1;
      applyMs = nowMs() - sentMs;
    }
  }
  await gateway.exited;
  return next;
}

/** Resolves when a file whose name fits changes in a folder. */
function changed(folder, names) {
  return new Promise((resolve) => {
    const watcher = watch(folder, (_event, name) => {
      if (!names.test(name ?? '')) return;
      watcher.close();
      resolve();
    });
  });
}

async function killStart({ command, args }, afterMs) {
  const child = spawn(command, args, { stdio: 'ignore' });
  const exited = once(child, 'exit');
  await sleep(afterMs);
  child.kill('SIGKILL');
  await exited;
}

/** Asks a restarted node for all that it says of itself, and the gateway for what it does. */
async function inspect({ gateway, token, head, record }) {
  const admin = async (path, options = {}) => {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${adminPort}${path}`, { headers, ...options });
    return { status: response.status, body: await response.json() };
  };
  const response = await fetch(`http://127.0.0.1:${port}/shape`);
  const number = (name) => Number(response.headers.get(name));
  const served = {
    revision: number('x-revision'),
    shape: number('x-shape'),
    told: number('x-told'),
    origin: response.headers.get('x-origin'),
  };
  record.saw(served);
  record.restarted(served);

  const [node] = (await admin('/v1/nodes')).body.nodes;
  const told = { head, node: node.revision, ready: readyRevision(gateway) };
  for (const { id, revision } of node.workers) told[`worker ${id}`] = revision;
  for (const [who, revision] of Object.entries(told)) {
    if (revision === served.revision) continue;
    record.wrong('otherThanHead', `${who} says ${revision}, served is ${served.revision}`);
  }
  const content = (await admin('/v1/definitions')).body;
  if (!isDeepStrictEqual(content, ballastDefinitions(served.shape))) {
    record.wrong('otherContent', `the definitions of revision ${served.revision}`);
  }
  await readBack({ admin, record, served });
}

function readyRevision(gateway) {
  return JSON.parse(gateway.output().split('\n')[0] || '{}').revision;
}

async function readBack({ admin, record, served }) {
  const { status, body } = await admin('/v1/revisions?limit=1000');
  if (status !== 200) return record.wrong('unreadable', `the list is answered with ${status}`);
  if (body.head !== served.revision) record.wrong('otherThanHead', `the list says ${body.head}`);
  record.history(body.revisions);
  for (const { revision, hash } of body.revisions.slice(0, contentsReadBack)) {
    const one = await admin(`/v1/revisions/${revision}`);
    if (one.status !== 200 || one.body.hash !== hash) {
      record.wrong('unreadable', `revision ${revision} is answered with ${one.status}`);
    } else record.content(revision, shapesIn(one.body.written));
  }
}

/** Every shape that a set names, in the header it sets and in each of its other routes. */
function shapesIn({ routes }) {
  const [{ policies }, ...ballast] = routes;
  const [{ headers }] = policies;
  return new Set([
    Number(headers.request.set['x-told']),
    Number(headers.response.set['x-shape']),
    ...ballast.map(({ respond }) => Number(respond.body.split(' ').at(-1))),
  ]);
}

function judge({ record, served, inFlight, exitCode }, kills) {
  const gates = new Gates();
  gates.atLeast('restarts that served', served, kills);
  gates.atMost('served a revision older than the last acknowledged', record.wrongs.older, 0);
  gates.atMost('served one that was neither acknowledged nor in flight', record.wrongs.unknown, 0);
  gates.atMost('responses with mixed shapes', record.wrongs.mixed, 0);
  gates.atMost('contents that are not as they were sent', record.wrongs.otherContent, 0);
  gates.atMost('nodes that say another than they serve', record.wrongs.otherThanHead, 0);
  gates.atMost('revision numbers with two contents', record.wrongs.renumbered, 0);
  gates.atMost('acknowledged revisions that the history lost', record.wrongs.forgotten, 0);
  gates.atMost('revisions that cannot be read', record.wrongs.unreadable, 0);
  gates.atMost('applies that were refused', record.wrongs.refused, 0);
  gates.atMost('exit code of the last one on SIGTERM', exitCode, 0);
  // Else the kills missed what they were for, and the zeros would say nothing.
  gates.atLeast('kills with an apply in flight, of all', inFlight / kills, 0.8);
  return gates;
}

function print({ record, restartMs, inFlight, killedStarts, served }, kills, seed) {
  const rows = [
    ['kills during applies', kills],
    ['  with an apply in flight', inFlight],
    ['kills during the start after', killedStarts],
    ['applies acknowledged', record.acknowledgedCount],
    ['restarts that served', served],
    ['  the last acknowledged', record.servedAcknowledged],
    ['  the one in flight', record.servedInFlight],
    ['revisions recorded, not served: cut short', record.pendingCount],
    ['restart, median ms', round(median(restartMs))],
    ['restart, slowest ms', round(Math.max(...restartMs))],
  ];
  printTable([`kill -9, seed ${seed}`, ''], rows);
  for (const remark of record.remarks) process.stdout.write(`${remark}\n`);
}
