// Goal: control and manager may die; traffic does not notice, and the node can be changed again.
// Method: code is run in these threads of a gateway, from outside, that ends them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { testFolder } from '../kit/folder.ts';
import { type Gateway, until } from '../kit/gateway.ts';
import { closedPort } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

function saying(body: string) {
  return { routes: [{ id: 'say', match: { path: '/say' }, respond: { body } }] };
}

async function said(client: RawClient): Promise<string> {
  client.send(get('/say'));
  return (await client.response()).body;
}

async function start() {
  const set = ['workers=2', `admin.port=${await closedPort()}`];
  const breakable = await startBreakable({ definitions: saying('one'), set });
  return { ...breakable, client: await RawClient.connect(breakable.gateway.port) };
}

async function node(gateway: Gateway) {
  return (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
}

async function managerIsBack(gateway: Gateway): Promise<void> {
  await until('the admin interface answers', async () => {
    try {
      return (await gateway.admin('GET', '/v1/definitions')).body.routes.length === 1;
    } catch {
      return false;
    }
  });
}

describe('control that dies', () => {
  test('is replaced; the same connection is served, the shape kept, applies go on', async () => {
    const { gateway, run, client } = await start();
    await gateway.apply(saying('two'));
    await run('control', 'process.exit(3)');
    await until('the shape is loaded anew', async () => {
      const { generations } = await node(gateway);
      return generations.length === 1 && generations[0].generation > 2;
    });
    expect(await said(client)).toBe('two');
    expect((await node(gateway)).generations).toMatchObject([{ revision: 2, state: 'active' }]);
    expect(await gateway.apply(saying('three'))).toMatchObject({ revision: 3, outcome: 'applied' });
    expect(await said(client)).toBe('three');
    const { status } = await gateway.admin('POST', '/v1/revisions/1/rollback');
    expect([status, await said(client)]).toEqual([200, 'one']);
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200);
    expect(await gateway.stop()).toBe(0);
  });

  test('during an apply: it is refused, the shape kept, and the next one taken', async () => {
    const { gateway, run, client } = await start();
    await run(
      'control',
      'const end = Date.now() + 2_500; while (Date.now() < end); process.exit(3)',
    );
    const { status, body } = await gateway.admin('PUT', '/v1/definitions', saying('two'));
    expect([status, body.code]).toEqual([503, 'control-lost']);
    expect(await said(client)).toBe('one');
    await until('the next is taken', async () => {
      const answer = await gateway.admin('PUT', '/v1/definitions', saying('three'));
      return answer.status === 200;
    });
    expect(await said(client)).toBe('three');
  });

  test('or sleeps for long: what is served is what the node says', async () => {
    const { gateway, run, client } = await start();
    await run('control', 'const end = Date.now() + 11_000; while (Date.now() < end);');
    const answer = await gateway.admin('PUT', '/v1/definitions?wait=100ms', saying('two'));
    expect([503, 200]).toContain(answer.status);
    await run('control', '');
    await said(client);
    const { generations } = await node(gateway);
    const { body } = await gateway.admin('GET', '/v1/definitions');
    expect(generations.at(-1).revision).toBe((await node(gateway)).revision);
    expect(await said(client)).toBe(body.routes[0].respond.body);
  }, 40_000);

  test('before a worker: the new worker has the shape too', async () => {
    const { gateway, run } = await start();
    await run('control', 'process.exit(3)');
    await run('worker-1', 'process.exit(3)');
    await until('the worker is lost', () => gateway.log.includes('worker lost'));
    await until('both are ready', async () => {
      const { workers } = await node(gateway);
      return workers.every((one: { state: string; revision: number }) => one.state === 'ready');
    });
    const clients = await Promise.all([0, 1, 2, 3].map(() => RawClient.connect(gateway.port)));
    for (const one of clients) expect(await said(one)).toBe('one');
  });

  test('before a worker: the new worker gets no connection until it has the shape', async () => {
    const { gateway, run } = await start();
    const file = join(testFolder(), 'go-on');
    // The head, which control is to load anew, comes from the manager.
    await run(
      'manager',
      `const { existsSync } = require('node:fs');
       while (!existsSync(${JSON.stringify(file)}) && Date.now() < ${Date.now() + 30_000});`,
    );
    await run('control', 'process.exit(3)');
    await run('worker-1', 'process.exit(3)');
    await run('control', '');
    await run('worker-1', '');
    // So many that the new worker has long been up at the end.
    for (let i = 0; i < 1_000; i++) {
      const one = await RawClient.connect(gateway.port);
      expect(await said(one)).toBe('one');
      one.close();
    }
    writeFileSync(file, '');
    await until('the new worker is ready', async () => {
      const { workers } = await node(gateway);
      return workers.every((one: { state: string }) => one.state === 'ready');
    });
  });
});

