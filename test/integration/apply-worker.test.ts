// Goal: an apply waits for every worker, and says which one it waited for in vain.
// Method: one of two workers is blocked, or made to fail, at a chosen step of an apply.
import { describe, expect, test } from 'vitest';
import { type BreakableGateway, startBreakable } from '../kit/breakable-gateway.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const blockedFor = (ms: number): string =>
  `const end = Date.now() + ${ms}; while (Date.now() < end);`;

/** Code that changes the next message that a worker sends to control as staged. */
const onStaged = (code: string): string => `
  const port = require('node:worker_threads').MessagePort.prototype;
  const post = port.postMessage;
  port.postMessage = function (message, ...rest) {
    if (message?.kind !== 'staged') return post.call(this, message, ...rest);
    port.postMessage = post;
    ${code}
  };`;

function saying(mark: string) {
  return {
    routes: [{ id: 'say', match: { path: '/say' }, respond: { body: `\${request.id}-${mark}` } }],
  };
}

function start(): Promise<BreakableGateway> {
  return startBreakable({ definitions: saying('old'), set: ['workers=2'] });
}

async function clientOf(gateway: Gateway, worker: number): Promise<RawClient> {
  for (;;) {
    const client = await RawClient.connect(gateway.port);
    if ((await said(client)).split('-')[1] === `${worker}`) return client;
    client.close();
  }
}

async function said(client: RawClient): Promise<string> {
  client.send(get('/say'));
  return (await client.response()).body;
}

async function marks(clients: readonly RawClient[]): Promise<(string | undefined)[]> {
  return Promise.all(clients.map(async (client) => (await said(client)).split('-').at(-1)));
}

async function startWithClients() {
  const breakable = await start();
  const clients = [await clientOf(breakable.gateway, 0), await clientOf(breakable.gateway, 1)];
  return { ...breakable, clients };
}

describe('an apply', () => {
  test('waits for a worker that is blocked for a while', async () => {
    const { gateway, run, clients } = await startWithClients();
    await run('worker-1', blockedFor(600));
    const { outcome, nodes, timings } = await gateway.apply(saying('new'));
    expect(outcome).toBe('applied');
    const [first, second] = nodes[0].workers;
    expect([first.id, second.id]).toEqual([0, 1]);
    expect(Math.max(first.switchedMs, second.switchedMs)).toBeLessThanOrEqual(timings.switchedMs);
    expect(await marks(clients)).toEqual(['new', 'new']);
  });

  test('is refused when a worker does not attach in time, and leaves no trace', async () => {
    const { gateway, run, clients } = await startWithClients();
    await run('worker-1', blockedFor(3_000));
    const { status, body } = await gateway.admin(
      'PUT',
      '/v1/definitions?wait=200ms',
      saying('new'),
    );
    expect([status, body.code]).toEqual([500, 'stage-failed']);
    expect(body.detail).toBe('worker 1 did not attach within 200 ms');
    expect(await marks(clients)).toEqual(['old', 'old']);
    const node = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
    expect(node).toMatchObject({ revision: 1, generations: [{ revision: 1, state: 'active' }] });
    const { revisions } = (await gateway.admin('GET', '/v1/revisions')).body;
    expect(revisions[0]).toMatchObject({ revision: 2, state: 'rejected', reason: body.detail });
    expect(await gateway.apply(saying('newer'))).toMatchObject({ outcome: 'applied', revision: 3 });
    expect(await marks(clients)).toEqual(['newer', 'newer']);
  });

  test('is refused when a worker cannot attach, and leaves no trace', async () => {
    const { gateway, run, clients } = await startWithClients();
    const message = "{ ...message, error: 'broken by the test' }";
    await run('worker-1', onStaged(`return post.call(this, ${message}, ...rest);`));
    const { status, body } = await gateway.admin('PUT', '/v1/definitions', saying('new'));
    expect([status, body.code]).toEqual([500, 'stage-failed']);
    expect(body.detail).toBe('worker 1: broken by the test');
    expect(await marks(clients)).toEqual(['old', 'old']);
    expect(await gateway.apply(saying('new'))).toMatchObject({ outcome: 'applied' });
    expect(await marks(clients)).toEqual(['new', 'new']);
  });

  test('is partial when a worker confirms too late, and names it', async () => {
    const { gateway, run, clients } = await startWithClients();
    await run('worker-1', onStaged(`post.call(this, message, ...rest); ${blockedFor(1_000)}`));
    const { status, body } = await gateway.admin(
      'PUT',
      '/v1/definitions?wait=200ms',
      saying('new'),
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ outcome: 'partial', laggards: [1] });
    expect(body.nodes[0].workers).toMatchObject([{ id: 0 }]);
    expect(await marks(clients)).toEqual(['new', 'new']);
    await until('both tell the same', async () => {
      const { workers } = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
      return workers.every(({ revision }: { revision: number }) => revision === 2);
    });
  });

  test('goes on when a worker dies while it attaches', async () => {
    const { gateway, run, clients } = await startWithClients();
    await run('worker-1', onStaged('process.exit(3);'));
    // Its successor confirms too, if it is up before the shape goes live.
    const { workers } = (await gateway.apply(saying('new'))).nodes[0];
    expect(workers[0]).toMatchObject({ id: 0 });
    expect(await marks(clients.slice(0, 1))).toEqual(['new']);
    const back = await clientOf(gateway, 1);
    expect(await marks([back])).toEqual(['new']);
  });
});
