// Threads that die while they work on the cache: a worker while it fills, control while it writes.
// Clients check every byte of every answer meanwhile. A thread cannot be sent a signal; what stands
// for `kill -9` is that it ends at one of its next stores to shared memory, without another
// instruction of its own: exactly there something is half done.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { nowMs, seeded } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { pace } from './kit/pace.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { startServer } from './kit/processes.mjs';
import { adminClient } from './kit/profile.mjs';

const originPort = 19_083;
const port = 19_084;
const adminPort = 19_085;
/** The one of the tests: runs what is left in a folder for a thread. */
const hook = fileURLToPath(new URL('../test/kit/thread-hook.cjs', import.meta.url));

const workers = 2;
/** More keys than fit: segments are taken back all the time. */
const memory = '16MiB';
const load = { name: 'mixed', count: 16_000, bigCount: 100, bigShare: 0.02 };
/** After a recovery and before a kill, and again before it is asked whether all is well. */
const killEveryMs = 400;
const recoverMsMax = 15_000;
/** A waiter fetches by itself after so long; a key that is blocked would take as long. */
const waitSeconds = 5;
/** Stores to shared memory that a thread still makes, at the most; one that idles ends without. */
const storesMax = 40;
const idleMsMax = 200;
/** First control alone dies, which may cost nobody a response that it does not fill just then. */
const phases = [
  { threads: ['control'], share: 0.1 },
  { threads: ['worker', 'control'], share: 0.9 },
];

/** `told` goes to the origin alone: an apply of another one keeps all entries. */
function definitions(told) {
  const cache = { ttl: '1h', override: 'ttl', wait: `${waitSeconds}s` };
  const policies = [{ headers: { request: { set: { 'x-told': String(told) } } } }];
  return {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin', cache, policies }],
  };
}

/** Ends the thread at its n-th store to shared memory from now on. */
function endingCode(stores) {
  return `
let left = ${stores};
setTimeout(() => process.exit(1), ${idleMsMax});
for (const name of ['store', 'add', 'compareExchange']) {
  const real = Atomics[name];
  Atomics[name] = (...args) => {
    const result = real(...args);
    left -= 1;
    if (left <= 0) process.exit(1);
    return result;
  };
}`;
}

export async function threadKills({ checks, secondsMax, seed = 1, say }) {
  const folder = benchFolder();
  const origin = await startCountingOrigin(originPort);
  let gateway = null;
  try {
    const more = [`workers=${workers}`, `cache.memory=${memory}`];
    const plan = cutover(folder, port, adminPort, definitions(0), more);
    gateway = await startServer({
      ...plan,
      args: ['--require', hook, ...plan.args],
      env: { TEST_HOOK_FOLDER: folder },
      core: null,
    });
    let exited = 0;
    void gateway.exited.then(() => {
      exited = 1;
    });
    const token = readFileSync(join(folder, `data-${port}`, 'admin-token'), 'utf8').trim();
    const admin = adminClient(adminPort, token);
    const random = seeded(seed);
    const seen = {
      ...(await run({ origin, admin, folder, checks, secondsMax, random, say })),
      exited,
    };
    print(seen);
    return { gates: judge(seen, checks), ...seen };
  } finally {
    await gateway?.stop();
    await origin.stop();
  }
}

async function run({ origin, admin, folder, checks, secondsMax, random, say }) {
  const kills = { worker: 0, control: 0, whileFilling: 0, recoveredMs: [] };
  const runs = [];
  const untilMs = nowMs() + secondsMax * 1000;
  for (const { threads, share } of phases) {
    const requests = Math.ceil(checks * share);
    say(`${requests} responses to be checked while threads are killed: ${threads.join(', ')}`);
    let over = false;
    const clients = askWhile(requests, (untilMs - nowMs()) / 1000, runs.length).finally(() => {
      over = true;
    });
    const killing = kill({ origin, admin, folder, random, threads, kills }, () => over);
    runs.push(summed(await clients));
    await killing;
  }
  say('asking for every key once more');
  const beganMs = nowMs();
  const last = await pace({
    port,
    connections: 32,
    seconds: 30,
    requests: load.count,
    reconnect: true,
    workload: { name: 'keys', prefix: '/json/', count: load.count, order: true },
  });
  const [controlAlone] = runs;
  return {
    kills,
    ...summed([...runs, { ...last, answered: 0, lost: 0, otherStatus: 0, unavailable: 0 }]),
    lostByControl: controlAlone.lost - controlAlone.lostLarge,
    refusedByControl: controlAlone.otherStatus,
    last: last.answered,
    lastMs: nowMs() - beganMs,
  };
}

