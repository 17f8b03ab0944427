import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startCountingOrigin } from './origin-counts.mjs';
import { benchFolder, cutover } from './peers.mjs';
import { startServer } from './processes.mjs';

/** Where the upstreams of all workload profiles are. */
export const originPort = 19_070;
export const port = 19_071;
const adminPort = 19_072;

/** The definitions of a workload profile. */
export function profileFile(name) {
  return fileURLToPath(new URL(`../../profiles/${name}.yaml`, import.meta.url));
}

/** Serves `profiles/NAME.yaml` and its origin; `stop` ends both. */
export async function startProfile(name, more = []) {
  const file = profileFile(name);
  const folder = benchFolder();
  const origin = await startCountingOrigin(originPort);
  try {
    const plan = cutover(folder, port, adminPort, file, more);
    const gateway = await startServer({ ...plan, core: null });
    const token = readFileSync(join(folder, `data-${port}`, 'admin-token'), 'utf8').trim();
    return {
      origin,
      gateway,
      admin: adminClient(adminPort, token),
      async stop() {
        await gateway.stop();
        await origin.stop();
      },
    };
  } catch (error) {
    await origin.stop();
    throw error;
  }
}

/** Calls of the admin interface; one that is refused is an error. */
export function adminClient(onPort, token) {
  return async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${onPort}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  };
}
