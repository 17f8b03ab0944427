// A cluster that comes and goes: one node, whose only member is killed and started again every few
// seconds, under small load and with a bust a second. What each turn leaves behind would show as
// memory of the node that grows.
import { setTimeout as sleep } from 'node:timers/promises';
import { median, nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { Members } from './kit/members.mjs';
import { startNode } from './kit/nodes.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { pace, warmUp } from './kit/pace.mjs';
import { benchFolder } from './kit/peers.mjs';
import { residentBytes } from './kit/processes.mjs';

const originPort = 21_590;
const nodePort = 21_591;
const itemCount = 500;
const loadRate = 100;
const awayMs = 1_500;
const thereMs = 1_500;
const provenMsMax = 15_000;
const sampleMs = 1_000;
const rowCount = 12;
/** One connection's buffers that leaked in each of 300 turns would be 19 MiB. */
const growthMebibytesMax = 16;

const workload = { name: 'keys', prefix: '/load/', count: itemCount };

const definitions = {
  upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
  routes: [{ id: 'all', match: { path: '/load/{name}' }, upstream: 'origin', cache: {} }],
};

export async function flap({ minutes, say }) {
  const folder = benchFolder();
  const members = await Members.start({ count: 1, port: 0 });
  const origin = await startCountingOrigin(originPort);
  let node = null;
  try {
    const set = [...members.settings, 'node.id=node-0', 'cache.memory=16MiB'];
    node = await startNode({ port: nodePort, folder, definitions, set });
    await proven(node);
    await warmUp({ port: nodePort, count: itemCount, workload });
    const seconds = minutes * 60;
    const clients = { port: nodePort, connections: 4, rate: loadRate, seconds, workload };
    const load = pace({ ...clients, reconnect: true });
    const seen = await turns({ node, member: members.list[0], members, seconds, say });
    const run = { ...seen, load: await load };
    print(run);
    return { gates: judge(run), ...run };
  } finally {
    await node?.stop();
    await origin.stop();
    await members.stop();
  }
}

/** Kills and starts the member until the time is up. */
async function turns({ node, member, members, seconds, say }) {
  const seen = { turns: 0, provenMs: [], missed: 0, busts: 0, queued: 0, refused: 0, samples: [] };
  const beganMs = nowMs();
  const elapsed = () => (nowMs() - beganMs) / 1000;
  const sampling = setInterval(() => {
    const mebibytes = residentBytes(node.server.pid) / 1024 / 1024;
    seen.samples.push({ second: elapsed(), mebibytes, turns: seen.turns });
    void bust(node, seen);
  }, sampleMs);
  try {
    while (elapsed() < seconds) {
      await member.kill();
      await sleep(awayMs);
      member.start();
      await members.ready();
      const provenMs = await proven(node);
      if (provenMs === null) seen.missed += 1;
      else seen.provenMs.push(provenMs);
      seen.turns += 1;
      if (seen.turns % 20 === 0) say(`${seen.turns} turns, ${round(elapsed())} of ${seconds} s`);
      await sleep(thereMs);
    }
  } finally {
    clearInterval(sampling);
  }
  return seen;
}

async function bust({ admin }, seen) {
  const tags = [`t-${seen.busts++}`];
  const answer = await admin('POST', '/v1/cache/bust', { tags }).catch(() => null);
  if (answer === null) seen.refused += 1;
  else if (answer.queued) seen.queued += 1;
}

/** How long until the node has proven its place in the log again; null: it has not. */
async function proven({ admin }) {
  const beganMs = nowMs();
  while (nowMs() - beganMs < provenMsMax) {
    const { fleet } = (await admin('GET', '/v1/nodes')).nodes[0];
    if (fleet?.log.proven === true) return nowMs() - beganMs;
    await sleep(50);
  }
  return null;
}

/** By medians, since a garbage collection moves single samples by more than what is looked for. */
function growth(samples) {
  const rest = samples.slice(Math.floor(samples.length / 3)).map(({ mebibytes }) => mebibytes);
  const quarter = Math.ceil(rest.length / 4);
  return median(rest.slice(-quarter)) - median(rest.slice(0, quarter));
}

function judge({ turns: count, missed, refused, samples, load }) {
  const gates = new Gates();
  const failed = load.lost + load.wrong + load.otherStatus + load.unanswered;
  gates.atLeast('turns of the member', count, 1);
  gates.atMost('turns after which the node had not found its place', missed, 0);
  gates.atMost('requests that failed', failed, 0);
  gates.atMost('busts that were refused', refused, 0);
  const name = 'growth of the node after the first third, MiB';
  gates.atMost(name, Math.max(0, growth(samples)), growthMebibytesMax);
  return gates;
}

function print({ samples, provenMs, turns: count, busts, queued, load }) {
  const step = Math.max(1, Math.floor(samples.length / rowCount));
  const shown = samples.filter((_, index) => index % step === 0);
  printTable(
    ['minute', 'turns', 'node, MiB'],
    shown.map(({ second, mebibytes, turns }) => [round(second / 60), turns, round(mebibytes)]),
  );
  const worst = percentile(provenMs, 1);
  process.stdout.write(
    `${count} turns, ${busts} busts, ${queued} of them queued, ${load.answered} answers\n`,
  );
  process.stdout.write(
    `place found again after ${round(median(provenMs))} ms (median), ${round(worst)} ms (most)\n`,
  );
}
