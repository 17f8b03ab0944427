// Goal: one fetch per key, and nobody who waits for it is left behind. Method: an origin that
// answers when the test says so, and many clients of one key; afterwards nothing may be left over.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CachedRoute, startCachedRoute, statusOf } from '../kit/cached-route.ts';
import { until } from '../kit/gateway.ts';
import { get, RawClient, type RawResponse } from '../kit/raw-client.ts';

const clientCount = 50;
const large = 'abcdefghij'.repeat(300_000);
const half = large.length / 2;
let cached: CachedRoute;
/** Responses that the origin owes, by path. */
const owed = new Map<string, ServerResponse[]>();

beforeAll(async () => {
  cached = await startCachedRoute(
    { wait: '2s', 'max-size': '4MiB' },
    ({ url }, response) => {
      owed.set(url, [...(owed.get(url) ?? []), response]);
    },
    {
      set: ['workers=1'],
      route: { upstream: { retry: { attempts: 1 }, timeout: { headers: '60s', idle: '60s' } } },
    },
  );
});

afterAll(() => cached.close());

/** The next response that is owed for a path. */
async function asked(path: string): Promise<ServerResponse> {
  await until(`the origin is asked for ${path}`, () => (owed.get(path) ?? []).length > 0);
  const response = owed.get(path)?.shift() as ServerResponse;
  response.setHeader('cache-control', 'max-age=60');
  return response;
}

async function clientsOf(path: string, count: number): Promise<RawClient[]> {
  const clients = await Promise.all(
    Array.from({ length: count }, () => RawClient.connect(cached.gateway.port)),
  );
  for (const client of clients) client.send(get(path));
  return clients;
}

async function accepted(): Promise<number> {
  const { body } = await cached.gateway.admin('GET', '/v1/nodes');
  return body.nodes[0].generations.at(-1).ledger.accepted;
}

/** A first client whose request is at the origin, then others that wait. */
async function queue(path: string, count: number): Promise<RawClient[]> {
  const before = await accepted();
  const first = await clientsOf(path, 1);
  await until('the origin has the first request', () => cached.askedFor(path) === 1);
  const others = await clientsOf(path, count - 1);
  await until('all are in', async () => (await accepted()) >= before + count);
  return [...first, ...others];
}

async function responsesOf(clients: readonly RawClient[]): Promise<RawResponse[]> {
  const responses = await Promise.all(clients.map((client) => client.response()));
  for (const client of clients) client.close();
  return responses;
}

