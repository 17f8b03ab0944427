// Goal: nothing that a client or an upstream sends ends a worker. Method: uploads that meet the
// moments at which the gateway has stopped reading, then a look at the log and at the same worker.
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { startBreakable } from '../kit/breakable-gateway.ts';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin, startRawOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

let origin: Origin;
let early: Awaited<ReturnType<typeof startRawOrigin>>;
let gateway: Gateway;
let waiting: Socket | null = null;

beforeAll(async () => {
  origin = await startOrigin((request, response) => {
    if (request.url !== '/never') response.end('origin');
  });
  early = await startRawOrigin((socket) => {
    socket.once('data', () => {
      socket.pause();
      waiting = socket;
    });
  });
});

function answerEarly(): void {
  waiting?.write('HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\nno');
}

beforeEach(async () => {
  waiting = null;
  gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] }, early: { endpoints: [early.url] } },
      routes: [
        { id: 'early', match: { path: '/early' }, upstream: 'early' },
        { id: 'all', match: { path: '/**' }, upstream: 'origin' },
      ],
    },
    set: ['drain.timeout=5s'],
  });
});

afterEach(async () => {
  await gateway?.stop();
});

afterAll(async () => {
  await origin?.close();
  await early?.close();
});

const chunk = (count: number): string => `${count.toString(16)}\r\n${'x'.repeat(count)}\r\n`;
async function broken(): Promise<boolean> {
  await exchange(gateway.port, get('/after')).catch(() => {});
  return gateway.log.includes('worker broken');
}

test('many short chunks in one packet', async () => {
  const client = await RawClient.connect(gateway.port);
  const head = 'POST /a HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n';
  client.send(`${head}${chunk(1_000).repeat(80)}0\r\n\r\n`);
  await client.response().catch(() => {});
  client.close();
  expect(await broken()).toBe(false);
});

test('an answer that comes before the upstream read the body', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(`POST /early HTTP/1.1\r\nHost: test\r\nContent-Length: ${64 * 1024 * 1024}\r\n\r\n`);
  const piece = 'x'.repeat(1024 * 1024);
  for (let count = 0; count < 64; count++) client.send(piece);
  await until('the gateway waits', () => waiting !== null && client.socket.bytesWritten > 4e6);
  await exchange(gateway.port, get('/meanwhile'));
  answerEarly();
  await client.response().catch(() => {});
  client.close();
  expect(await broken()).toBe(false);
});

test('others are served while a broken worker drains', async () => {
  const { gateway: one, run } = await startBreakable({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin' }],
    },
    set: ['workers=1'],
  });
  const slow = await RawClient.connect(one.port);
  slow.send(get('/never'));
  await until('the origin has it', () => origin.seen.some(({ url }) => url === '/never'));
  await run('worker-0', 'setImmediate(() => { throw new Error("thrown by the test"); });');
  await until('it broke', () => one.log.includes('worker broken'));
  await until('another serves', async () => {
    const answer = await exchange(one.port, get('/after')).catch(() => null);
    return answer?.status === 200;
  });
  expect(slow.closed).toBe(false);
  slow.close();
});

test('a body that is cut after the upstream answered', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send('POST /early HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nsome');
  await until('the origin has it', () => waiting !== null);
  answerEarly();
  expect((await client.response()).status).toBe(413);
  client.close();
  expect(await broken()).toBe(false);
});

test('clients that go away at every moment', async () => {
  const request = `POST /a HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\n\r\nsome${get('/b')}`;
  for (let end = 1; end <= request.length; end++) {
    const client = await RawClient.connect(gateway.port);
    client.send(request.slice(0, end));
    client.close();
  }
  expect(await broken()).toBe(false);
  expect((await exchange(gateway.port, get('/after'))).status).toBe(200);
});
