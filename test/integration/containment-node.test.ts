// Goal: a node whose workers are all gone says so, comes back, and still ends when it is told to.
// Method: code is run in the workers of a gateway, from outside, that ends or blocks them.
import { describe, expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { startRawOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const definitions = { routes: [{ id: 'say', match: { path: '/say' }, respond: { body: 'said' } }] };
const throws = 'setImmediate(() => { throw new Error("thrown by the test"); });';

async function status(gateway: Gateway): Promise<number> {
  try {
    return (await exchange(gateway.port, get('/say'))).status;
  } catch {
    return 0;
  }
}

/** One worker that broke and still has an exchange running, which never ends. */
async function startBroken() {
  const origin = await startRawOrigin(() => {});
  const { gateway, run } = await startBreakable({
    definitions: {
      upstreams: { silent: { endpoints: [origin.url] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'silent' }, ...definitions.routes],
    },
    set: ['workers=1', 'drain.timeout=1m'],
  });
  const client = await RawClient.connect(gateway.port);
  client.send(get('/hold'));
  await until('it runs', () => origin.connectionCount() === 1);
  await run('worker-0', throws);
  await until('it drains', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].workers[0].state === 'draining';
  });
  return { gateway, origin };
}

describe('a node whose workers all die', () => {
  test('answers 503 or nothing meanwhile, and serves again', async () => {
    const { gateway, run } = await startBreakable({ definitions, set: ['workers=2'] });
    const seen = new Set<number>();
    await Promise.all([run('worker-0', 'process.exit(3)'), run('worker-1', 'process.exit(3)')]);
    await until('it serves again', async () => {
      const one = await status(gateway);
      seen.add(one);
      const { body } = await gateway.admin('GET', '/v1/nodes');
      const states = body.nodes[0].workers.map(({ state }: { state: string }) => state);
      return one === 200 && states.join() === 'ready,ready';
    });
    for (const one of seen) expect([0, 200, 503]).toContain(one);
    expect(await gateway.stop()).toBe(0);
  });

  test('says 503 with Retry-After where it has no worker', async () => {
    const { gateway, origin } = await startBroken();
    const { status: code, headers } = await exchange(gateway.port, get('/say'));
    expect([code, headers['retry-after'], headers['connection']]).toEqual([503, ['1'], ['close']]);
    await origin.close();
  });

  test('is not ready', async () => {
    const { gateway, origin } = await startBroken();
    const ready = await fetch(`${gateway.adminUrl}/readyz`);
    await origin.close();
    expect(ready.status).toBe(503);
  });
});

describe('SIGTERM', () => {
  test('ends a node whose worker spins', async () => {
    const set = ['workers=2', 'drain.timeout=200ms'];
    const { gateway, run } = await startBreakable({ definitions, set });
    await run('worker-1', 'for (;;);');
    expect(await gateway.stop()).toBe(0);
  });

  test('ends a node whose worker has just died', async () => {
    const { gateway, run } = await startBreakable({ definitions, set: ['workers=2'] });
    await run('worker-1', 'process.exit(3)');
    expect(await gateway.stop()).toBe(0);
  });

  test('ends a node whose control has just died', async () => {
    const { gateway, run } = await startBreakable({ definitions, set: ['workers=2'] });
    await run('control', 'process.exit(3)');
    expect(await gateway.stop()).toBe(0);
  });

  test.each([
    ['spins', 'for (;;);'],
    ['dies in the drain', 'setTimeout(() => process.exit(3), 150)'],
  ])('ends a node whose manager %s', async (_name, code) => {
    const { gateway, run } = await startBreakable({
      definitions,
      set: ['workers=1', 'drain.timeout=200ms'],
    });
    await run('manager', code);
    gateway.process.kill('SIGTERM');
    await until('it has ended', () => gateway.process.exitCode !== null, 6_000);
    expect(gateway.process.exitCode).toBe(0);
  });
});