describe('clients of one key', () => {
  test('are served by one fetch', async () => {
    const clients = await queue('/one', clientCount);
    (await asked('/one')).end('once');
    const responses = await responsesOf(clients);
    expect(responses.map(({ body }) => body)).toEqual(Array(clientCount).fill('once'));
    expect(cached.askedFor('/one')).toBe(1);
    const collapsed = responses.filter((one) => statusOf(one).includes('collapsed'));
    expect(collapsed).toHaveLength(clientCount - 1);
  });

  test.each([
    ['a known', true],
    ['an unknown', false],
  ])('get what is there of a large body of %s length while the rest comes', async (name, sized) => {
    const path = `/large-${name.replace(' ', '-')}`;
    const clients = await queue(path, clientCount);
    const response = await asked(path);
    if (sized) response.setHeader('content-length', large.length);
    response.write(large.slice(0, half));
    await until('all have the first half', () =>
      clients.every((client) => client.rest.length > half * 0.9),
    );
    response.end(large.slice(half));
    for (const { body } of await responsesOf(clients)) expect(body === large).toBe(true);
    expect(cached.askedFor(path)).toBe(1);
  });

  test('go by themselves, all at once, when the response may not be stored', async () => {
    const clients = await queue('/private', clientCount);
    const first = await asked('/private');
    first.setHeader('cache-control', 'private');
    first.end('for the first');
    await until('all others are at the origin', () => cached.askedFor('/private') === clientCount);
    for (const response of owed.get('/private')?.splice(0) ?? []) {
      response.setHeader('cache-control', 'private');
      response.end('for another');
    }
    const responses = await responsesOf(clients);
    expect(responses.map(({ status }) => status)).toEqual(Array(clientCount).fill(200));
    const later = await clientsOf('/private', 2);
    await until('later ones wait for nobody', () => owed.get('/private')?.length === 2);
    for (const response of owed.get('/private')?.splice(0) ?? []) response.end('later');
    expect((await responsesOf(later)).map(({ body }) => body)).toEqual(['later', 'later']);
  });

  test('pass the fetch on when it fails', async () => {
    const clients = await queue('/fails', 5);
    (await asked('/fails')).destroy();
    (await asked('/fails')).end('second');
    const responses = await responsesOf(clients);
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 502]);
    expect(cached.askedFor('/fails')).toBe(2);
  });

  test('pass the fetch on when it breaks off in a small body', async () => {
    const clients = await queue('/breaks', 5);
    const broken = await asked('/breaks');
    broken.setHeader('content-length', 100);
    broken.write('x');
    await until('the first has some of it', () => clients[0]?.rest.endsWith('x') === true);
    broken.destroy();
    (await asked('/breaks')).end('second');
    const [, ...others] = clients;
    const responses = await responsesOf(others);
    expect(responses.map(({ body }) => body)).toEqual(Array(4).fill('second'));
    await clients[0]?.ended();
  });

  test('see a large body that breaks off break off, and the next fetch is a new one', async () => {
    const clients = await queue('/breaks-large', 5);
    const broken = await asked('/breaks-large');
    broken.setHeader('content-length', large.length);
    broken.write(large.slice(0, half));
    await until('all have the first half', () =>
      clients.every((client) => client.rest.length > half * 0.9),
    );
    broken.destroy();
    await Promise.all(clients.map((client) => client.ended()));
    // Control takes the broken one away in a turn of its own; until then it is found, and cut.
    await until('it is gone', async () => {
      const url = encodeURIComponent('http://test/breaks-large');
      const { body } = await cached.gateway.admin('GET', `/v1/cache/entries?url=${url}`);
      return body.entries.length === 0;
    });
    const next = cached.get('/breaks-large');
    (await asked('/breaks-large')).end('new');
    expect((await next).body).toBe('new');
  });

  test('are served when the one that asked first goes away', async () => {
    const [first, ...others] = await queue('/leaves', 10);
    first?.close();
    const response = await asked('/leaves');
    response.end('still');
    const responses = await responsesOf(others);
    expect(responses.map(({ body }) => body)).toEqual(Array(9).fill('still'));
    expect(cached.askedFor('/leaves')).toBe(1);
  });

  test('are served when the one that asked first goes away in the middle', async () => {
    const [first, ...others] = await queue('/leaves-large', 10);
    const response = await asked('/leaves-large');
    response.setHeader('content-length', large.length);
    response.write(large.slice(0, half));
    await until('the first has some', () => (first?.rest.length ?? 0) > 1000);
    first?.close();
    response.end(large.slice(half));
    for (const { body } of await responsesOf(others)) expect(body === large).toBe(true);
    expect(cached.askedFor('/leaves-large')).toBe(1);
  });

  test('do not wait for the one that asked first to read', async () => {
    const before = await accepted();
    const slow = await RawClient.connect(cached.gateway.port);
    slow.socket.pause();
    slow.send(get('/slow'));
    await until('the origin has it', () => cached.askedFor('/slow') === 1);
    const others = await clientsOf('/slow', 5);
    await until('all are in', async () => (await accepted()) >= before + 6);
    (await asked('/slow')).end(large);
    for (const { body } of await responsesOf(others)) expect(body === large).toBe(true);
    slow.socket.resume();
    expect((await slow.response()).body === large).toBe(true);
    slow.close();
    expect(cached.askedFor('/slow')).toBe(1);
  });

  test('are served when a slow first one goes away after the origin is done', async () => {
    const before = await accepted();
    const slow = await RawClient.connect(cached.gateway.port);
    slow.socket.pause();
    slow.send(get('/slow-leaves'));
    await until('the origin has it', () => cached.askedFor('/slow-leaves') === 1);
    const others = await clientsOf('/slow-leaves', 5);
    await until('all are in', async () => (await accepted()) >= before + 6);
    (await asked('/slow-leaves')).end(large);
    await responsesOf(others);
    slow.close();
    expect(cached.askedFor('/slow-leaves')).toBe(1);
  });

  test('wait no longer than their deadline', async () => {
    const clients = await queue('/deadline', 3);
    const beganMs = Date.now();
    await until('the others ask for themselves', () => cached.askedFor('/deadline') === 3);
    expect(Date.now() - beganMs).toBeGreaterThan(1000);
    for (const response of owed.get('/deadline')?.splice(0) ?? []) {
      response.setHeader('cache-control', 'max-age=60');
      response.end('own');
    }
    const responses = await responsesOf(clients);
    expect(responses.map(({ body }) => body)).toEqual(['own', 'own', 'own']);
  });

  test('that want it anew though it is fresh do not ask one after the other', async () => {
    const first = cached.get('/anew');
    (await asked('/anew')).end('first');
    await first;
    await until('it is stored', async () =>
      statusOf(await cached.get('/anew')).startsWith('cutover; hit'),
    );
    const anew = Array.from({ length: 5 }, () => cached.get('/anew', 'Cache-Control: no-cache'));
    await until('all are at the origin', () => owed.get('/anew')?.length === 5);
    for (const response of owed.get('/anew')?.splice(0) ?? []) response.end('anew');
    expect((await Promise.all(anew)).map(({ body }) => body)).toEqual(Array(5).fill('anew'));
  });

  test('that wait and go away leave nothing behind', async () => {
    const [first, ...others] = await queue('/gone', 10);
    for (const client of others) client.close();
    (await asked('/gone')).end('for one');
    expect((await first?.response())?.body).toBe('for one');
    first?.close();
    await until('it is stored', async () =>
      statusOf(await cached.get('/gone')).startsWith('cutover; hit'),
    );
    expect(cached.askedFor('/gone')).toBe(1);
  });
});

test('a body that turns out too large is passed on, and later ones do not wait', async () => {
  const tooLarge = 'x'.repeat(5 * 1024 * 1024);
  const first = cached.get('/too-large');
  (await asked('/too-large')).end(tooLarge);
  expect((await first).body.length).toBe(tooLarge.length);
  const later = await clientsOf('/too-large', 3);
  await until('all are at the origin', () => owed.get('/too-large')?.length === 3);
  for (const response of owed.get('/too-large')?.splice(0) ?? []) response.end('small');
  expect((await responsesOf(later)).map(({ body }) => body)).toEqual(Array(3).fill('small'));
});
