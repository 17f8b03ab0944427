// Goal: whatever dies or changes while responses are fetched and waited for, no key stays blocked,
// nobody waits for ever and the books stay right. Method: an origin that answers when the test says
// so, and threads that end on command.
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BreakableGateway, startBreakable } from '../kit/breakable-gateway.ts';
import { cachedDefinitions, expectSettled, statusOf } from '../kit/cached-route.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const large = 'abcdefghij'.repeat(100_000);
const half = large.length / 2;
let origin: Origin;
let owed: Map<string, ServerResponse[]>;
const patient = {
  upstream: { retry: { attempts: 1 }, timeout: { headers: '60s', idle: '60s' } },
  policies: [{ headers: { request: { set: { 'x-id': '${request.id}' } } } }],
};

beforeEach(async () => {
  owed = new Map();
  origin = await startOrigin(({ url }, response) => {
    if (url.startsWith('/free')) {
      response.setHeader('cache-control', 'max-age=60');
      response.setHeader('etag', '"free"');
      response.end('free');
    } else owed.set(url, [...(owed.get(url) ?? []), response]);
  });
});

afterEach(() => origin.close());

async function asked(path: string): Promise<ServerResponse> {
  await until(`the origin is asked for ${path}`, () => (owed.get(path) ?? []).length > 0);
  const response = owed.get(path)?.shift() as ServerResponse;
  response.setHeader('cache-control', 'max-age=60');
  return response;
}

const countOf = (path: string) => origin.seen.filter(({ url }) => url === path).length;

async function send(gateway: Gateway, path: string): Promise<RawClient> {
  const client = await RawClient.connect(gateway.port);
  client.send(get(path));
  return client;
}

async function accepted(gateway: Gateway): Promise<number> {
  const { body } = await gateway.admin('GET', '/v1/nodes');
  const all: { ledger: { accepted: number } }[] = body.nodes[0].generations;
  return all.reduce((sum, { ledger }) => sum + ledger.accepted, 0);
}

/** One whose request is at the origin, and others that wait for it. */
async function queue(gateway: Gateway, path: string, count: number): Promise<RawClient[]> {
  const before = await accepted(gateway);
  const clients = [await send(gateway, path)];
  await until('the origin has the first request', () => countOf(path) === 1);
  while (clients.length < count) clients.push(await send(gateway, path));
  await until('all are in', async () => (await accepted(gateway)) >= before + count);
  return clients;
}

function start(workers: number, cache: object = {}): Promise<BreakableGateway> {
  return startBreakable({
    definitions: cachedDefinitions(origin.url, { wait: '20s', ...cache }, patient),
    set: [`workers=${workers}`, 'drain.timeout=10s'],
  });
}

describe('with two workers', () => {
  test('one fetch serves the clients of both', async () => {
    const { gateway } = await start(2);
    const clients = await queue(gateway, '/a', 20);
    (await asked('/a')).end('once');
    const responses = await Promise.all(clients.map((client) => client.response()));
    expect(responses.map(({ body }) => body)).toEqual(Array(20).fill('once'));
    expect(countOf('/a')).toBe(1);
    await expectSettled(gateway);
  });

  test('a large body reaches the clients of both while it comes', async () => {
    const { gateway } = await start(2);
    const clients = await queue(gateway, '/a', 10);
    const response = await asked('/a');
    response.write(large.slice(0, half));
    await until('all have the first half', () =>
      clients.every((client) => client.rest.length > half * 0.8),
    );
    response.end(large.slice(half));
    for (const client of clients) expect((await client.response()).body === large).toBe(true);
    expect(countOf('/a')).toBe(1);
    await expectSettled(gateway);
  });

  test('what may not be stored frees the waiters of both', async () => {
    const { gateway } = await start(2);
    const clients = await queue(gateway, '/a', 10);
    const first = await asked('/a');
    first.setHeader('cache-control', 'no-store');
    first.end('first');
    await until('all others are at the origin', () => countOf('/a') === 10);
    for (const response of owed.get('/a')?.splice(0) ?? []) response.end('own');
    await Promise.all(clients.map((client) => client.response()));
    await expectSettled(gateway);
  });

  test('a worker that dies with its fetches leaves them to the other', async () => {
    const { gateway, run } = await start(2);
    const clients = await queue(gateway, '/a', 10);
    const busy = clients.map((client) => client.ended(20_000).then(() => 'lost'));
    await run(`worker-${workerThatAsked('/a')}`, 'process.exit(3)');
    await until('the fetch is passed on', () => countOf('/a') === 2);
    for (const response of owed.get('/a') ?? []) {
      response.setHeader('cache-control', 'max-age=60');
      response.end('second');
    }
    const outcomes = await Promise.all(
      clients.map((client, i) =>
        Promise.race([
          client.response().then(
            ({ body }) => body,
            () => 'lost',
          ),
          busy[i],
        ]),
      ),
    );
    expect(outcomes.filter((one) => one === 'second').length).toBeGreaterThan(0);
    expect(outcomes.filter((one) => one === 'lost').length).toBeGreaterThan(0);
    for (const client of clients) client.close();
    const again = await hit(gateway, '/a');
    expect(again.body).toBe('second');
    await ledgerIsEqual(gateway);
  });
});

/** The worker whose request is at the origin: its ids have its number in the middle. */
function workerThatAsked(path: string): string {
  const id = origin.seen.find(({ url }) => url === path)?.headers['x-id'];
  return /-(\d+)-[^-]+$/.exec(String(id))?.[1] ?? 'none';
}

