// Applies under load, counted from outside. Keep-alive clients that never try again, a new
// connection every 20 ms, slow exchanges and streaming bodies in flight, while each apply changes
// a request header, the upstream and a response header together. A response that does not have all
// three from one revision is mixed.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { benchFolder, cutover } from './kit/peers.mjs';
import { own, residentBytes, startServer, threadCount } from './kit/processes.mjs';
import { ShapeClient } from './kit/shape-client.mjs';
import { originOf, shapeDefinitions, shapeOrigins } from './kit/shape-definitions.mjs';

const port = 19_030;
const adminPort = 19_031;
const originFile = fileURLToPath(new URL('kit/shape-origin.mjs', import.meta.url));
const applierFile = fileURLToPath(new URL('kit/applier.mjs', import.meta.url));

const quietMs = 3_000;
const roundCount = 4;
const probeEveryMs = 20;
const slowCount = 8;
const streamCount = 8;
const thinkMs = 12;

/** Everything that clients saw, for one run. */
class Record {
  lost = 0;
  closed = 0;
  mixed = 0;
  wrongStatus = 0;
  brokenBodies = 0;
  answered = 0;
  samples = [];
  #first = new Map();
  #bodies = { '/shape': 'ok', '/slow': 'slow but whole', '/stream': 'x'.repeat(40_000) };

  reporter(path) {
    return (outcome) => {
      if (outcome.kind === 'lost') this.lost += 1;
      else if (outcome.kind === 'closed') this.closed += 1;
      else this.#answered(path, outcome);
    };
  }

  /** When the first response of a shape had come. */
  firstMs(shape) {
    return this.#first.get(String(shape));
  }

