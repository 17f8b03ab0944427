// Goal: requests that come before the last one is answered are answered in order, each with its own
// body. Method: raw clients that send many at once, in pieces cut at any place, and clients that leave.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

let origin: Origin;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startOrigin(({ url, body }, response) => {
    if (url !== '/never') response.end(`${url} ${body}`);
  });
  gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [
        { id: 'all', match: { path: '/**' }, upstream: 'origin' },
        { id: 'local', match: { path: '/local/{n}' }, respond: { body: '${path.n}' } },
      ],
    },
    // Exchanges that never end are cut off at the end.
    set: ['workers=1', 'drain.timeout=500ms'],
  });
});

beforeEach(() => {
  origin.seen.length = 0;
});

afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
});

test.each(['close', 'Close', 'TE, close', 'keep-alive, close', 'keep-alive\r\nConnection: close'])(
  'Connection: %s makes it the last request',
  async (value) => {
    const first = [
      get('/local/1', `Connection: ${value}`),
      get('/a/1', `Connection: ${value}`),
      get('/local', `Connection: ${value}`),
      get('/a/1', `Connection: ${value}`).replace('GET', 'HEAD'),
      `POST /a/1 ${post}Connection: ${value}\r\nContent-Length: 2\r\n\r\nhi`,
    ];
    for (const one of first) {
      const client = await RawClient.connect(gateway.port);
      client.send(`${one}${get('/local/second')}`);
      const { status } = await client.response({ toHead: one.startsWith('HEAD') });
      expect(status).toBe(200);
      await client.ended();
      expect(client.rest).toBe('');
    }
  },
);

test('Connection: TE goes on', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(get('/local/1', 'Connection: TE') + get('/local/second', 'Connection: keep-alive'));
  expect((await client.response()).body).toBe('1');
  expect((await client.response()).body).toBe('second');
  client.close();
});

const post = 'HTTP/1.1\r\nHost: test\r\n';
/** One of five kinds of request by its number, and the body that answers it. */
function request(n: number): readonly [text: string, answer: string] {
  const body = 'x'.repeat((n * 37) % 4_000);
  const size = body.length.toString(16);
  const chunk = body === '' ? '' : `${size};n=${n}\r\n${body}\r\n`;
  switch (n % 5) {
    case 0:
      return [get(`/local/${n}`), `${n}`];
    case 1:
      return [get(`/a/${n}`), `/a/${n} `];
    case 2:
      return [
        `POST /b/${n} ${post}Content-Length: ${body.length}\r\n\r\n${body}`,
        `/b/${n} ${body}`,
      ];
    case 3:
      return [
        `POST /c/${n} ${post}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`,
        `/c/${n} ${body}`,
      ];
    default:
      return [`\r\n${get(`/local/${n}`)}`, `${n}`];
  }
}

test('500 local ones in one packet', async () => {
  const client = await RawClient.connect(gateway.port);
  const numbers = Array.from({ length: 500 }, (_, n) => `${n}`);
  client.send(numbers.map((n) => get(`/local/${n}`)).join(''));
  for (const n of numbers) expect((await client.response()).body).toBe(n);
  client.close();
});

test.each([7, 100, 1_460, 20_000, 1_000_000])(
  'of all kinds, in pieces of %i bytes',
  async (size) => {
    const client = await RawClient.connect(gateway.port);
    const all = Array.from({ length: 40 }, (_, n) => request(n));
    const text = all.map(([one]) => one).join('');
    for (let at = 0; at < text.length; at += size) {
      client.send(text.slice(at, at + size));
      if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const [, answer] of all) expect((await client.response()).body).toBe(answer);
    client.close();
  },
);

test('what follows one that never ends is not read, and the others go on', async () => {
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(gateway.port)));
  for (const client of clients) client.send(get('/never') + get('/after').repeat(20));
  await until('all are held', () => origin.seen.length === 3);
  expect((await exchange(gateway.port, get('/local/1'))).body).toBe('1');
  clients[0]?.close();
  clients[1]?.socket.resetAndDestroy();
  await until('they are counted', async () => {
    const { generations } = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
    return generations[0].pinned === 1;
  });
  clients[2]?.close();
  expect(origin.seen.map(({ url }) => url)).toEqual(['/never', '/never', '/never']);
});

test('a client that leaves with many of them sent leaves the worker as it was', async () => {
  for (let round = 0; round < 20; round++) {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/local/1').repeat(200) + get('/a/1').repeat(200));
    if (round % 2 === 0) await client.response();
    client.socket.resetAndDestroy();
  }
  await until('nothing runs', async () => {
    const { generations } = (await gateway.admin('GET', '/v1/nodes')).body.nodes[0];
    return generations[0].pinned === 0;
  });
  expect((await exchange(gateway.port, get('/local/2'))).body).toBe('2');
  expect(gateway.log).not.toMatch(/worker (broken|lost|wedged)/);
});
