// Processes of a bench: each on its core, ended by its pid, its processor time read from /proc.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const running = new Set();
const folders = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A process that is not to outlive the benches. */
export function own(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
}

/** A folder for the files of one bench, removed when the benches end. */
export function benchFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'cutover-bench-'));
  folders.add(folder);
  return folder;
}

/** Clock ticks of /proc/PID/stat in a second; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Where a program is, or null. */
export function programPath(name) {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}

/** Starts a program bound to one core (null: any) and waits until its port takes connections. */
export async function startServer({ command, args, core, port, env = {} }) {
  const child =
    core === null
      ? spawn(command, args, options(env))
      : spawn('taskset', ['-c', String(core), command, ...args], options(env));
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors = (errors + text).slice(-4000);
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  const exited = new Promise((resolve) => {
    child.on('exit', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  const server = {
    pid: child.pid,
    output: () => output,
    errors: () => errors,
    exited,
    async stop() {
      child.kill('SIGTERM');
      await Promise.race([exited, sleep(5000)]);
      child.kill('SIGKILL');
      await exited;
    },
    kill: () => child.kill('SIGKILL'),
  };
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await takesConnections(port)) return server;
    if (child.exitCode !== null) break;
    await sleep(20);
  }
  await server.stop();
  throw new Error(`${command} did not come up on port ${port}:\n${errors}`);
}

function options(env) {
  return { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } };
}

function takesConnections(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Seconds of processor time that a process has used, in all its threads and its children. */
export function processorSeconds(pid) {
  return processTree(pid).reduce((sum, one) => {
    const fields = statFields(one);
    return sum + (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  }, 0);
}

/** A process and those that it started. */
function processTree(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return [pid, ...children.split(' ').filter((one) => one !== '')].map(Number);
}

/** Fields of /proc/PID/stat from the state on. */
function statFields(pid) {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
}

export function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)[1]) * 1024;
}

export function threadCount(pid) {
  return readdirSync(`/proc/${pid}/task`).length;
}
