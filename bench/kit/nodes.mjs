import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getRequest, KeepAlive } from './keep-alive.mjs';
import { cutover } from './peers.mjs';
import { startServer } from './processes.mjs';
import { adminClient } from './profile.mjs';

/** Admin ports lie so far above those that serve. */
const adminOffset = 10;

/**
 * A node of a cluster, or with `set` another one, with a client of its admin interface and a
 * connection that asks it. `definitions`: a set, or the path of a file.
 */
export async function startNode({ port, folder, definitions, set }) {
  const plan = cutover(folder, port, port + adminOffset, definitions, set);
  const server = await startServer({ ...plan, core: null });
  const token = readFileSync(join(folder, `data-${port}`, 'admin-token'), 'utf8').trim();
  const probe = new KeepAlive(port);
  await probe.opened();
  return {
    port,
    server,
    admin: adminClient(port + adminOffset, token),
    ask: (path) => probe.fetch(getRequest(path)),
    async stop() {
      probe.close();
      await server.stop();
    },
  };
}

/** Resolves when each has proven its place in the log and hears all the others. */
export async function eachHears(nodes) {
  for (const { admin } of nodes) {
    for (let tries = 0; !(await hears(admin, nodes.length - 1)); tries++) {
      if (tries > 300) throw new Error('the nodes did not find each other');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

async function hears(admin, count) {
  const { fleet } = (await admin('GET', '/v1/nodes')).nodes[0];
  return fleet?.log.proven === true && fleet.nodes.filter(({ live }) => live).length === count;
}
