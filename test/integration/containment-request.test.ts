// Goal: a worker that breaks inside a callback of uWebSockets.js, with frames of the library below
// it on the stack, costs what it would cost anywhere else, and never the process.
// Method: a built-in that the request path calls is replaced in one worker, from outside, by code
// that throws, spins or fills the heap; then a request is sent to that worker.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const spins = 'for (;;);';
const fillsHeap = 'const a = []; for (;;) a.push(new Array(1000).fill({}));';
const throws = 'throw new Error("thrown by the test");';
const smallHeap = ['--max-old-space-size=96'];

/** Paths of a request and the built-in that each calls in the callback of its own. */
const places = [
  // Request ids are numbers in base 36: `respond` renders one before its response is sent.
  [
    'before a reply of the gateway',
    '/id',
    (code: string) => `
      const before = Number.prototype.toString;
      Number.prototype.toString = function (radix) {
        if (radix !== 36) return before.call(this, radix);
        ${code}
      };`,
  ],
  // The draw of an upstream, when the exchange is known to outlive its callback.
  ['on the way upstream', '/origin', (code: string) => `Math.random = () => { ${code} };`],
] as const;

let origin: Origin;

beforeAll(async () => {
  origin = await startOrigin((_request, response) => response.end('origin'));
});

afterAll(async () => {
  await origin.close();
});

function start(nodeArguments: readonly string[]) {
  const definitions = {
    upstreams: { origin: { endpoints: [origin.url] } },
    routes: [
      { id: 'id', match: { path: '/id' }, respond: { body: '${request.id}' } },
      { id: 'origin', match: { path: '/origin' }, upstream: 'origin' },
    ],
  };
  return startBreakable({ definitions, nodeArguments, set: ['workers=2'] });
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

async function node(gateway: Gateway) {
  return (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
}

async function isBack(gateway: Gateway): Promise<void> {
  await until(
    'both are ready',
    async () => {
      const { workers } = await node(gateway);
      return workers.map(({ state }: { state: string }) => state).join() === 'ready,ready';
    },
    15_000,
  );
}

async function ledgerIsEqual(gateway: Gateway): Promise<void> {
  const { generations } = await node(gateway);
  expect(generations).toMatchObject([{ state: 'active', pinned: 0 }]);
  const { accepted, completed, aborted, refused, failed } = generations[0].ledger;
  expect(accepted).toBe(completed + aborted + refused + failed);
}

describe.each(places)('%s', (_place, path, replaced) => {
  test.each([
    ['spins', spins, []],
    ['runs out of heap', fillsHeap, smallHeap],
  ])(
    'a worker that %s is replaced, and the process serves on',
    async (_name, code, args) => {
      const { gateway, run } = await start(args);
      const doomed = await connectTo(gateway, 1);
      const other = await connectTo(gateway, 0);
      await run('worker-1', replaced(code));
      doomed.send(get(path));
      const ended = () => gateway.process.exitCode ?? gateway.process.signalCode;
      const told = () => gateway.log.includes('worker lost') || ended() !== null;
      await until('main tells of the loss, or ends', told, 15_000);
      expect([ended(), gateway.log.split('\n').filter((line) => !line.startsWith('{'))]).toEqual([
        null,
        [''],
      ]);
      await doomed.ended(15_000);
      expect(doomed.rest).toBe('');
      other.send(get('/id'));
      expect((await other.response()).status).toBe(200);
      await isBack(gateway);
      await ledgerIsEqual(gateway);
      const back = await connectTo(gateway, 1);
      back.send(get(path));
      expect((await back.response()).status).toBe(200);
      expect(await gateway.stop()).toBe(0);
    },
    40_000,
  );

  test('an exception is answered with 500 and costs no other connection', async () => {
    const { gateway, run } = await start([]);
    const doomed = await connectTo(gateway, 1);
    const neighbour = await connectTo(gateway, 1);
    await run('worker-1', replaced(throws));
    doomed.send(get(path));
    expect((await doomed.response()).status).toBe(500);
    neighbour.send(get('/none'));
    expect((await neighbour.response()).status).toBe(404);
    await until('the log tells', () => gateway.log.includes('thrown by the test'));
    expect((await exchange(gateway.port, get('/none'))).status).toBe(404);
    await ledgerIsEqual(gateway);
    expect(await gateway.stop()).toBe(0);
  });
});
