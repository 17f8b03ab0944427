// What an apply keeps of the cache. 5,000 keys are warm and asked for all the time; 40 applies
// change what goes to the origin (a request header), then one changes what one route answers (a
// response header). The origin counts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Gates, printTable, round } from './kit/gates.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { pace, warmUp } from './kit/pace.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { startServer } from './kit/processes.mjs';
import { adminClient } from './kit/profile.mjs';

const originPort = 19_080;
const port = 19_081;
const adminPort = 19_082;

const routes = { kept: '/json/', turned: '/plain/' };
const keysOfRoute = 2_500;
const applies = 40;
const applyEveryMs = 100;
const perSecondOfRoute = 1_000;
/** Percentage points below the time before (issue of the cache). */
const hitLossMax = 0.5;

function definitions(told, shape) {
  const route = (id, request, response) => ({
    id,
    match: { path: `${routes[id]}{item}` },
    upstream: 'origin',
    cache: { ttl: '1h', override: 'ttl' },
    policies: [{ headers: { request: { set: request }, response: { set: response } } }],
  });
  return {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    routes: [
      route('kept', { 'x-told': String(told) }, { 'x-route': 'kept' }),
      route('turned', { 'x-told': String(told) }, { 'x-shape': String(shape) }),
    ],
  };
}

export async function warmKeys({ say }) {
  const folder = benchFolder();
  const origin = await startCountingOrigin(originPort);
  let gateway = null;
  try {
    const plan = cutover(folder, port, adminPort, definitions(0, 0), ['workers=2']);
    gateway = await startServer({ ...plan, core: null });
    const token = readFileSync(join(folder, `data-${port}`, 'admin-token'), 'utf8').trim();
    const seen = await run(origin, adminClient(adminPort, token), say);
    print(seen);
    return { gates: judge(seen), ...seen };
  } finally {
    await gateway?.stop();
    await origin.stop();
  }
}

async function run(origin, admin, say) {
  say(`warming ${2 * keysOfRoute} keys`);
  await sweep('kept');
  await sweep('turned');
  const quiet = await underLoad(origin, async () => sleep(applies * applyEveryMs));
  say(`${applies} applies that change a request header`);
  const during = await underLoad(origin, async () => {
    for (let told = 1; told <= applies; told++) {
      const report = await admin('PUT', '/v1/definitions', definitions(told, 0));
      if (report.outcome !== 'applied') throw new Error(`not applied: ${JSON.stringify(report)}`);
      await sleep(applyEveryMs);
    }
  });
  await origin.reset();
  await sweep('kept');
  await sweep('turned');
  const afterApplies = await origin.total();
  say('an apply that changes a response header of one route');
  const report = await admin('PUT', '/v1/definitions', definitions(applies, 1));
  await origin.reset();
  await sweep('kept');
  const ofKept = await origin.total();
  await sweep('turned');
  const ofTurned = (await origin.total()) - ofKept;
  return { quiet, during, afterApplies, ofKept, ofTurned, cache: report.diff?.cache ?? null };
}

/** Each key of a route once. */
function sweep(id) {
  const workload = { name: 'keys', prefix: routes[id], count: keysOfRoute };
  return warmUp({ port, count: keysOfRoute, workload });
}

/** Asks for keys of both routes while something is done; hits in percent, counted at the origin. */
async function underLoad(origin, work) {
  await origin.reset();
  let over = false;
  const clients = Object.values(routes).map(async (prefix) => {
    const runs = [];
    // In short runs: how long the work takes is not known before.
    while (!over) {
      const workload = { name: 'keys', prefix, count: keysOfRoute, seed: runs.length + 1 };
      const plan = { port, connections: 16, seconds: 2, rate: perSecondOfRoute, workload };
      runs.push(await pace(plan));
    }
    return runs;
  });
  await work();
  over = true;
  const runs = (await Promise.all(clients)).flat();
  const sum = (field) => runs.reduce((total, run) => total + run[field], 0);
  const atOrigin = await origin.total();
  const answered = sum('answered');
  return {
    answered,
    atOrigin,
    hitPercent: (1 - atOrigin / answered) * 100,
    failed: sum('lost') + sum('otherStatus') + sum('unanswered') + sum('wrong'),
  };
}

function judge({ quiet, during, afterApplies, ofKept, ofTurned, cache }) {
  const gates = new Gates();
  gates.atMost(`requests at the origin during ${applies} applies`, during.atOrigin, 0);
  gates.atMost('warm keys that went cold', afterApplies, 0);
  const loss = quiet.hitPercent - during.hitPercent;
  gates.atMost('hit rate below the time before, percentage points', loss, hitLossMax);
  gates.atMost('requests lost, refused or wrong', quiet.failed + during.failed, 0);
  gates.atMost('re-keyed one route: keys of the other that went cold', ofKept, 0);
  gates.atLeast('re-keyed one route: its keys fetched anew', ofTurned, keysOfRoute);
  const told = cache === null ? 'nothing' : cache.rekeyed.join(', ');
  gates.atLeast(`the answer names the route (${told})`, told === 'turned' ? 1 : 0, 1);
  return gates;
}

function print({ quiet, during, ofKept, ofTurned }) {
  const row = (name, { answered, atOrigin, hitPercent }) => [
    name,
    answered,
    atOrigin,
    round(hitPercent),
  ];
  printTable(
    [`${2 * keysOfRoute} warm keys`, 'answered', 'at the origin', 'hits, %'],
    [
      row('quiet', quiet),
      row(`${applies} applies of a request header`, during),
      ['then each key of the route kept', keysOfRoute, ofKept, ''],
      ['then each key of the route whose answer changed', keysOfRoute, ofTurned, ''],
    ],
  );
}
