// A process with nothing but a node's place in the cluster and a reader that asks again every 250 ms:
// tells how often its event loop turned in a while.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { HazelcastCluster } from '../../build/cluster/hazelcast-cluster.js';

const plan = { clusterName: 'cutover', members: [process.argv[2]], node: 'idle' };
const cluster = await HazelcastCluster.start(plan, (client, event) => {
  if (event.kind === 'state') process.send({ client, state: event.state });
});

process.on('message', async (ms) => {
  const { loopCount } = performance.nodeTiming.uvMetricsInfo;
  const { user, system } = process.cpuUsage();
  await sleep(ms);
  const used = process.cpuUsage();
  process.send({
    turns: performance.nodeTiming.uvMetricsInfo.loopCount - loopCount,
    processorMs: (used.user + used.system - user - system) / 1000,
  });
});

while (true) {
  try {
    await cluster.ring('ring').park(0, 100).result;
  } catch {
    // Offline: asked again below.
  }
  await sleep(250);
}