describe('a manager that dies', () => {
  test('is replaced; the same connection is served, and applies go on', async () => {
    const { gateway, run, client } = await start();
    await gateway.apply(saying('two'));
    await run('manager', 'process.exit(3)');
    await managerIsBack(gateway);
    expect(await said(client)).toBe('two');
    expect((await gateway.admin('GET', '/v1/revisions')).body.head).toBe(2);
    expect(await gateway.apply(saying('three'))).toMatchObject({ revision: 3, outcome: 'applied' });
    expect(await said(client)).toBe('three');
    expect(await gateway.stop()).toBe(0);
  });

  test('is ready when it is back', async () => {
    const { gateway, run } = await start();
    await run('manager', 'process.exit(3)');
    await managerIsBack(gateway);
    await until(
      'it is ready',
      async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200,
      2_000,
    );
  });

  test('has the figures of routes when it is back', async () => {
    const { gateway, run, client } = await start();
    await said(client);
    await run('manager', 'process.exit(3)');
    await managerIsBack(gateway);
    const text = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    expect(text).toContain('cutover_requests_total{route="say"');
  });

  test('during an apply: what is served is what the node says', async () => {
    const { gateway, run, client } = await start();
    await run('control', 'const end = Date.now() + 300; while (Date.now() < end);');
    const lost = gateway.admin('PUT', '/v1/definitions', saying('two')).catch(() => null);
    await run('manager', 'process.exit(3)');
    expect(await lost).toBe(null);
    await managerIsBack(gateway);
    await until('the head is loaded', async () => (await node(gateway)).generations.length >= 2);
    const { body } = await gateway.admin('GET', '/v1/definitions');
    expect(await said(client)).toBe(body.routes[0].respond.body);
    expect((await gateway.apply(saying('three'))).outcome).toBe('applied');
    expect(await said(client)).toBe('three');
  });

  test('and cannot come back is tried again, with traffic served meanwhile', async () => {
    const { gateway, run, client } = await start();
    const { port } = new URL(gateway.adminUrl);
    // Another listener takes the port as soon as it is free, and lets go of it later.
    await run(
      'main',
      `const take = () => {
        const server = require('node:http').createServer((_request, response) =>
          response.writeHead(503, { connection: 'close' }).end());
        server.on('error', () => setTimeout(take, 1));
        server.listen(${port}, '127.0.0.1', () => setTimeout(() => server.close(), 1_500));
      };
      take();`,
    );
    await run('manager', 'process.exit(3)');
    await until('it is refused', () => gateway.log.includes('manager cannot start'));
    expect(await said(client)).toBe('one');
    await managerIsBack(gateway);
    expect((await gateway.apply(saying('two'))).outcome).toBe('applied');
    expect(await said(client)).toBe('two');
  });

  test('and was replaced does not hold up a drain', async () => {
    const { gateway, run } = await start();
    await run('manager', 'process.exit(3)');
    await managerIsBack(gateway);
    expect(await gateway.stop()).toBe(0);
  });
});
