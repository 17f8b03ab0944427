// A hit of the response cache: requests per second on one core against caches that people would
// pick instead, what it costs when the writer is busy, and when many tags are in play. Interleaved
// rounds as in throughput.mjs; ratios are taken within a round and their median is the figure.
import { cpus } from 'node:os';
import { cachePeers } from './kit/cache-peers.mjs';
import { median } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { pace, warmUp } from './kit/pace.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { processorSeconds, programPath, startServer } from './kit/processes.mjs';
import { runWrk } from './kit/wrk.mjs';

const originPort = 19_060;
const ports = { cutover: 19_061, nginx: 19_062, haproxy: 19_063, varnish: 19_064 };
const adminPort = 19_065;
const small = { port: 19_066, adminPort: 19_067 };

const hitPath = '/json/hit';
const warmSeconds = 1;
const tagCount = 10_000;
/** Keys that the writer is busy with, each second; more of them than the small arena holds. */
const churnPerSecond = 2_000;
const churnMemory = '16MiB';
/** Hits meanwhile: well below what a worker can do, so that latency is not that of a queue. */
const hitsPerSecond = 2_000;
const hotKeys = 64;

function definitions() {
  const route = (id, path, cache) => ({ id, match: { path }, upstream: 'origin', cache });
  return {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    routes: [
      route('json', '/json/{item}', { ttl: '1h', override: 'ttl' }),
      route('plain', '/plain/{item}', { ttl: '1h', override: 'ttl' }),
      route('tagged', '/tagged/{item}', { ttl: '1h', override: 'ttl', tags: ['item-{item}'] }),
    ],
  };
}