function askWhile(requests, seconds, phase) {
  const client = (seed) =>
    pace({
      port,
      connections: 32,
      seconds,
      requests: Math.ceil(requests / 2),
      reconnect: true,
      workload: { ...load, seed: seed + phase * 2 },
    });
  return Promise.all([client(1), client(2)]);
}

function summed(runs) {
  const sum = (field) => runs.reduce((total, one) => total + one[field], 0);
  const fields = ['answered', 'wrong', 'lost', 'lostLarge', 'otherStatus', 'unavailable'];
  return {
    ...Object.fromEntries([...fields, 'unanswered'].map((field) => [field, sum(field)])),
    slowestMs: Math.max(...runs.map(({ slowestMs }) => slowestMs)),
    wrongs: runs.flatMap(({ wrongs }) => wrongs),
  };
}

/** Kills one after the other, in turn, each when the one before is over. */
async function kill({ origin, admin, folder, random, threads, kills }, isOver) {
  for (let turn = 0; ; turn++) {
    await sleep(killEveryMs);
    if (isOver()) return;
    const kind = threads[turn % threads.length];
    const thread = kind === 'worker' ? `worker-${Math.floor(random() * workers)}` : kind;
    if ((await origin.streaming()) > 0) kills.whileFilling += 1;
    order(folder, thread, endingCode(1 + Math.floor(random() * storesMax)));
    kills[kind] += 1;
    await sleep(killEveryMs);
    kills.recoveredMs.push(await recovered(admin, kills.recoveredMs.length + 1));
  }
}

/** How long until an apply goes through in all threads: one death is over before the next. */
async function recovered(admin, told) {
  const beganMs = nowMs();
  while (nowMs() - beganMs < recoverMsMax) {
    const report = await admin('PUT', '/v1/definitions', definitions(told)).catch(() => null);
    if (report?.outcome === 'applied' || report?.outcome === 'unchanged') return nowMs() - beganMs;
    await sleep(50);
  }
  return Number.POSITIVE_INFINITY;
}

function order(folder, thread, code) {
  const file = join(folder, thread);
  writeFileSync(`${file}.new`, code);
  renameSync(`${file}.new`, file);
}

function judge(seen, checks) {
  const { kills, answered, wrong, unanswered, slowestMs, last, exited } = seen;
  const gates = new Gates();
  gates.atLeast('responses checked', answered, Math.round(checks * 0.99));
  gates.atMost('responses torn or of another key', wrong, 0);
  gates.atMost('slowest answer, ms: no key is blocked', slowestMs, waitSeconds * 1000 * 0.9);
  gates.atMost('requests without an answer or an end', unanswered, 0);
  gates.atMost('lost when control alone died, but for half-filled bodies', seen.lostByControl, 0);
  gates.atMost('answered with an error when control alone died', seen.refusedByControl, 0);
  gates.atMost('answered with an error but 503', seen.otherStatus - seen.unavailable, 0);
  gates.atLeast('keys that answer at the end', last, load.count);
  gates.atMost('processes that ended', exited, 0);
  gates.atMost(
    'kill to an apply in all threads, most ms',
    Math.max(...kills.recoveredMs),
    recoverMsMax,
  );
  gates.atLeast('workers killed', kills.worker, 1);
  gates.atLeast('controls killed', kills.control, 1);
  gates.atLeast('kills while a body was being filled', kills.whileFilling, 1);
  return gates;
}

function print({ kills, last, lastMs, wrongs, ...seen }) {
  printTable(
    ['threads killed', ''],
    [
      ['workers killed', kills.worker],
      ['controls killed', kills.control],
      ['  of both, while a body was being filled', kills.whileFilling],
      ['until an apply went through again, most ms', round(Math.max(...kills.recoveredMs))],
      ['responses checked', seen.answered],
      ['torn or of another key', seen.wrong],
      ['lost with connections of dead workers, or half filled', seen.lost],
      ['  of those, large bodies', seen.lostLarge],
      ['answered with 503 while no worker was there', seen.unavailable],
      ['slowest answer, ms', round(seen.slowestMs)],
      ['keys that answer at the end', `${last}, in ${Math.round(lastMs)} ms`],
    ],
  );
  for (const example of wrongs) process.stdout.write(`${example}\n`);
}
