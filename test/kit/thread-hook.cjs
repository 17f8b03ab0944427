// Preloaded into every thread of a gateway under test (node --require): runs the code that a test
// leaves in a folder for one thread, so that a test can break a thread without a hook in src.
const { existsSync, readFileSync, rmSync } = require('node:fs');
const { join } = require('node:path');
const { isMainThread, workerData } = require('node:worker_threads');

const folder = process.env.TEST_HOOK_FOLDER;

function nameOfThread() {
  if (isMainThread) return 'main';
  if (typeof workerData?.index === 'number') return `worker-${workerData.index}`;
  return workerData?.settings === undefined ? 'control' : 'manager';
}

setInterval(() => {
  const file = join(folder, nameOfThread());
  if (!existsSync(file)) return;
  const code = readFileSync(file, 'utf8');
  rmSync(file);
  new Function('require', code)(require);
}, 10).unref();