export async function cacheBench({ small: isSmall, rounds, seconds, say }) {
  if (cpus().length < 2) throw new Error('this bench needs two cores: one to serve, one to load');
  for (const tool of ['wrk', 'taskset']) {
    if (programPath(tool) === null)
      throw new Error(`${tool} is missing (Debian: apt-get install ${tool})`);
  }
  const folder = benchFolder();
  const gates = new Gates();
  const servers = {};
  try {
    servers.origin = await startCountingOrigin(originPort, 1);
    await startServers(servers, folder, isSmall, say);
    const hits = await hitThroughput(servers, { rounds, seconds, say });
    const tags = await manyTags(servers.cutover, { rounds, seconds: 1, say });
    const churn = await busyWriter(servers, { rounds, seconds: isSmall ? 1 : 2, say });
    judge(gates, { hits, tags, churn, servers, isSmall });
    print({ hits, tags, churn });
    return { gates, hits, tags, churn };
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
}

/** `isSmall`: only what has a gate. */
async function startServers(servers, folder, isSmall, say) {
  const plans = [
    ['cutover', cutover(folder, ports.cutover, adminPort, definitions())],
    ...Object.entries(cachePeers)
      .filter(([name]) => !isSmall || name === 'nginx')
      .map(([name, plan]) => [name, plan(folder, ports[name], originPort)]),
  ];
  for (const [name, plan] of plans) {
    if (plan === null) {
      say(`${name} is not installed and is left out (Debian: apt-get install ${name})`);
    } else servers[name] = { port: plan.port, ...(await startServer({ ...plan, core: 0 })) };
  }
  const more = [`cache.memory=${churnMemory}`];
  const plan = cutover(folder, small.port, small.adminPort, definitions(), more);
  servers.small = { port: plan.port, ...(await startServer({ ...plan, core: 0 })) };
}

/** One key of 1 KB, again and again: each server in each round, in another order. */
async function hitThroughput(servers, { rounds, seconds, say }) {
  const names = Object.keys(ports).filter((name) => servers[name] !== undefined);
  const runs = Object.fromEntries(names.map((name) => [name, []]));
  for (const name of names) {
    // Stored, and JavaScript compiled, before anything counts.
    await measure(servers[name], warmSeconds, { path: hitPath });
  }
  await servers.origin.reset();
  for (let index = 0; index < rounds; index++) {
    for (const name of turned(names, index)) {
      say(`hit of 1 KB: ${name}, round ${index + 1} of ${rounds}`);
      runs[name].push(await measure(servers[name], seconds, { path: hitPath }));
    }
  }
  const figures = Object.fromEntries(
    names.map((name) => [name, figuresOf(runs[name], runs.cutover)]),
  );
  // A cache that asks its origin meanwhile is not what this compares.
  return { figures, originRequests: await servers.origin.total() };
}

/** Another order each round: whoever comes first finds a cooler machine. */
function turned(names, by) {
  return names.map((_, index) => names[(index + by) % names.length]);
}

function figuresOf(runs, against) {
  const of = (field) => median(runs.map((run) => run[field]));
  return {
    perSecond: of('perSecond'),
    microseconds: of('microseconds'),
    p99Ms: of('p99Ms'),
    failed: runs.reduce((sum, { failed }) => sum + failed, 0),
    ratio: median(against.map(({ perSecond }, at) => perSecond / runs[at].perSecond)),
    ratioOfCpu: median(runs.map((run, at) => run.microseconds / against[at].microseconds)),
  };
}

async function measure(server, seconds, { path, lua = '' }) {
  const before = processorSeconds(server.pid);
  const run = await runWrk({
    url: `http://127.0.0.1:${server.port}${path}`,
    core: 1,
    seconds,
    lua,
  });
  const used = processorSeconds(server.pid) - before;
  return {
    ...run,
    failed: run.failed + run.otherStatus,
    microseconds: (used * 1e6) / run.requests,
  };
}

/** As many keys in a route whose entries each have a tag of their own, and in one without tags. */
async function manyTags(server, { rounds, seconds, say }) {
  const routes = ['plain', 'tagged'];
  for (const route of routes) {
    say(`filling route ${route} with ${tagCount} entries`);
    const workload = { name: 'keys', prefix: `/${route}/`, count: tagCount };
    await warmUp({ port: server.port, count: tagCount, workload });
  }
  const runs = { plain: [], tagged: [] };
  for (let index = 0; index < rounds; index++) {
    for (const route of turned(routes, index)) {
      say(`${tagCount} tags: route ${route}, round ${index + 1} of ${rounds}`);
      // The same order of keys in each run.
      const lua = `local at = 0
function request()
  at = (at + 7919) % ${tagCount}
  return wrk.format(nil, "/${route}/" .. at)
end`;
      runs[route].push(await measure(server, seconds, { path: `/${route}/0`, lua }));
    }
  }
  return {
    plain: figuresOf(runs.plain, runs.tagged),
    tagged: figuresOf(runs.tagged, runs.tagged),
  };
}

/**
 * Latency of hits while another client has 2,000 keys a second fetched that were never asked for,
 * into an arena that is full: as many are admitted and evicted. In quiet windows that client asks
 * as often for what is stored, so that both find the same load from outside.
 */
async function busyWriter({ small: server, origin }, { rounds, seconds, say }) {
  const hot = { name: 'keys', prefix: '/plain/', count: hotKeys };
  const known = { name: 'keys', prefix: '/plain/', from: hotKeys, count: 1_000 };
  const { port } = server;
  let from = 0;
  const fresh = (count) => {
    const one = { name: 'fresh', prefix: '/json/churn-', from };
    from += count;
    return one;
  };
  await warmUp({ port, count: hotKeys, workload: hot });
  // Full before anything is measured, or nothing would have to be evicted.
  const fill = { port, connections: 16, seconds: 30, requests: 20_000 };
  await pace({ ...fill, workload: fresh(20_000) });
  const runs = { quiet: [], busy: [] };
  const stored = [];
  for (let index = 0; index < rounds; index++) {
    for (const kind of turned(['quiet', 'busy'], index)) {
      say(`writer ${kind}, round ${index + 1} of ${rounds}`);
      if (kind === 'quiet') await warmUp({ port, count: 1_000, workload: known });
      const before = await origin.total();
      const churn = {
        port,
        connections: 32,
        seconds: seconds + 0.6,
        rate: churnPerSecond,
        core: 1,
      };
      const other = pace({
        ...churn,
        workload: kind === 'busy' ? fresh(churnPerSecond * (seconds + 1)) : known,
      });
      const hits = { port, connections: 16, seconds, rate: hitsPerSecond, core: 1, workload: hot };
      const seen = await pace(hits);
      const { perSecond } = await other;
      const fetched = ((await origin.total()) - before) / (seconds + 0.6);
      runs[kind].push({ ...seen, otherPerSecond: perSecond });
      if (kind === 'busy') stored.push(fetched);
    }
  }
  const of = (kind, field) => median(runs[kind].map((run) => run[field]));
  return {
    quiet: { p50Ms: of('quiet', 'p50Ms'), p99Ms: of('quiet', 'p99Ms') },
    busy: { p50Ms: of('busy', 'p50Ms'), p99Ms: of('busy', 'p99Ms') },
    ratio: median(runs.busy.map(({ p99Ms }, at) => p99Ms / runs.quiet[at].p99Ms)),
    fetchedPerSecond: median(stored),
    wrong: [...runs.quiet, ...runs.busy].reduce(
      (sum, { wrong, lost, otherStatus }) => sum + wrong + lost + otherStatus,
      0,
    ),
  };
}

function judge(gates, { hits, tags, churn, servers, isSmall }) {
  const against = (name) => `hit of 1 KB: cutover / ${name}`;
  if (servers.nginx === undefined) gates.leftOut(against('nginx'), 'nginx is not installed');
  else gates.atLeast(against('nginx'), hits.figures.nginx.ratio, 1);
  for (const name of ['haproxy', 'varnish']) {
    const why = isSmall ? 'not in a small run' : `${name} is not installed`;
    if (servers[name] === undefined) gates.leftOut(against(name), why);
    else gates.leftOut(against(name), `recorded: ${round(hits.figures[name].ratio)}`);
  }
  gates.atMost('requests that reached the origin meanwhile', hits.originRequests, 0);
  gates.atMost('requests of cutover that failed', hits.figures.cutover.failed, 0);
  gates.atLeast(`${tagCount} tags / none`, tags.plain.ratio, 0.95);
  gates.atMost('hits of either that failed', tags.plain.failed + tags.tagged.failed, 0);
  gates.atMost('p99 of a hit, writer busy / quiet', churn.ratio, 1.5);
  // Else the writer was not as busy as the line above says.
  gates.atLeast(
    'entries admitted a second meanwhile',
    churn.fetchedPerSecond,
    churnPerSecond * 0.95,
  );
  gates.atMost('hits meanwhile that were wrong or lost', churn.wrong, 0);
}

function print({ hits, tags, churn }) {
  const row = (name, { perSecond, microseconds, p99Ms, ratio, ratioOfCpu }, isPeer = false) => [
    name,
    Math.round(perSecond),
    round(microseconds),
    round(p99Ms),
    isPeer ? round(ratio) : '',
    isPeer ? round(ratioOfCpu) : '',
  ];
  printTable(
    ['hit of 1 KB', 'requests/s', 'CPU µs each', 'p99 ms', 'cutover / it', 'its CPU / cutover'],
    [
      ...Object.entries(hits.figures).map(([name, one]) => row(name, one, name !== 'cutover')),
      row(`cutover, ${tagCount} keys without tags`, tags.plain),
      row(`cutover, ${tagCount} keys with a tag each`, tags.tagged),
    ],
  );
  printTable(
    [`hits at ${hitsPerSecond}/s`, 'p50 ms', 'p99 ms'],
    ['quiet', 'busy'].map((kind) => [
      kind === 'busy'
        ? `${Math.round(churn.fetchedPerSecond)} admitted and evicted a second`
        : kind,
      round(churn[kind].p50Ms),
      round(churn[kind].p99Ms),
    ]),
  );
}
