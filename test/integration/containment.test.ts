// Goal: the death of one thread costs that thread's connections and nothing else.
// Method: code is run in a thread of a gateway with two workers, from outside, that ends or breaks it
// while the origin holds exchanges on both workers; then the node is asked and used.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BreakableGateway, startBreakable } from '../kit/breakable-gateway.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const held: (() => void)[] = [];
let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin(({ url }, response) => {
    if (url === '/hold') held.push(() => response.end('held'));
    else response.end('origin');
  });
});

beforeEach(() => {
  held.length = 0;
});

afterAll(async () => {
  await origin.close();
});

function start(nodeArguments: string[] = [], workers = 2): Promise<BreakableGateway> {
  const definitions = {
    upstreams: { origin: { endpoints: [origin.url] } },
    routes: [
      { id: 'all', match: { path: '/**' }, upstream: 'origin' },
      { id: 'id', match: { path: '/id' }, respond: { body: '${request.id}' } },
    ],
  };
  return startBreakable({ definitions, nodeArguments, set: [`workers=${workers}`] });
}

/** A connection to a worker; ids of requests tell which one serves it. */
async function connectTo(gateway: Gateway, worker: number): Promise<RawClient> {
  for (;;) {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/id'));
    const { body } = await client.response();
    if (body.split('-')[1] === `${worker}`) return client;
    client.close();
  }
}

async function hold(client: RawClient): Promise<void> {
  const before = held.length;
  client.send(get('/hold'));
  await until('it is held', () => held.length > before);
}

async function node(gateway: Gateway) {
  return (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
}

/** What the ready workers of a node are, by id. */
async function ready(gateway: Gateway): Promise<number[]> {
  const { workers } = await node(gateway);
  return workers
    .filter(({ state }: { state: string }) => state === 'ready')
    .map(({ id }: { id: number }) => id);
}

async function dies(gateway: Gateway): Promise<void> {
  await until('main tells of the loss', () => gateway.log.includes('worker lost'), 15_000);
}

async function isBack(gateway: Gateway): Promise<void> {
  await until('both are ready', async () => (await ready(gateway)).join() === '0,1', 15_000);
}

const deaths = [
  ['exits', 'process.exit(3)', []],
  ['spins', 'for (;;);', []],
  [
    'runs out of heap',
    'const a = []; for (;;) a.push(new Array(1000).fill({}));',
    ['--max-old-space-size=96'],
  ],
] as const;

describe.each(deaths)('a worker that %s', (_name, code, nodeArguments) => {
  test('loses its own exchanges alone, is replaced, and the ledger stays equal', async () => {
    const { gateway, run } = await start([...nodeArguments]);
    const doomed = await connectTo(gateway, 1);
    const other = await connectTo(gateway, 0);
    await hold(doomed);
    await hold(other);
    await run('worker-1', code);
    await doomed.ended(15_000);
    expect(doomed.rest).toBe('');
    await dies(gateway);
    held[1]?.();
    expect((await other.response()).body).toBe('held');
    await isBack(gateway);
    const { generations } = await node(gateway);
    expect(generations).toMatchObject([{ state: 'active', pinned: 0 }]);
    const { accepted, completed, aborted, refused, failed } = generations[0].ledger;
    expect(accepted).toBe(completed + aborted + refused + failed);
    (await connectTo(gateway, 1)).close();
    await gateway.apply({ routes: [{ id: 'new', match: { path: '/new' }, respond: {} }] });
    expect((await exchange(gateway.port, get('/new'))).status).toBe(200);
    expect(await gateway.stop()).toBe(0);
  }, 40_000);
});

describe('a worker that dies', () => {
  test('is told as dead, with what it lost, until it is replaced', async () => {
    const { gateway, run } = await start();
    const doomed = await Promise.all([connectTo(gateway, 1), connectTo(gateway, 1)]);
    for (const client of doomed) await hold(client);
    await run('worker-1', 'process.exit(3)');
    let seen = await node(gateway);
    await until('it is lost', async () => {
      seen = await node(gateway);
      return seen.workers[1].state === 'dead' && seen.generations[0].ledger.failed > 0;
    });
    expect(seen.workers[1]).toMatchObject({ state: 'dead', connections: 0, generation: 0 });
    expect(seen.generations).toMatchObject([
      { pinned: 0, ledger: { failedBy: { 'worker-lost': 2 } } },
    ]);
    await until('the log tells', () => /"worker":1,"lost":2/.test(gateway.log));
  });

  test('is remembered by the ledger when its successor serves', async () => {
    const { gateway, run } = await start();
    const doomed = await connectTo(gateway, 1);
    await hold(doomed);
    await run('worker-1', 'process.exit(3)');
    await dies(gateway);
    await isBack(gateway);
    const { ledger } = (await node(gateway)).generations[0];
    expect(ledger.failedBy).toEqual({ 'worker-lost': 1 });
  });

  test('again and again is replaced each time, with the other serving on', async () => {
    const { gateway, run } = await start();
    const other = await connectTo(gateway, 0);
    for (let i = 0; i < 3; i++) {
      await run('worker-1', 'process.exit(3)');
      await until('it is noticed', async () => (await ready(gateway)).join() === '0');
      other.send(get('/'));
      expect((await other.response()).body).toBe('origin');
      await isBack(gateway);
    }
    other.send(get('/'));
    expect((await other.response()).body).toBe('origin');
  });

  test('does not keep an apply from the other, and its successor has the new shape', async () => {
    const { gateway, run } = await start();
    await run('worker-1', 'process.exit(3)');
    await dies(gateway);
    const set = {
      routes: [{ id: 'new', match: { path: '/id' }, respond: { body: '${request.id}-new' } }],
    };
    const { outcome, revision } = await gateway.apply(set);
    expect(outcome).toBe('applied');
    await isBack(gateway);
    const client = await connectTo(gateway, 1);
    client.send(get('/id'));
    expect((await client.response()).body).toMatch(/-new$/);
    expect((await node(gateway)).workers).toMatchObject([{ revision }, { revision }]);
  });
});

describe('a worker that throws', () => {
  test.each([
    ['an exception', 'setImmediate(() => { throw new Error("thrown by the test"); });'],
    ['a rejection', 'void Promise.reject(new Error("thrown by the test"));'],
  ])('%s finishes what it has running before it is replaced', async (_name, code) => {
    const { gateway, run } = await start();
    const client = await connectTo(gateway, 1);
    await hold(client);
    await run('worker-1', code);
    await until('it drains', async () => (await node(gateway)).workers[1].state === 'draining');
    expect(gateway.log).toContain('thrown by the test');
    held[0]?.();
    expect((await client.response()).body).toBe('held');
    await dies(gateway);
    await isBack(gateway);
    expect((await node(gateway)).generations[0].pinned).toBe(0);
  });

  test('with a long exchange running does not leave the node without a worker', async () => {
    const { gateway, run } = await start([], 1);
    const client = await connectTo(gateway, 0);
    await hold(client);
    await run('worker-0', 'setImmediate(() => { throw new Error("thrown by the test"); });');
    await until('it drains', async () => (await node(gateway)).workers[0].state === 'draining');
    await until(
      'new connections are served',
      async () => (await exchange(gateway.port, get('/'))).status === 200,
      3_000,
    );
  });
});
