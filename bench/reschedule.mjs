// profiles/reschedule.yaml says what this does and what it must show.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { nowMs } from './kit/figures.mjs';
import { Gates, printTable, round } from './kit/gates.mjs';
import { Members } from './kit/members.mjs';
import { eachHears, startNode } from './kit/nodes.mjs';
import { startCountingOrigin } from './kit/origin-counts.mjs';
import { pace, warmUp } from './kit/pace.mjs';
import { benchFolder } from './kit/peers.mjs';
import { originPort, profileFile } from './kit/profile.mjs';

const definitions = profileFile('reschedule');
const nodePorts = [19_091, 19_092, 19_093];
const itemCount = 1_500;
const firstCount = 1_000;
const shareMax = 0.05;
/** Each node tells of its hot keys as it has looked at all of them, within some seconds. */
const hotMs = 8_000;

const workload = { name: 'keys', prefix: '/items/', count: itemCount, exponent: 0.8 };

export async function reschedule({ say }) {
  const folder = benchFolder();
  const members = await Members.start({ count: 1, port: 0 });
  const origin = await startCountingOrigin(originPort);
  const nodes = [];
  const start = (index, set) => {
    // A replacement has nothing of the node before it but its settings.
    const own = mkdtempSync(join(folder, 'node-'));
    return startNode({ port: nodePorts[index], folder: own, definitions, set });
  };
  const joined = (index) => start(index, [...members.settings, `node.id=node-${index}`]);
  try {
    for (const index of [0, 1, 2]) nodes.push(await joined(index));
    await eachHears(nodes);
    say(`${itemCount} items are asked for on two nodes`);
    await warmUp({ port: nodePorts[0], count: itemCount, workload });
    for (const port of nodePorts) await askSome(port, 3_000);
    await new Promise((resolve) => setTimeout(resolve, hotMs));
    const replaced = async (name, startAgain) => {
      say(`a node is killed, and replaced: ${name}`);
      const node = nodes.pop();
      node.server.kill();
      await node.stop();
      const beganMs = nowMs();
      nodes.push(await startAgain());
      const readyMs = nowMs() - beganMs;
      await origin.reset();
      const load = pace({ port: nodePorts[0], connections: 4, rate: 200, seconds: 3, workload });
      const seen = await askSome(nodePorts[2], firstCount);
      const others = await load;
      const failed = [seen, others].reduce((sum, one) => sum + one.lost + one.wrong, 0);
      return { name, readyMs, fetches: await origin.total(), failed };
    };
    const runs = [
      await replaced('by a cold node', () => start(2, ['cluster.kind=memory'])),
      await replaced('by one that asks others at a miss', () =>
        start(2, [...members.settings, 'node.id=node-2', 'warm.budget=0s']),
      ),
      await replaced('by one that inherits', () => joined(2)),
    ];
    print(runs);
    return { gates: judge(runs), runs };
  } finally {
    for (const node of nodes) await node.stop();
    await origin.stop();
    await members.stop();
  }
}

function askSome(port, requests) {
  return pace({ port, connections: 8, seconds: 60, requests, workload });
}

function judge([cold, , inheriting]) {
  const gates = new Gates();
  gates.atLeast('requests at the origin with a cold node', cold.fetches, firstCount / 10);
  const name = `of these, with inheritance (first ${firstCount} requests)`;
  gates.atMost(name, inheriting.fetches / cold.fetches, shareMax);
  gates.atMost('requests lost or wrong', cold.failed + inheriting.failed, 0);
  return gates;
}

function print(runs) {
  printTable(
    ['a node is replaced', 'ready after, ms', `at the origin, of ${firstCount}`],
    runs.map(({ name, readyMs, fetches }) => [name, round(readyMs), fetches]),
  );
}