async function hit(gateway: Gateway, path: string) {
  let last = await exchange(gateway.port, get(path));
  await until('it is stored', async () => {
    last = await exchange(gateway.port, get(path));
    return statusOf(last).startsWith('cutover; hit');
  });
  return last;
}

function sumOfEnds({ completed = 0, aborted = 0, refused = 0, failed = 0 }): number {
  return completed + aborted + refused + failed;
}

async function ledgerIsEqual(gateway: Gateway): Promise<void> {
  await until('the books are right', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].generations.every(
      ({ pinned, ledger }: { pinned: number; ledger: Record<string, number> }) =>
        pinned === 0 && sumOfEnds(ledger) === ledger['accepted'],
    );
  });
  expect(gateway.log).not.toMatch(/exchange crashed|worker broken/);
}

describe('a control that dies', () => {
  test('in the middle of a large body costs the clients of that body at most', async () => {
    const { gateway, run } = await start(1);
    const clients = await queue(gateway, '/a', 5);
    const response = await asked('/a');
    response.write(large.slice(0, half));
    await until('all have some', () => clients.every((client) => client.rest.length > half * 0.8));
    await run('control', 'process.exit(3)');
    expect((await hit(gateway, '/free/again')).body).toBe('free');
    response.end(large.slice(half));
    const first = await clients[0]?.response();
    expect(first?.body === large).toBe(true);
    const [, ...others] = clients;
    await Promise.all(others.map((client) => client.response().catch(() => 'cut')));
    for (const client of clients) client.close();
    expect((await hit(gateway, '/free')).body).toBe('free');
    await ledgerIsEqual(gateway);
  });

  test('frees whoever waits for its answer', async () => {
    const { gateway, run } = await start(1);
    await hit(gateway, '/free/before');
    const clients = await queue(gateway, '/a', 5);
    await run('control', 'for (const end = Date.now() + 300; Date.now() < end;); process.exit(3)');
    (await asked('/a')).end('one');
    const served = Promise.all(clients.map((client) => client.response()));
    const answerAll = setInterval(() => {
      for (const response of owed.get('/a')?.splice(0) ?? []) response.end('one');
    }, 10);
    expect((await served).map(({ body }) => body)).toEqual(Array(5).fill('one'));
    clearInterval(answerAll);
    expect((await hit(gateway, '/free/after')).body).toBe('free');
    await ledgerIsEqual(gateway);
  });
});

describe('an apply', () => {
  test('during fetches and waits loses nobody, and what was fetched is kept', async () => {
    const { gateway } = await start(1);
    const clients = await queue(gateway, '/a', 10);
    const definitions = cachedDefinitions(origin.url, { wait: '10s' }, patient);
    await gateway.apply(definitions);
    const later = await send(gateway, '/a');
    (await asked('/a')).end('once');
    const responses = await Promise.all([...clients, later].map((client) => client.response()));
    expect(responses.map(({ body }) => body)).toEqual(Array(11).fill('once'));
    expect(countOf('/a')).toBe(1);
    expect(statusOf(await exchange(gateway.port, get('/a')))).toMatch(/^cutover; hit/);
    await expectSettled(gateway);
  });
});

describe('a drain', () => {
  test('waits for fetches and those who wait for them, and ends well', async () => {
    const gateway = await Gateway.start({
      definitions: cachedDefinitions(origin.url, { wait: '20s' }, patient),
      set: ['workers=1', 'drain.timeout=10s'],
    });
    const clients = await queue(gateway, '/a', 10);
    const stopped = gateway.stop();
    await until('it drains', () => gateway.log.includes('drain'));
    (await asked('/a')).end(large);
    for (const client of clients) expect((await client.response()).body === large).toBe(true);
    expect(await stopped).toBe(0);
    expect(gateway.log).not.toMatch(/exchange crashed|worker broken/);
  });

  test('ends the connection of a client that has what is stored already', async () => {
    const gateway = await Gateway.start({
      definitions: cachedDefinitions(origin.url, { wait: '20s' }, patient),
      set: ['workers=1', 'drain.timeout=10s'],
    });
    await hit(gateway, '/free');
    const idle = await RawClient.connect(gateway.port);
    idle.send(get('/free'));
    await idle.response();
    const [busy] = await queue(gateway, '/a', 1);
    const stopped = gateway.stop();
    await until('it drains', () => gateway.log.includes('drain'));
    idle.send(get('/free', 'If-None-Match: "free"'));
    const response = await idle.response();
    expect([response.status, response.headers['connection']]).toEqual([304, ['close']]);
    await idle.ended();
    (await asked('/a')).end('late');
    expect((await busy?.response())?.body).toBe('late');
    expect(await stopped).toBe(0);
  });

  test('cuts off what takes too long, and ends well', async () => {
    const gateway = await Gateway.start({
      definitions: cachedDefinitions(origin.url, { wait: '20s' }, patient),
      set: ['workers=1', 'drain.timeout=300ms'],
    });
    const clients = await queue(gateway, '/a', 5);
    const response = await asked('/a');
    response.write(large);
    await until('all have some', () => clients.every((client) => client.rest.length > 1000));
    await queue(gateway, '/b', 5);
    expect(await gateway.stop()).toBe(0);
    expect(gateway.log).not.toMatch(/exchange crashed|worker broken/);
  });
});
