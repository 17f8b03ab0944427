// Goal: a drain waits for clients that are slow to read or to send, not only for upstreams.
// Method: clients stop reading or sending at a known point, SIGTERM comes, then they go on.
import { expect, onTestFinished, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { startOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const block = 'x'.repeat(1024 * 1024);
const blockCount = 24;

async function start(): Promise<Gateway> {
  const origin = await startOrigin(({ url, body }, response) => {
    if (url === '/sized') response.setHeader('content-length', block.length * blockCount);
    if (url === '/echo') {
      response.setHeader('content-length', body.length);
      response.write(body);
    } else for (let i = 0; i < blockCount; i++) response.write(block);
    response.end();
  });
  onTestFinished(() => origin.close());
  const gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [
        { id: 'all', match: { path: '/**' }, upstream: 'origin' },
        { id: 'local', match: { path: '/local' }, respond: { body: block } },
      ],
    },
    set: ['workers=1'],
  });
  onTestFinished(() => gateway.kill());
  return gateway;
}

async function draining(gateway: Gateway): Promise<void> {
  gateway.process.kill('SIGTERM');
  await until('it drains', () => gateway.log.includes('draining'));
}

test.each(['/sized', '/chunked'])('a slow reader of %s gets all of it', async (path) => {
  const gateway = await start();
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  client.send(get(path));
  await until('it runs', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].generations[0].pinned === 1;
  });
  await draining(gateway);
  client.socket.resume();
  expect((await client.response()).body.length).toBe(block.length * blockCount);
  expect(await gateway.exited).toBe(0);
});

test('a slow sender gets its response', async () => {
  const gateway = await start();
  const client = await RawClient.connect(gateway.port);
  client.send('POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n\r\nhalf');
  await until('it runs', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].generations[0].pinned === 1;
  });
  await draining(gateway);
  client.send('full');
  expect((await client.response()).body).toBe('halffull');
  expect(await gateway.exited).toBe(0);
});

test('a slow reader of local replies gets all of them', async () => {
  const gateway = await start();
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  for (let i = 0; i < blockCount; i++) client.send(get('/local'));
  await until('all are accepted', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].generations[0].ledger.accepted === blockCount;
  });
  await draining(gateway);
  // Longer than a worker that has nothing to do takes to close: 24 MiB are past what a kernel holds.
  const second = new Promise<string>((resolve) => setTimeout(resolve, 1_000, 'it waits'));
  expect(await Promise.race([gateway.exited, second])).toBe('it waits');
  client.socket.resume();
  for (let i = 0; i < blockCount; i++) {
    expect((await client.response()).body.length).toBe(block.length);
  }
  expect(await gateway.exited).toBe(0);
});
