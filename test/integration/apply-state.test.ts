// Goal: what was learned of an upstream outlives applies, and its settings are those of the active
// revision: after an apply, after a rollback and after a refusal.
// Method: connections and held requests are counted at an origin while sets are applied.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const held: (() => void)[] = [];
let origin: Origin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startOrigin(({ url }, response) => {
    if (url === '/hold') held.push(() => response.end('held'));
    else response.writeHead(url === '/bad' ? 500 : 200).end('origin');
  });
  gateway = await Gateway.start({ definitions: setOf({}), set: ['workers=1'] });
});

beforeEach(() => {
  held.length = 0;
});

afterAll(async () => {
  await gateway.stop();
  await origin.close();
});

/** Each test has an upstream of its own name, so that nothing is left of the one before. */
let testNumber = 0;
beforeEach(() => {
  testNumber += 1;
});

function setOf(settings: object, other = '') {
  const name = `upstream-${testNumber}`;
  return {
    upstreams: { [name]: { endpoints: [origin.url], ...settings } },
    routes: [
      { id: 'all', match: { path: '/**' }, upstream: name },
      { id: 'other', match: { path: '/other' }, respond: { body: other } },
    ],
  };
}

async function status(path: string, at = gateway): Promise<number> {
  return (await exchange(at.port, get(path))).status;
}

/** How many of so many requests at once the origin gets before it answers one. */
async function heldOf(count: number, port: number): Promise<number> {
  const clients: RawClient[] = [];
  for (let i = 0; i < count; i++) clients.push(await RawClient.connect(port));
  for (const client of clients) client.send(get('/hold'));
  await until('one is held', () => held.length > 0);
  await until('all are held', () => held.length === count, 2_000).catch(() => undefined);
  const found = held.length;
  for (let done = 0; done < count; done++) {
    await until('the next is held', () => held.length > done);
    held[done]?.();
  }
  for (const client of clients) {
    expect((await client.response()).body).toBe('held');
    client.close();
  }
  held.length = 0;
  return found;
}

describe('an apply', () => {
  test.each([
    ['of another route', {}, {}],
    ['of timeouts', {}, { timeout: { headers: '20s', idle: '20s', connect: '2s' } }],
    ['of retries, health and breaker', {}, { retry: { attempts: 1 }, breaker: {} }],
    ['of a larger pool', { connections: 4 }, { connections: 8 }],
    ['of the balance', {}, { balance: 'least-requests' }],
  ])('%s keeps the connection to the upstream', async (_name, before, after) => {
    await gateway.apply(setOf(before, 'before'));
    await status('/');
    const count = origin.connectionCount();
    await gateway.apply(setOf(after, 'after'));
    expect(await status('/')).toBe(200);
    expect(origin.connectionCount()).toBe(count);
  });

  test('of another route keeps an open breaker open', async () => {
    const settings = { breaker: { failures: '100%', of: 2, open: '60s' } };
    await gateway.apply(setOf(settings, 'before'));
    expect([await status('/bad'), await status('/bad')]).toEqual([500, 500]);
    expect(await status('/')).toBe(503);
    await gateway.apply(setOf(settings, 'after'));
    expect(await status('/')).toBe(503);
  });

  test('of a smaller pool and of a larger one holds at once', async () => {
    await gateway.apply(setOf({ connections: 1 }));
    expect(await heldOf(2, gateway.port)).toBe(1);
    await gateway.apply(setOf({ connections: 2 }));
    expect(await heldOf(2, gateway.port)).toBe(2);
    await gateway.apply(setOf({ connections: 1 }, 'not as before'));
    expect(await heldOf(2, gateway.port)).toBe(1);
  });

  test('of a larger pool lets a request go on that waits for a connection', async () => {
    await gateway.apply(setOf({ connections: 1 }));
    const clients = [await RawClient.connect(gateway.port), await RawClient.connect(gateway.port)];
    for (const client of clients) client.send(get('/hold'));
    await until('one is held', () => held.length === 1);
    await gateway.apply(setOf({ connections: 2 }));
    await until('both are held', () => held.length === 2);
    for (const answer of held) answer();
    for (const client of clients) expect((await client.response()).body).toBe('held');
  });
});

describe('a rollback', () => {
  test('brings the size of the pool back', async () => {
    const { revision } = await gateway.apply(setOf({ connections: 2 }));
    await gateway.apply(setOf({ connections: 1 }));
    await gateway.admin('POST', `/v1/revisions/${revision}/rollback`);
    expect(await heldOf(2, gateway.port)).toBe(2);
  });

  test('in the form of the old set applied again brings the size of the pool back', async () => {
    await gateway.apply(setOf({ connections: 2 }));
    await gateway.apply(setOf({ connections: 1 }));
    await gateway.apply(setOf({ connections: 2 }));
    expect(await heldOf(2, gateway.port)).toBe(2);
  });

  test('brings the breaker back', async () => {
    const breaker = { failures: '100%', of: 2, open: '60s' };
    const { revision } = await gateway.apply(setOf({ breaker }));
    await gateway.apply(setOf({}));
    await gateway.admin('POST', `/v1/revisions/${revision}/rollback`);
    expect([await status('/bad'), await status('/bad'), await status('/')]).toEqual([
      500, 500, 503,
    ]);
  });

  test('to a revision that is not loaded any more brings all of it back', async () => {
    const { revision } = await gateway.apply(setOf({ connections: 2 }));
    for (const other of ['1', '2', '3', '4', '5']) {
      await gateway.apply(setOf({ connections: 1 }, other));
    }
    await gateway.admin('POST', `/v1/revisions/${revision}/rollback`);
    expect(await heldOf(2, gateway.port)).toBe(2);
  });
});

describe('a refused apply', () => {
  test('leaves the size of the pool', async () => {
    const { gateway: two, run } = await startBreakable({
      definitions: setOf({ connections: 2 }),
      set: ['workers=2'],
    });
    expect(await status('/', two)).toBe(200);
    await run('worker-1', 'const end = Date.now() + 3_000; while (Date.now() < end);');
    const refused = setOf({ connections: 1 });
    const answer = await two.admin('PUT', '/v1/definitions?wait=200ms', refused);
    expect(answer.body.code).toBe('stage-failed');
    // It takes code again: what control sent meanwhile came before.
    await run('worker-1', '');
    expect(await heldOf(4, two.port)).toBe(4);
  });
});
