// Requests per second on one core, against what people would pick instead. Server on core 0, load
// and origin on core 1; every round runs each server once, so that noise meets all alike; ratios
// are taken within a round and their median is the figure.
import { cpus } from 'node:os';
import { median } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { bare, benchFolder, cutover, peers } from './kit/peers.mjs';
import { processorSeconds, programPath, startServer } from './kit/processes.mjs';
import { runWrk } from './kit/wrk.mjs';

const ports = { origin: 19_001, bare: 19_002, nginx: 19_003, haproxy: 19_004, caddy: 19_005 };
const cutoverPort = 19_010;
const adminPort = 19_011;

const cases = [
  { name: 'respond 1 KB', path: '/respond', of: ['bare'], barePath: '/1k' },
  { name: 'respond, 10,000 routes', path: '/many/route-7777/x/y', of: ['bare'], barePath: '/1k' },
  { name: 'proxied GET 1 KB', path: '/1k', of: ['nginx', 'haproxy', 'caddy'] },
  { name: 'proxied GET 100 KB', path: '/100k', of: ['nginx', 'haproxy', 'caddy'] },
  { name: 'proxied POST 1 KB', path: '/1k', post: 1024, of: ['nginx', 'haproxy', 'caddy'] },
  { name: 'connection per request', path: '/1k', close: true, of: ['nginx', 'haproxy', 'caddy'] },
];

function definitions() {
  const body = 'a'.repeat(1024);
  const respond = { headers: { 'content-type': 'application/octet-stream' }, body };
  const many = Array.from({ length: 10_000 }, (_, index) => ({
    id: `many-${index}`,
    match: { path: `/many/route-${index}/{a}/{b}` },
    respond: index === 7777 ? respond : { body: 'x' },
  }));
  return {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${ports.origin}`] } },
    routes: [
      { id: 'respond', match: { path: '/respond' }, respond },
      ...many,
      { id: 'proxied', match: { path: '/**' }, upstream: 'origin' },
    ],
  };
}

/** `small`: few short rounds of the cases that have gates. */
export async function throughput({ small, rounds, seconds, only, say }) {
  if (cpus().length < 2) throw new Error('this bench needs two cores: one to serve, one to load');
  for (const tool of ['wrk', 'taskset']) {
    if (programPath(tool) === null)
      throw new Error(`${tool} is missing (Debian: apt-get install ${tool})`);
  }
  const folder = benchFolder();
  const servers = await startAll(folder, say);
  const gates = new Gates();
  const results = [];
  try {
    const chosen = cases
      .filter(({ name }) => only === undefined || name.includes(only))
      .filter(({ name }) => !small || /^(respond 1 KB|proxied GET 1 KB)$/.test(name));
    for (const one of chosen) {
      results.push(await runCase(one, servers, { rounds, seconds, say }));
    }
  } finally {
    for (const server of Object.values(servers)) await server.stop();
  }
  judge(results, servers, gates);
  print(results);
  return { gates, results };
}

async function startAll(folder, say) {
  const servers = {};
  const start = async (name, plan, core) => {
    if (plan === null) {
      say(`${name} is not installed and is left out (Debian: apt-get install ${name})`);
      return;
    }
    servers[name] = { port: plan.port, ...(await startServer({ ...plan, core })) };
  };
  await start('origin', bare(ports.origin), 1);
  await start('bare', bare(ports.bare), 0);
  for (const [name, plan] of Object.entries(peers)) {
    await start(name, plan(folder, ports[name], ports.origin), 0);
  }
  await start('cutover', cutover(folder, cutoverPort, adminPort, definitions()), 0);
  return servers;
}

async function runCase(one, servers, { rounds, seconds, say }) {
  const names = ['cutover', ...one.of].filter((name) => servers[name] !== undefined);
  const runs = Object.fromEntries(names.map((name) => [name, []]));
  for (let roundIndex = 0; roundIndex < rounds; roundIndex++) {
    // Another order each round: whoever comes first finds a cooler machine.
    const order = names.map((_, index) => names[(index + roundIndex) % names.length]);
    for (const name of order) {
      say(`${one.name}: ${name}, round ${roundIndex + 1} of ${rounds}`);
      runs[name].push(await measure(one, servers[name], name, seconds));
    }
  }
  const figures = Object.fromEntries(
    names.map((name) => [
      name,
      {
        perSecond: median(runs[name].map(({ perSecond }) => perSecond)),
        microseconds: median(runs[name].map(({ microseconds }) => microseconds)),
        p99Ms: median(runs[name].map(({ p99Ms }) => p99Ms)),
        failed: runs[name].reduce((sum, { failed }) => sum + failed, 0),
        ratio: median(
          runs.cutover.map(({ perSecond }, at) => perSecond / runs[name][at].perSecond),
        ),
      },
    ]),
  );
  return { name: one.name, figures };
}

async function measure(one, server, name, seconds) {
  const path = name === 'bare' ? (one.barePath ?? one.path) : one.path;
  const before = processorSeconds(server.pid);
  const run = await runWrk({
    url: `http://127.0.0.1:${server.port}${path}`,
    core: 1,
    seconds,
    post: one.post ?? 0,
    close: one.close ?? false,
  });
  const used = processorSeconds(server.pid) - before;
  return {
    ...run,
    // A connection that the server closes on demand counts as a read error for wrk.
    failed: (one.close ? 0 : run.failed) + run.otherStatus,
    microseconds: (used * 1e6) / run.requests,
  };
}

function judge(results, servers, gates) {
  const ratio = (caseName, peer) =>
    results.find(({ name }) => name === caseName)?.figures[peer]?.ratio;
  const wanted = [
    ['respond 1 KB', 'bare', 0.7],
    ['proxied GET 1 KB', 'nginx', 0.5],
    ['proxied GET 1 KB', 'caddy', 2],
  ];
  for (const [caseName, peer, limit] of wanted) {
    const name = `${caseName}: cutover / ${peer}`;
    const value = ratio(caseName, peer);
    if (value !== undefined) gates.atLeast(name, value, limit);
    else if (servers[peer] === undefined) gates.leftOut(name, `${peer} is not installed`);
  }
  for (const { name, figures } of results) {
    gates.atMost(`${name}: requests of cutover that failed`, figures.cutover.failed, 0);
  }
}

function print(results) {
  const rows = results.flatMap(({ name, figures }) =>
    Object.entries(figures).map(([server, { perSecond, microseconds, p99Ms, ratio }]) => [
      name,
      server,
      Math.round(perSecond),
      round(microseconds),
      round(p99Ms),
      server === 'cutover' ? '' : round(ratio),
    ]),
  );
  printTable(['case', 'server', 'requests/s', 'CPU µs each', 'p99 ms', 'cutover / it'], rows);
}
