// Goal: a node whose cluster is gone neither spins nor hammers it. Method: a process joins a real
// member, which is killed; in its place a server counts who knocks, and the process the turns of its
// event loop.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import type { Members } from '../../bench/kit/members.mjs';
import { oneMember } from '../kit/cluster.ts';
import { until } from '../kit/gateway.ts';

const script = fileURLToPath(new URL('../kit/idle-node.mjs', import.meta.url));
const watchedMs = 3000;

let members: Members | undefined;
let child: ChildProcess | undefined;
let server: Server | undefined;
afterEach(async () => {
  child?.kill('SIGKILL');
  server?.close();
  await members?.stop();
});

test('with its only member gone it knocks about once a second with each client, and sleeps', async () => {
  members = await oneMember();
  const [member] = members.list;
  if (member === undefined) throw new Error('there is one');
  child = fork(script, [member.address]);
  const states: Record<string, string> = {};
  child.on('message', ({ client, state }: { client?: string; state?: string }) => {
    if (client !== undefined && state !== undefined) states[client] = state;
  });
  const both = (state: string) => states['log'] === state && states['bodies'] === state;
  await until('both are connected', () => both('connected'), 20_000);
  await member.kill();
  await until('both are offline', () => both('offline'), 20_000);
  let knocks = 0;
  server = createServer((socket) => {
    knocks += 1;
    socket.on('error', () => {});
    socket.destroy();
  });
  server.listen(member.port, '127.0.0.1');
  await once(server, 'listening');
  // Its waits grow from 100 ms to a second.
  await new Promise((resolve) => setTimeout(resolve, 3000));
  knocks = 0;
  child.send(watchedMs);
  const [told] = (await once(child, 'message')) as [{ turns: number; processorMs: number }];
  expect(knocks).toBeGreaterThan(0);
  // Two clients, waits of a second less 30 %.
  expect(knocks).toBeLessThanOrEqual(10);
  // Timers: 10 a second for each client's own cleaning, 4 for the reader, and a few more.
  expect(told.turns).toBeGreaterThan(0);
  expect(told.turns).toBeLessThan((watchedMs / 1000) * 60);
});
