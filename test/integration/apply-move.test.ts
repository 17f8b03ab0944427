// Goal: upstreams move from one address to another under load without a lost request.
// Method: keep-alive raw clients send bodies while sets alternate between two origins, so that pools
// are made, retained and closed with their generations.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const clientCount = 8;
const applyCount = 24;

const origins: Origin[] = [];
let gateway: Gateway;

beforeAll(async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    origins.push(await startOrigin(({ body }, response) => response.end(`${name} ${body}`)));
  }
  gateway = await Gateway.start({ definitions: setOf(0), set: ['workers=2'] });
});

afterAll(async () => {
  await gateway.stop();
  for (const origin of origins) await origin.close();
});

/** Six addresses in turn, so that one is out of every loaded generation before it comes again. */
function setOf(turn: number) {
  const { url } = origins[turn % origins.length] as Origin;
  return {
    upstreams: { moving: { endpoints: [url] } },
    routes: [
      { id: 'all', match: { path: '/**' }, upstream: 'moving' },
      { id: 'turn', match: { path: '/turn' }, respond: { body: `${turn}` } },
    ],
  };
}

test('no request is lost, and each body comes back', async () => {
  const odd: string[] = [];
  const seen = new Set<string>();
  let done = false;
  let count = 0;
  const clients: RawClient[] = [];
  for (let i = 0; i < clientCount; i++) clients.push(await RawClient.connect(gateway.port));
  const loops = clients.map(async (client, index) => {
    for (let i = 0; !done; i++) {
      const sent = `${index}-${i}`;
      client.send(
        `POST /x HTTP/1.1\r\nHost: test\r\nContent-Length: ${sent.length}\r\n\r\n${sent}`,
      );
      const { status, body } = await client.response();
      const [name = '', back] = body.split(' ');
      count += 1;
      seen.add(name);
      if (status !== 200 || back !== sent) odd.push(`${status} ${body} for ${sent}`);
    }
  });
  const failed = Promise.all(loops).catch((error) => odd.push(String(error)));
  for (let turn = 1; turn <= applyCount; turn++) {
    const before = count;
    await until('requests between two applies', () => count >= before + 20 || odd.length > 0);
    await gateway.apply(setOf(turn));
  }
  done = true;
  await failed;
  for (const client of clients) client.close();
  expect(odd).toEqual([]);
  expect([...seen].sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
});

test('an address that no loaded generation uses has its connections closed', async () => {
  await gateway.apply(setOf(1));
  const old = origins[1] as Origin;
  expect((await exchange(gateway.port, get('/x'))).body).toBe('b ');
  expect(old.openConnectionCount()).toBe(1);
  for (let turn = 2; turn <= 4; turn++) await gateway.apply(setOf(turn));
  expect(old.openConnectionCount()).toBe(1);
  await gateway.apply(setOf(5));
  await until(
    'it is closed, before it is idle for too long',
    () => old.openConnectionCount() === 0,
    2_000,
  );
});
