// Goal: nobody gets a line or an answer that was made for someone else. Method: a gateway on
// loopback, bytes that try, and what came out.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startBytesOrigin, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

let gateway: Gateway;
let echo: Origin;
let rude: Awaited<ReturnType<typeof startBytesOrigin>>;

beforeAll(async () => {
  echo = await startOrigin();
  const answer = (body: string): string =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  rude = await startBytesOrigin(answer('mine') + answer('stray'));
  gateway = await Gateway.start({
    definitions: {
      upstreams: {
        echo: { endpoints: [echo.url] },
        rude: { endpoints: [rude.url], connections: 1 },
      },
      routes: [
        {
          id: 'reflect',
          match: { path: '/reflect' },
          respond: { headers: { 'x-echo': '${request.header.x-in}' }, body: 'hi' },
        },
        {
          id: 'moved',
          match: { path: '/moved' },
          redirect: { to: '/at/${request.cookie.place}', status: 302 },
        },
        {
          id: 'proxied',
          match: { path: '/proxied' },
          upstream: 'echo',
          policies: [{ headers: { response: { set: { 'x-echo': '${request.header.x-in}' } } } }],
        },
        { id: 'rude', match: { path: '/rude' }, upstream: 'rude' },
      ],
    },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await Promise.all([echo?.close(), rude?.close()]);
});

// U+010D and U+010A in UTF-8: what is left of them without their upper bytes is CR and LF.
const split = 'x\xc4\x8d\xc4\x8aset-cookie: evil=1';

describe('a client cannot add lines to a head', () => {
  test('through a header in a local reply', async () => {
    const response = await exchange(gateway.port, get('/reflect', `X-In: ${split}`));
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  test('through a cookie in a redirect', async () => {
    const response = await exchange(gateway.port, get('/moved', `Cookie: place=${split}; b=2`));
    expect(response.headers['set-cookie']).toBeUndefined();
  });

  test('through a header that Connection lists, in a response policy', async () => {
    const request = get('/proxied', `X-In: ${split}`, 'Connection: x-in');
    expect((await exchange(gateway.port, request)).headers['set-cookie']).toBeUndefined();
  });

  test('through a header that goes upstream', async () => {
    const response = await exchange(gateway.port, get('/proxied', `X-In: ${split}`));
    expect(response.status).toBe(400);
  });
});

describe('an upstream cannot answer for a request that it has not got', () => {
  test('with bytes past a response', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(gateway.port)));
    for (const client of clients) client.send(get('/rude'));
    const bodies = await Promise.all(clients.map(async (client) => (await client.response()).body));
    for (const client of clients) client.close();
    expect(bodies).toEqual(['mine', 'mine', 'mine']);
  });

  test('and the gateway goes on', async () => {
    await until('a good answer', async () => {
      const { status } = await exchange(gateway.port, get('/proxied'));
      return status === 200;
    });
  });
});
