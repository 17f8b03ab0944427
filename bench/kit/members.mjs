// Hazelcast members on the loopback, for development, tests and benches. Whatever becomes of the
// process that started them, they end: a watcher holds the other end of a pipe.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Member } from './member.mjs';
import { memberFolder, memberJar, seconds } from './member-jar.mjs';

export const portDefault = 5701;
const loopback = '127.0.0.1';

/**
 * Where free ports are looked for when none is named: blocks of one that is held as long as the
 * members are used, killed ones too, and three for members.
 */
const blocks = { first: 15_701, ports: 4, count: 24 };

/** Three members started together on two cores took 14 s, on a busy machine four times as long. */
const readyMsMax = 90_000;

export class Members {
  #list;
  #name;
  #folder;
  #watcher;
  #guard;
  #say;

  constructor({ name, plans, folder, guard, say }) {
    this.#name = name;
    this.#guard = guard;
    this.#folder = folder;
    this.#say = say;
    this.#watcher = startWatcher(folder);
    this.#list = plans.map((plan) => new Member(plan, () => this.#tellWatcher()));
  }

  /**
   * Starts `count` members and waits until they see each other. `port`: of the first, the others
   * follow; 0: free ones. `rings`: further ringbuffers, as in the member's file. `logCapacity`:
   * places in the log. `places`: where each runs, when that is not the loopback: an address, and
   * the command that its own is handed to (`ip netns exec NAME`).
   */
  static async start({
    count = 1,
    port = 0,
    name = 'cutover',
    heapMebibytes = 256,
    rings = {},
    logCapacity = undefined,
    places = [],
    say = () => {},
    signal = undefined,
  } = {}) {
    const jar = await memberJar({ say });
    const { ports, guard } = port === 0 ? await freePorts(count) : await namedPorts(port, count);
    mkdirSync(memberFolder, { recursive: true });
    const folder = mkdtempSync(join(memberFolder, 'run-'));
    const hosts = ports.map((_, index) => places[index]?.host ?? loopback);
    const addresses = ports.map((one, index) => `${hosts[index]}:${one}`);
    const plans = ports.map((one, index) => ({
      ...{ name, port: one, host: hosts[index], prefix: places[index]?.prefix ?? [] },
      ...{ addresses, rings, logCapacity, folder, jar, heapMebibytes },
    }));
    const members = new Members({ name, plans, folder, guard, say });
    try {
      for (const member of members.list) member.start();
      signal?.addEventListener('abort', () => members.killAll(), { once: true });
      await members.ready();
    } catch (error) {
      await members.killAll();
      members.#end();
      throw error;
    }
    return members;
  }

  get list() {
    return this.#list;
  }

  get name() {
    return this.#name;
  }

  get addresses() {
    return this.#list.map(({ address }) => address);
  }

  get pids() {
    return this.#list.flatMap(({ pid }) => (pid === null ? [] : [pid]));
  }

  /** What a node is started with to use them: arguments of `--set`. */
  get settings() {
    return [
      'cluster.kind=hazelcast',
      `cluster.name=${this.#name}`,
      `cluster.members=[${this.addresses.join(', ')}]`,
    ];
  }

  /** Waits until all that run see each other and are done with moving partitions. */
  async ready(msMax = readyMsMax) {
    const running = this.#list.filter(({ wanted }) => wanted);
    const began = Date.now();
    const ticker = setInterval(() => {
      this.#say(`waiting for ${running.length} members since ${seconds(began)} s`);
    }, 5000);
    try {
      await Promise.all(running.map((one) => one.ready(running.length, began + msMax)));
    } finally {
      clearInterval(ticker);
    }
  }

  /** Settles with the first member that ends, and how. */
  async firstEnd() {
    return Promise.race(this.#list.map(async (member) => ({ member, end: await member.exited })));
  }

  /** Ends all of them, the last to come first, and removes their files. */
  async stop() {
    for (const member of this.#list.toReversed()) await member.stop();
    this.#end();
  }

  async killAll() {
    await Promise.all(this.#list.map((member) => member.kill()));
  }

  #end() {
    this.#watcher.kill('SIGKILL');
    this.#guard?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tellWatcher() {
    this.#watcher.stdin.write(`${this.pids.join(' ')}\n`);
  }
}

/**
 * A shell that reads the pids that run now, line by line. When the pipe closes, at the end of this
 * process however it ended, it kills those of the last line and removes the members' folder.
 */
function startWatcher(folder) {
  const script =
    'while read -r line; do pids=$line; done; for p in $pids; do kill -9 $p; done; rm -rf "$1"';
  const watcher = spawn('/bin/sh', ['-c', script, 'watcher', folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  // It keeps nobody alive, and it may be gone when the last line is written.
  watcher.unref();
  watcher.stdin.unref?.();
  watcher.stdin.on('error', () => {});
  return watcher;
}

const row = (first, count) => Array.from({ length: count }, (_, index) => first + index);

async function namedPorts(first, count) {
  const ports = row(first, count);
  for (const one of ports) {
    if (!(await isFree(one))) throw new Error(`port ${one} is taken: choose others with --port`);
  }
  return { ports, guard: null };
}

/** Ports of a block whose first one could be taken, which no two can at once. */
async function freePorts(count) {
  // Not from the front: test files that start at once would all try the same block.
  for (const step of row(process.pid, blocks.count)) {
    const first = blocks.first + (step % blocks.count) * blocks.ports;
    const guard = await listen(first);
    if (guard === null) continue;
    const ports = row(first + 1, count);
    const free = await Promise.all(ports.map(isFree));
    if (free.every((one) => one)) return { ports, guard: guard.unref() };
    guard.close();
  }
  const last = blocks.first + blocks.count * blocks.ports - 1;
  throw new Error(`no ${count} free ports in a row from ${blocks.first} to ${last}`);
}

/** Null: the port is taken. */
function listen(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host: loopback }, () => resolve(server));
  });
}

async function isFree(port) {
  const server = await listen(port);
  if (server === null) return false;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return true;
}
