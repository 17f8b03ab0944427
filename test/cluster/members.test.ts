// Goal: members for development come up, keep to the loopback, say how to use them, and go when they
// are told to or one of them dies. Method: `npm run cluster` as a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../../.ci/cluster.mjs', import.meta.url));

interface Ready {
  readonly event: string;
  readonly members: readonly { readonly address: string; readonly pid: number }[];
  readonly settings: readonly string[];
}

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

function run(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { child: ChildProcess; ended: Promise<number | null> } {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  started.push(child);
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, ended };
}

async function lineOf({ child, ended }: ReturnType<typeof run>): Promise<Ready> {
  let out = '';
  return new Promise((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
      if (out.includes('\n')) resolve(JSON.parse(out));
    });
    void ended.then((code) => reject(new Error(`ended with ${code} before it was ready`)));
  });
}

/** Addresses that a process listens on, as Linux tells them: `0100007F:1F90` is 127.0.0.1:8080. */
function listening(pid: number, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n'),
  );
  const [state, listens] = [3, '0A'];
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[state] === listens && fields[1]?.endsWith(`:${hex}`) === true)
    .map((fields) => fields[1] as string);
}

function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

const portOf = (address: string): number => Number(address.split(':')[1]);

test('three members see each other, listen on the loopback alone, and end by SIGTERM', async () => {
  const cluster = run(['--members', '3', '--port', '0', '--json']);
  const { event, members, settings } = await lineOf(cluster);
  expect(event).toBe('ready');
  const addresses = members.map(({ address }) => address);
  expect(settings).toContain(`cluster.members=[${addresses.join(', ')}]`);
  for (const { address, pid } of members) {
    const response = await fetch(`http://${address}/hazelcast/health`);
    expect(await response.json()).toMatchObject({ nodeState: 'ACTIVE', clusterSize: 3 });
    const port = portOf(address);
    expect(listening(pid, port).map((one) => one.split(':')[0])).toEqual(['0100007F']);
  }
  cluster.child.kill('SIGTERM');
  expect(await cluster.ended).toBe(0);
  for (const address of addresses) expect(await refusesConnections(portOf(address))).toBe(true);
  // Three JVMs at once, and whatever else this machine does.
}, 120_000);

test('a member that dies ends the command with 1', async () => {
  const cluster = run(['--port', '0', '--json']);
  const { members } = await lineOf(cluster);
  process.kill(members[0]?.pid as number, 'SIGKILL');
  expect(await cluster.ended).toBe(1);
});

test('when the command itself is killed, its members go too', async () => {
  const cluster = run(['--port', '0', '--json']);
  const { members } = await lineOf(cluster);
  cluster.child.kill('SIGKILL');
  await cluster.ended;
  await expect.poll(() => refusesConnections(portOf(members[0]?.address as string))).toBe(true);
});

test('a machine without Java is told what is missing', async () => {
  const { child, ended } = run(['--port', '0'], { JAVA_HOME: '/there/is/none' });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  expect(await ended).toBe(1);
  expect(said).toContain('ENOENT; a JDK 17 or later is needed');
});

test('an option that is none, or a number of members that makes no majority, is told', async () => {
  expect(await run(['--member', '3']).ended).toBe(2);
  expect(await run(['--members', '2']).ended).toBe(2);
});