  #answered(path, { status, shape, told, origin, body, closes, sentMs, doneMs }) {
    this.answered += 1;
    if (closes) this.closed += 1;
    if (status !== 200) {
      this.wrongStatus += 1;
      return;
    }
    if (shape !== told || origin !== originOf(shape)) this.mixed += 1;
    if (body !== this.#bodies[path]) this.brokenBodies += 1;
    if (!this.#first.has(shape)) this.#first.set(shape, doneMs);
    this.samples.push({ fast: path === '/shape', shape: Number(shape), sentMs, doneMs });
  }
}

/** `small`: counts are gated and latencies recorded, since a short run says little of a p99. */
export async function cutoverBench({ applies, everyMs, connections, small = false, say }) {
  const folder = benchFolder();
  const servers = [];
  try {
    for (const [name, originPort] of Object.entries(shapeOrigins)) {
      const args = [originFile, String(originPort), name];
      servers.push(
        await startServer({ command: process.execPath, args, core: null, port: originPort }),
      );
    }
    const gateway = await startServer({
      ...cutover(folder, port, adminPort, shapeDefinitions(0)),
      core: null,
    });
    servers.push(gateway);
    const token = readFileSync(join(folder, `data-${port}`, 'admin-token'), 'utf8').trim();
    const seen = await run({ gateway, token, applies, everyMs, connections, say });
    const gates = judge(seen, small);
    print(seen);
    const { record, ...figures } = seen;
    return { gates, ...figures };
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Quiet times and times of applies in turn, so that what else the machine does falls into both. */
async function run({ gateway, token, applies, everyMs, connections, say }) {
  const record = new Record();
  const applier = new Applier(token, everyMs);
  await applier.next();
  const clients = startClients(record, connections);
  const probes = startProbes(record);
  await sleep(1_000);
  record.samples = [];
  say(`${connections} clients, ${slowCount} slow, ${streamCount} streams; ${roundCount} rounds`);
  const beganMs = nowMs();
  const windows = { before: [], during: [] };
  const calls = [];
  const memory = [];
  let threads = 0;
  for (let round = 1; round <= roundCount; round++) {
    const quietFrom = nowMs();
    await sleep(quietMs);
    const appliesFrom = nowMs();
    const count = Math.round((applies * round) / roundCount) - calls.length;
    applier.start(count);
    for (let i = 0; i < count; i++) {
      const call = JSON.parse(await applier.next());
      if (call.report.outcome !== 'applied')
        throw new Error(`not applied: ${JSON.stringify(call)}`);
      calls.push(call);
      memory.push(residentBytes(gateway.pid));
      threads ||= threadCount(gateway.pid);
    }
    await sleep(everyMs);
    windows.before.push([quietFrom, appliesFrom]);
    windows.during.push([appliesFrom, nowMs()]);
    say(`${calls.length} of ${applies} applies`);
  }
  const endedMs = nowMs();
  applier.end();
  await sleep(2_500);
  probes.stop();
  await Promise.all(clients.map((client) => client.stop()));
  const node = await nodes(token);
  const fast = record.samples.filter((sample) => sample.fast);
  const within = (times) =>
    fast
      .filter(({ sentMs }) => times.some(([from, to]) => sentMs >= from && sentMs < to))
      .map(({ sentMs, doneMs }) => doneMs - sentMs);
  return {
    record,
    applies,
    connections,
    answered: record.answered,
    probes: probes.count(),
    firstNewMs: calls.map(({ shape, calledMs }) => (record.firstMs(shape) ?? Infinity) - calledMs),
    answerMs: calls.map(({ calledMs, answeredMs }) => answeredMs - calledMs),
    switchedMs: calls.map(({ report }) => report.timings.switchedMs),
    oldAfterAnswer: countOldAfterAnswer(record, calls),
    before: within(windows.before),
    during: within(windows.during),
    perSecond: fast.length / ((endedMs - beganMs + 2_500) / 1000),
    memory,
    threads: { first: threads, last: threadCount(gateway.pid) },
    node: node.nodes[0],
  };
}

function startClients(record, connections) {
  const start = (path, count, pauseMs) =>
    Array.from(
      { length: count },
      () => new ShapeClient({ port, path, thinkMs: pauseMs, report: record.reporter(path) }),
    );
  return [
    ...start('/shape', connections, thinkMs),
    ...start('/slow', slowCount, 5),
    ...start('/stream', streamCount, 5),
  ];
}

/** A new connection now and then: is the door open all the time? */
function startProbes(record) {
  let count = 0;
  const timer = setInterval(() => {
    count += 1;
    const report = record.reporter('/shape');
    const probe = new ShapeClient({
      port,
      path: '/shape',
      thinkMs: 0,
      report: (outcome) => {
        report(outcome);
        if (outcome.kind === 'answered') void probe.stop();
      },
    });
  }, probeEveryMs);
  return { count: () => count, stop: () => clearInterval(timer) };
}

/** The process that applies, one after another as they are answered. */
class Applier {
  #child;
  #lines;

  constructor(token, everyMs) {
    const args = [applierFile, adminPort, token, everyMs].map(String);
    this.#child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    own(this.#child);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  start(count) {
    this.#child.stdin.write(`${count}\n`);
  }

  /** What it says next. */
  async next() {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('the process that applies has ended');
    return value;
  }

  end() {
    this.#child.stdin.end();
  }
}

async function nodes(token) {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`http://127.0.0.1:${adminPort}/v1/nodes`, { headers });
  return response.json();
}

/** Responses whose request was sent after an apply was answered and that have an older shape. */
function countOldAfterAnswer(record, calls) {
  let count = 0;
  let at = 0;
  const samples = [...record.samples].sort((a, b) => a.sentMs - b.sentMs);
  for (const { sentMs, shape } of samples) {
    while (at < calls.length && calls[at].answeredMs <= sentMs) at += 1;
    if (at > 0 && shape < calls[at - 1].shape) count += 1;
  }
  return count;
}

function judge(seen, small) {
  const { record } = seen;
  const gates = new Gates();
  gates.atMost('requests lost', record.lost, 0);
  gates.atMost('connections closed', record.closed, 0);
  gates.atMost('responses with mixed shapes', record.mixed, 0);
  gates.atMost('responses with another status than 200', record.wrongStatus, 0);
  gates.atMost('bodies not as the origin sent them', record.brokenBodies, 0);
  gates.atMost('old shape begun after the apply was answered', seen.oldAfterAnswer, 0);
  if (small) gates.leftOut('latencies', 'need the long run: npm run bench cutover');
  else judgeLatencies(gates, seen);
  gates.atMost('threads more than at the first apply', seen.threads.last - seen.threads.first, 0);
  const growth = growthMiB(seen.memory);
  if (growth === null) gates.leftOut('memory grown, MiB', 'needs 400 applies or more');
  else gates.atMost('memory grown from apply 200 on, MiB', growth, 16);
  gates.atMost('generations loaded at the end', seen.node.generations.length, 4);
  for (const { generation, ledger, pinned } of seen.node.generations) {
    const { accepted, completed, aborted, refused, failed } = ledger;
    const open = accepted - completed - aborted - refused - failed - pinned;
    gates.atMost(`generation ${generation}: exchanges without an outcome`, Math.abs(open), 0);
  }
  return gates;
}

function judgeLatencies(gates, seen) {
  gates.atMost('call to first new response, p99 ms', percentile(seen.firstNewMs, 0.99), 20);
  const ratio = percentile(seen.during, 0.99) / percentile(seen.before, 0.99);
  gates.atMost('p99 during / p99 before', ratio, 1.25);
}

/** Medians of 100 samples each, so that a collection that is due does not count as growth. */
function growthMiB(memory) {
  if (memory.length < 400) return null;
  return (median(memory.slice(-100)) - median(memory.slice(200, 300))) / 2 ** 20;
}

function print(seen) {
  const ms = (values, share) => round(percentile(values, share));
  const row = (name, values) => [name, ms(values, 0.5), ms(values, 0.99), ms(values, 1)];
  process.stdout.write(
    `${seen.applies} applies, ${seen.answered} responses, ${Math.round(seen.perSecond)} requests/s, ${seen.probes} new connections\n`,
  );
  printTable(
    ['ms', 'p50', 'p99', 'max'],
    [
      row('call to first response of the new shape', seen.firstNewMs),
      row('call to answer', seen.answerMs),
      row('order to control to last worker switched', seen.switchedMs),
      row('latency before', seen.before),
      row('latency during', seen.during),
    ],
  );
  const mib = (bytes) => Math.round(bytes / 2 ** 20);
  process.stdout.write(
    `memory ${mib(seen.memory[0])} MiB at the first apply, ${mib(seen.memory.at(-1))} MiB at the last; threads ${seen.threads.first} and ${seen.threads.last}\n`,
  );
}
