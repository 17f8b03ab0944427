// Compiles thread-guard.c and request-guard.c into one addon in build/native/. Without a C compiler the gateway still runs;
// the message says what is lost.
import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = dirname(fileURLToPath(import.meta.url));
const target = join(folder, '..', 'build', 'native');

/** False: it could not be built, and may be the next time. `log` gets lines for people. */
export async function buildNative({ log }) {
  mkdirSync(target, { recursive: true });
  if (process.platform !== 'linux') {
    log('native parts are for Linux; without them a dying worker takes the process along, and');
    log('requests are read as leniently as uWebSockets.js does');
    return true;
  }
  const output = join(target, 'thread-guard.node');
  const temporary = `${output}.${process.pid}`;
  const sources = ['thread-guard.c', 'request-guard.c'].map((file) => join(folder, file));
  const flags = [
    '-std=c11',
    '-O2',
    '-Wall',
    '-Wextra',
    '-fPIC',
    '-shared',
    '-o',
    temporary,
    ...sources,
  ];
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const { error, status, stderr } = spawnSync(compiler, flags, { encoding: 'utf8' });
    if (error !== undefined) continue;
    if (status === 0) {
      renameSync(temporary, output);
      return true;
    }
    log(`${compiler} could not build the native parts:\n${stderr}`);
    return false;
  }
  log('no C compiler found: a worker that dies will take the whole process along, and threads');
  log('have no names. Install one (Debian: apt-get install gcc libc6-dev) and start again.');
  return false;
}
