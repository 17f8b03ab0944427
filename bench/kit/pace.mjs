import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { own } from './processes.mjs';

const file = fileURLToPath(new URL('pace-client.mjs', import.meta.url));

/** Runs a pace client (its plan is described there); core null: any. Resolves to what it saw. */
export function pace({ core = null, ...plan }) {
  const args = [file, JSON.stringify(plan)];
  const child =
    core === null
      ? spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('taskset', ['-c', String(core), process.execPath, ...args], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
  own(child);
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0) resolve(JSON.parse(text));
      else reject(new Error(`a client of the bench ended with ${code}`));
    });
  });
}

/** Asks for each item of a workload once, in order, so that the cache has it. */
export async function warmUp({ port, count, workload, connections = 16, core = null }) {
  const seen = await pace({
    core,
    port,
    connections,
    seconds: 60,
    requests: count,
    workload: { ...workload, order: true },
  });
  if (seen.answered !== count || seen.wrong > 0) {
    throw new Error(`warming up failed: ${JSON.stringify(seen)}`);
  }
}
