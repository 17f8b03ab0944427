// Goal: while no control is there, nobody waits for what cannot come, and no answer is stale or torn.
// Method: control ends on command, and main is held, so that no other one takes its place until the
// test says so. Clients are connected before, for it is main that accepts.
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BreakableGateway, startBreakable } from '../kit/breakable-gateway.ts';
import { cachedDefinitions, statusOf } from '../kit/cached-route.ts';
import { testFolder } from '../kit/folder.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const large = 'abcdefghij'.repeat(100_000);
const half = large.length / 2;
let origin: Origin;
/** Responses that the test has yet to give, by path. */
let owed: Map<string, ServerResponse[]>;

beforeEach(async () => {
  owed = new Map();
  origin = await startOrigin(({ url }, response) => {
    response.setHeader('cache-control', 'max-age=60');
    if (url.startsWith('/free')) response.end('free');
    else owed.set(url, [...(owed.get(url) ?? []), response]);
  });
});

afterEach(() => origin.close());

const countOf = (path: string) => origin.seen.filter(({ url }) => url === path).length;

function start(workers: number): Promise<BreakableGateway> {
  return startBreakable({
    definitions: cachedDefinitions(
      origin.url,
      { wait: '60s' },
      { upstream: { retry: { attempts: 1 }, timeout: { headers: '60s', idle: '60s' } } },
    ),
    set: [`workers=${workers}`],
  });
}

/** The first one's request is at the origin; the others, over all workers, wait for its fetch. */
async function queue(gateway: Gateway, path: string, count: number): Promise<RawClient[]> {
  const clients = [];
  for (let i = 0; i < count; i++) {
    const client = await RawClient.connect(gateway.port);
    client.send(get(path));
    clients.push(client);
    if (i === 0) await until('the origin has the first', () => countOf(path) === 1);
  }
  await until('all are in', async () => (await running(gateway)) >= count);
  expect(countOf(path)).toBe(1);
  return clients;
}

async function running(gateway: Gateway): Promise<number> {
  const { body } = await gateway.admin('GET', '/v1/nodes');
  const all: { pinned: number }[] = body.nodes[0].generations;
  return all.reduce((sum, { pinned }) => sum + pinned, 0);
}

/** Ends control. The one after it comes when the function is called that this resolves to. */
async function loseControl({ run }: BreakableGateway): Promise<() => void> {
  const file = join(testFolder(), 'go-on');
  const untilMs = Date.now() + 30_000;
  await run(
    'main',
    `const { existsSync } = require('node:fs');
     while (!existsSync(${JSON.stringify(file)}) && Date.now() < ${untilMs});`,
  );
  await run('control', 'process.exit(3)');
  return () => writeFileSync(file, '');
}

/** Answers all that is owed for a path, each with a body of its own; how many those were. */
function answerAll(path: string): number {
  const responses = owed.get(path)?.splice(0) ?? [];
  for (const [i, response] of responses.entries()) response.end(`${path} ${i}`);
  return responses.length;
}

async function expectWell(gateway: Gateway): Promise<void> {
  let last = '';
  await until('responses are stored again', async () => {
    last = statusOf(await exchange(gateway.port, get('/free/after')));
    return last.startsWith('cutover; hit');
  });
  await until('nothing runs', async () => (await running(gateway)) === 0);
  expect(gateway.log).not.toMatch(/exchange crashed|worker broken|worker lost/);
}

test('those that wait, in all workers, go to the origin while the first fetch is under way', async () => {
  const breakable = await start(2);
  const { gateway } = breakable;
  const clients = await queue(gateway, '/a', 8);
  const goOn = await loseControl(breakable);
  await until('all are at the origin', () => (owed.get('/a') ?? []).length === 8);
  expect(answerAll('/a')).toBe(8);
  const bodies = await Promise.all(clients.map(async (client) => (await client.response()).body));
  expect(bodies.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => `/a ${i}`));
  goOn();
  await expectWell(gateway);
});

test('what is stored answers, and what is not is asked for by each', async () => {
  const breakable = await start(1);
  const { gateway } = breakable;
  const [one, two] = [await RawClient.connect(gateway.port), await RawClient.connect(gateway.port)];
  await until('it is stored', async () =>
    statusOf(await exchange(gateway.port, get('/free'))).startsWith('cutover; hit'),
  );
  await queue(gateway, '/a', 2);
  const goOn = await loseControl(breakable);
  await until('the worker knows', () => countOf('/a') === 2);
  one.send(get('/free'));
  expect(statusOf(await one.response())).toMatch(/^cutover; hit/);
  for (const client of [one, two]) client.send(get('/b'));
  await until('both are at the origin', () => (owed.get('/b') ?? []).length === 2);
  answerAll('/b');
  const responses = [await one.response(), await two.response()];
  expect(responses.map(({ body }) => body).sort()).toEqual(['/b 0', '/b 1']);
  expect(statusOf(responses[0] as (typeof responses)[0])).toBe(
    'cutover; fwd=uri-miss; fwd-status=200',
  );
  answerAll('/a');
  goOn();
  await expectWell(gateway);
});

test('what a client changed meanwhile is not answered out of the cache', async () => {
  const breakable = await start(1);
  const { gateway } = breakable;
  const client = await RawClient.connect(gateway.port);
  await until('it is stored', async () =>
    statusOf(await exchange(gateway.port, get('/free'))).startsWith('cutover; hit'),
  );
  await queue(gateway, '/a', 2);
  const goOn = await loseControl(breakable);
  await until('the worker knows', () => countOf('/a') === 2);
  client.send(get('/free').replace('GET', 'DELETE'));
  expect((await client.response()).status).toBe(200);
  const before = countOf('/free');
  client.send(get('/free'));
  expect(statusOf(await client.response())).toBe('cutover; fwd=uri-miss; fwd-status=200');
  expect(countOf('/free')).toBe(before + 1);
  answerAll('/a');
  goOn();
  await expectWell(gateway);
});

test('a body that is stored in part is not waited for, by those who have some of it either', async () => {
  const breakable = await start(1);
  const { gateway } = breakable;
  const late = await RawClient.connect(gateway.port);
  const clients = await queue(gateway, '/large', 4);
  const [first] = owed.get('/large')?.splice(0) ?? [];
  first?.write(large.slice(0, half));
  await until('all have some', () => clients.every(({ rest }) => rest.length > half * 0.8));
  const goOn = await loseControl(breakable);
  const [fetching, ...others] = clients;
  for (const client of others) await client.ended();
  late.send(get('/large'));
  await until('it is asked for anew', () => countOf('/large') === 2);
  for (const response of owed.get('/large')?.splice(0) ?? []) response.end(large);
  expect((await late.response()).body === large).toBe(true);
  first?.end(large.slice(half));
  expect((await fetching?.response())?.body === large).toBe(true);
  goOn();
  await expectWell(gateway);
});
