// profiles/editorial.yaml says what this does and what it must show.
import { nowMs, percentile } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { Members } from './kit/members.mjs';
import { eachHears, startNode } from './kit/nodes.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { benchFolder } from './kit/peers.mjs';
import { askAll, openProbes } from './kit/probes.mjs';
import { originPort, port, profileFile, startProfile } from './kit/profile.mjs';

const nodePorts = [19_091, 19_092, 19_093];
const articleCount = 20;
const freshMsMax = 1_000;

/** What names the change of an article; the front page changes with each. */
const ways = [
  { name: 'tag', bust: (id) => ({ tags: [`article-${id}`, 'front'] }) },
  {
    name: 'url',
    bust: (id) => ({ urls: [`http://bench/articles/${id}`, 'http://bench/front'] }),
  },
  { name: 'route', bust: () => ({ routes: ['article', 'front'] }) },
];

export async function editorial({ small, say }) {
  const rounds = small ? 30 : 200;
  const workers = await startProfile('editorial', ['workers=2']);
  const one = await run({ ...workers, admins: [workers.admin], ports: [port], rounds, say });
  say('three members and three nodes start');
  const three = await run({ ...(await startNodes()), rounds, say });
  print('two workers of one node', one);
  print('three nodes of a cluster', three);
  const gates = new Gates();
  judge(gates, 'one node', one, 1);
  // Nodes that are asked within the same milliseconds may each fetch a page.
  judge(gates, 'three nodes', three, nodePorts.length);
  return { gates, one, three };
}

async function startNodes() {
  const members = await Members.start({ count: 3, port: 0 });
  const origin = await startCountingOrigin(originPort);
  const nodes = [];
  const stop = async () => {
    for (const node of nodes) await node.stop();
    await origin.stop();
    await members.stop();
  };
  try {
    const plan = { folder: benchFolder(), definitions: profileFile('editorial') };
    for (const nodePort of nodePorts) {
      const set = [...members.settings, `node.id=node-${nodePort}`];
      nodes.push(await startNode({ ...plan, port: nodePort, set }));
    }
    await eachHears(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return { origin, admins: nodes.map(({ admin }) => admin), ports: nodePorts, stop };
}

async function run({ origin, admins, ports, stop, rounds, say }) {
  const probes = (await Promise.all(ports.map((one) => openProbes(one)))).flat();
  const seen = { rounds, old: 0, fetches: 0, pages: 0, publishToFreshMs: [], callMs: [] };
  try {
    await askAll(probes, '/front');
    for (let id = 0; id < articleCount; id++) await askAll(probes, `/articles/${id}`);
    say(`${rounds} times: publish, bust, look`);
    for (let index = 0; index < rounds; index++) {
      // The editor is connected to any of the nodes.
      const admin = admins[index % admins.length];
      await oneRound({ origin, admin, probes, seen, index });
    }
  } finally {
    for (const probe of probes) probe.close();
    await stop();
  }
  return seen;
}

async function oneRound({ origin, admin, probes, seen, index }) {
  const id = index % articleCount;
  const way = ways[index % ways.length];
  await origin.reset();
  const publishedMs = nowMs();
  const { version, front } = await origin.publish(String(id));
  const calledMs = nowMs();
  await admin('POST', '/v1/cache/bust', way.bust(id));
  seen.callMs.push(nowMs() - calledMs);
  const got = [
    ...(await askAll(probes, `/articles/${id}`)).map((one) => one - version),
    ...(await askAll(probes, '/front')).map((one) => one - front),
  ];
  seen.publishToFreshMs.push(nowMs() - publishedMs);
  seen.old += got.filter((difference) => difference !== 0).length;
  seen.fetches += await origin.total();
  seen.pages += 2;
}

function judge(gates, where, { old, fetches, pages, publishToFreshMs }, fetchesMax) {
  gates.atMost(`${where}: old or failed answers after the bust call`, old, 0);
  const share = fetches / pages;
  gates.atMost(`${where}: requests at the origin, for each page busted`, share, fetchesMax);
  // Else what was asked for was not stored, and the zeros would say nothing.
  gates.atLeast(`${where}: the same, at least`, share, 1);
  const p99 = percentile(publishToFreshMs, 0.99);
  gates.atMost(`${where}: publish to fresh on every connection, p99 ms`, p99, freshMsMax);
}

function print(where, { rounds, fetches, pages, old, publishToFreshMs, callMs }) {
  const ms = (values) => [0.5, 0.99, 1].map((share) => round(percentile(values, share))).join(', ');
  printTable(
    [`editorial: ${where}`, ''],
    [
      ['rounds', rounds],
      ['pages busted', pages],
      ['requests at the origin', fetches],
      ['old answers', old],
      ['bust call to its answer, p50, p99, most ms', ms(callMs)],
      ['publish to fresh everywhere, p50, p99, most ms', ms(publishToFreshMs)],
    ],
  );
}
