import { fileURLToPath } from 'node:url';
import { startServer } from './processes.mjs';

const file = fileURLToPath(new URL('counting-origin.mjs', import.meta.url));

/** Starts the counting origin; it is asked over the port that it serves on. */
export async function startCountingOrigin(port, core = null) {
  const server = await startServer({
    command: process.execPath,
    args: [file, String(port)],
    core,
    port,
  });
  const ask = async (path) => (await fetch(`http://127.0.0.1:${port}/-/${path}`)).json();
  return {
    ...server,
    /** `{ total, streaming, byKey }` since the last reset. */
    counts: () => ask('counts'),
    total: async () => (await ask('total')).total,
    streaming: async () => (await ask('total')).streaming,
    reset: () => ask('reset'),
    publish: (what) => ask(`publish/${what}`),
  };
}
