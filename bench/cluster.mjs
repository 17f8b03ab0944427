// Three nodes with one worker each and three members of Hazelcast, all on one machine, while each node
// serves cached load: how long an apply and a bust take until the last worker of the last node is
// done, what any node answers after that, and what a miss gets from the other nodes.
import { nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { Members } from './kit/members.mjs';
import { eachHears, startNode } from './kit/nodes.mjs';
import { versionOf } from './kit/origin-bodies.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { pace } from './kit/pace.mjs';
import { benchFolder } from './kit/peers.mjs';

const originPort = 19_090;
const nodePorts = [19_091, 19_092, 19_093];
const topicCount = 50;
const loadRate = 200;
const limitMs = 50;
const startPorts = [19_096, 19_097];
/** `warm.budget`, and time to meet the cluster and follow its head. */
const warmMsMax = 4_000;
const goalMs = 20;

function definitions(revision) {
  return {
    upstreams: { origin: { endpoints: [`http://127.0.0.1:${originPort}`] } },
    routes: [
      { id: 'revision', match: { path: '/revision' }, respond: { body: `r${revision}` } },
      {
        id: 'topic',
        match: { path: '/x/{topic}/{name}' },
        upstream: 'origin',
        cache: { tags: ['topic-{topic}'] },
      },
      { id: 'rest', match: { path: '/**' }, upstream: 'origin', cache: {} },
    ],
  };
}

export async function cluster({ rounds, say }) {
  const folder = benchFolder();
  say('three members start');
  const members = await Members.start({ count: 3, port: 0 });
  const origin = await startCountingOrigin(originPort);
  const nodes = [];
  try {
    for (const [index, port] of nodePorts.entries()) {
      const set = [...members.settings, `node.id=node-${index}`];
      nodes.push(await startNode({ port, folder, definitions: definitions(0), set }));
    }
    await eachHears(nodes);
    const quiet = await measure({ nodes, origin, rounds: Math.min(rounds, 100), say, load: false });
    const loaded = await measure({ nodes, origin, rounds, say, load: true });
    say('a fourth node starts, on its own and in the cluster');
    const starts = await measureStarts({ folder, set: members.settings });
    print('without load', quiet);
    print('with load', loaded);
    printStarts(starts);
    return { gates: judge(loaded, starts), quiet, loaded, starts };
  } finally {
    for (const node of nodes) await node.stop();
    await origin.stop();
    await members.stop();
  }
}

async function measure({ nodes, origin, rounds, say, load }) {
  const seen = {
    applyMs: [],
    bustMs: [],
    lagItems: [],
    oldAnswers: 0,
    partial: 0,
    queued: 0,
    mixed: 0,
  };
  const second = { askedMs: [], found: 0 };
  const seconds = Math.ceil(rounds * 0.3) + 10;
  const workload = { name: 'keys', prefix: '/load/', count: 200 };
  const clients = load
    ? nodes.map(({ port }) =>
        pace({ port, connections: 4, rate: loadRate, seconds, workload, requests: 0 }),
      )
    : [];
  let rate = [];
  try {
    for (let index = 0; index < rounds; index++) {
      if (index % 100 === 0) say(`${load ? 'loaded' : 'quiet'} round ${index} of ${rounds}`);
      await applyRound({ nodes, seen, index });
      await bustRound({ nodes, origin, seen, index });
      if (index % 5 === 0) {
        await missRound({ nodes, second, index, load });
        for (const { admin } of nodes) seen.lagItems.push(await lagOf(admin));
      }
    }
  } finally {
    rate = await Promise.all(clients);
  }
  const wrong = rate.reduce((sum, one) => sum + one.lost + one.wrong + one.otherStatus, 0);
  const answered = rate.reduce((sum, one) => sum + one.answered, 0);
  return { ...seen, second, load: { answered, wrong }, rounds };
}

async function applyRound({ nodes, seen, index }) {
  const { admin } = nodes[index % nodes.length];
  const revision = `${seen.applyMs.length}-${nowMs()}`;
  const calledMs = nowMs();
  const answer = await admin('PUT', '/v1/definitions', definitions(revision));
  seen.applyMs.push(nowMs() - calledMs);
  if (answer.outcome !== 'applied' || answer.nodes.length !== nodes.length) seen.partial += 1;
  const bodies = await Promise.all(nodes.map(({ ask }) => ask('/revision')));
  seen.mixed += bodies.filter((one) => one?.body !== `r${revision}`).length;
}

async function bustRound({ nodes, origin, seen, index }) {
  const topic = `t${index % topicCount}`;
  const path = `/x/${topic}/page`;
  await Promise.all(nodes.map(({ ask }) => ask(path)));
  const { version } = await origin.publish(topic);
  const calledMs = nowMs();
  const { admin } = nodes[(index + 1) % nodes.length];
  const answer = await admin('POST', '/v1/cache/bust', { tags: [`topic-${topic}`] });
  seen.bustMs.push(nowMs() - calledMs);
  if (answer.queued || answer.nodes.length !== nodes.length) seen.queued += 1;
  const pages = await Promise.all(nodes.map(({ ask }) => ask(path)));
  seen.oldAnswers += pages.filter(
    (page) => page?.status !== 200 || versionOf(page.body) !== version,
  ).length;
}

/** One node fetches, another one misses a moment later. */
async function missRound({ nodes, second, index, load }) {
  const path = `/miss/${load ? 'l' : 'q'}${index}`;
  await nodes[index % 3].ask(path);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const askedMs = nowMs();
  const response = await nodes[(index + 1) % 3].ask(path);
  if (!/second-level/.test(response?.head ?? '')) return;
  second.found += 1;
  second.askedMs.push(nowMs() - askedMs);
}

/** Items of the log that the node's last probe saw, and that it had not followed. */
async function lagOf(admin) {
  return (await admin('GET', '/v1/nodes')).nodes[0].fleet.log.lag;
}

/** A node that starts: from the process until it is ready, and what it had taken from others by then. */
async function measureStarts({ folder, set }) {
  const definitionsOfAll = definitions(0);
  const start = async (index, more) => {
    const beganMs = nowMs();
    const port = startPorts[index];
    const node = await startNode({ port, folder, definitions: definitionsOfAll, set: more });
    await until(async () => node.server.output().includes('"ready"'));
    const readyMs = nowMs() - beganMs;
    await node.stop();
    return readyMs;
  };
  const cold = [];
  const warm = [];
  for (let round = 0; round < 3; round++) {
    cold.push(await start(0, ['node.id=cold']));
    warm.push(await start(1, [...set, 'node.id=warm']));
  }
  return { coldMs: percentile(cold, 0.5), warmMs: percentile(warm, 0.5) };
}

async function until(done) {
  for (let tries = 0; !(await done()); tries++) {
    if (tries > 1_000) throw new Error('a node did not become ready');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function judge(
  { applyMs, bustMs, oldAnswers, partial, queued, mixed, second, load, rounds },
  starts,
) {
  const gates = new Gates();
  gates.atMost(
    'apply to the last worker of the last node, p99 ms',
    percentile(applyMs, 0.99),
    limitMs,
  );
  gates.atMost(
    'bust to the last worker of the last node, p99 ms',
    percentile(bustMs, 0.99),
    limitMs,
  );
  gates.atMost('old answers after a bust had returned', oldAnswers, 0);
  gates.atMost('answers of an older shape after an apply had returned', mixed, 0);
  gates.atMost('applies that not all nodes confirmed', partial, 0);
  gates.atMost('busts that not all nodes confirmed', queued, 0);
  gates.atMost('requests of the load that failed', load.wrong, 0);
  gates.atLeast(
    'misses that another node answered, share',
    second.found / Math.ceil(rounds / 5),
    0.9,
  );
  const later = starts.warmMs - starts.coldMs;
  gates.atMost('a node that inherits is ready later than one on its own by, ms', later, warmMsMax);
  return gates;
}

function printStarts({ coldMs, warmMs }) {
  printTable(
    ['a node starts (median of 3)', 'ready after, ms'],
    [
      ['on its own, cold', round(coldMs)],
      ['in the cluster, with what others use', round(warmMs)],
    ],
  );
}

function print(name, { applyMs, bustMs, lagItems, second, load, rounds }) {
  const row = (what, values) => [
    what,
    ...[0.5, 0.99, 1].map((share) => round(percentile(values, share))),
  ];
  printTable(
    [`cluster, ${name}: ms`, 'p50', 'p99', 'most'],
    [
      row(`apply (${rounds}; goal ${goalMs})`, applyMs),
      row(`bust (${rounds}; goal ${goalMs})`, bustMs),
      row(`miss answered by the second level (${second.found})`, second.askedMs),
    ],
  );
  printTable(
    [`cluster, ${name}: items`, 'p50', 'p99', 'most'],
    [row(`of the log that a node had not followed (${lagItems.length})`, lagItems)],
  );
  if (load.answered > 0) process.stdout.write(`load: ${load.answered} answers meanwhile\n`);
}
