// Goal: what goes out in a drain is whole, says that the connection closes, and closes it.
// Method: one gateway drains while the origin holds an exchange; connections that were open before
// send one request each meanwhile, and the bytes of the responses are looked at.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

interface Case {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly body: string;
}

const byRelay: readonly Case[] = [
  { method: 'GET', path: '/sized', status: 200, body: 'sized' },
  { method: 'HEAD', path: '/chunked', status: 200, body: '' },
  { method: 'GET', path: '/204', status: 204, body: '' },
  { method: 'GET', path: '/304', status: 304, body: '' },
];
const chunked: Case = { method: 'GET', path: '/chunked', status: 200, body: 'ab' };
const closing: readonly Case[] = [
  { method: 'GET', path: '/empty', status: 200, body: '' },
  { method: 'HEAD', path: '/sized', status: 200, body: '' },
  { method: 'GET', path: '/local', status: 200, body: 'local' },
  { method: 'HEAD', path: '/local', status: 200, body: '' },
  { method: 'GET', path: '/moved', status: 308, body: '' },
];
const whole = [...byRelay, ...closing];
const all = [...whole, chunked];

let origin: Origin;
let gateway: Gateway;
let holding: RawClient;
const held: (() => void)[] = [];
const clients = new Map<Case, RawClient>();

beforeAll(async () => {
  origin = await startOrigin(({ url }, response) => {
    if (url === '/hold') held.push(() => response.end('held'));
    else if (url === '/chunked') {
      response.write('a');
      response.end('b');
    } else if (url === '/empty') response.writeHead(200, { 'content-length': 0 }).end();
    else if (url === '/204') response.writeHead(204).end();
    else if (url === '/304') response.writeHead(304).end();
    else response.writeHead(200, { 'content-length': 5 }).end('sized');
  });
  const definitions = {
    upstreams: { origin: { endpoints: [origin.url] } },
    routes: [
      { id: 'all', match: { path: '/**' }, upstream: 'origin' },
      { id: 'local', match: { path: '/local' }, respond: { body: 'local' } },
      { id: 'moved', match: { path: '/moved' }, redirect: { to: '/local' } },
    ],
  };
  gateway = await Gateway.start({ definitions, set: ['workers=1'] });
  for (const one of all) {
    const client = await RawClient.connect(gateway.port);
    clients.set(one, client);
    client.send(get('/local'));
    expect((await client.response()).headers['connection']).toBe(undefined);
  }
  holding = await RawClient.connect(gateway.port);
  holding.send(get('/hold'));
  await until('it is held', () => held.length === 1);
  gateway.process.kill('SIGTERM');
  await until('it drains', async () => {
    const { body } = await gateway.admin('GET', '/v1/nodes');
    return body.nodes[0].workers[0].state === 'draining';
  });
  for (const [{ method, path }, client] of clients) client.send(get(path).replace('GET', method));
});

afterAll(async () => {
  held[0]?.();
  expect((await holding.response()).body).toBe('held');
  expect(await gateway.exited).toBe(0);
  await origin.close();
});

function clientOf(one: Case): RawClient {
  const client = clients.get(one);
  if (client === undefined) throw new Error('no such case');
  return client;
}

describe('in a drain', () => {
  test.each(whole)('$method $path is whole and says Connection: close', async (one) => {
    const { status, headers, body } = await clientOf(one).response({
      toHead: one.method === 'HEAD',
    });
    expect([status, body]).toEqual([one.status, one.body]);
    expect(headers['connection']).toEqual(['close']);
  });

  test.each(closing)('$method $path closes the connection', async (one) => {
    await clientOf(one).ended();
  });

  test.each(byRelay)('$method $path closes the connection', async (one) => {
    await clientOf(one).ended(500);
  });

  test('a chunked response is whole', async () => {
    const client = clientOf(chunked);
    await client.ended();
    expect(client.rest).toMatch(/\r\n\r\n(1\r\na\r\n1\r\nb|2\r\nab)\r\n0\r\n\r\n$/);
  });
});
