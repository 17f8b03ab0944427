// Goal: an exchange is passed on as it is, whatever its method, and ends the right way when one
// side breaks off. Method: raw clients, a gateway, origins that speak HTTP or plain bytes.
import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, type SeenRequest, startOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

let origin: Origin;
let gateway: Gateway;
let abortedCount = 0;

function answer(request: SeenRequest, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url, 'http://origin');
  if (pathname === '/never') {
    response.on('close', () => {
      abortedCount += 1;
    });
    return;
  }
  if (pathname === '/halting') {
    response.on('close', () => {
      abortedCount += 1;
    });
    response.write('some');
    return;
  }
  if (pathname === '/status') {
    response.statusCode = Number(searchParams.get('of'));
    const length = searchParams.get('length');
    if (length !== null) response.setHeader('content-length', length);
    response.end(searchParams.get('body') ?? undefined);
    return;
  }
  response.setHeader('x-method', request.method);
  response.setHeader('content-length', 6);
  response.end('origin');
}

beforeAll(async () => {
  origin = await startOrigin(answer);
  gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin' }],
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
});

beforeEach(() => {
  origin.seen.length = 0;
  abortedCount = 0;
});

describe('methods', () => {
  const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PURGE', 'PROPFIND'];
  test.each(methods)('%s goes through', async (method) => {
    const text = `${method} /a?b=c HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n`;
    const { status, headers, body } = await exchange(gateway.port, text);
    expect([status, headers['x-method'], body]).toEqual([200, [method], 'origin']);
    expect(origin.seen.map(({ method: seen, url }) => [seen, url])).toEqual([[method, '/a?b=c']]);
  });

  test('HEAD tells the length and sends no body', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send('HEAD /a HTTP/1.1\r\nHost: test\r\n\r\n');
    const { status, headers } = await client.response({ toHead: true });
    expect([status, headers['content-length'], headers['x-method']]).toEqual([
      200,
      ['6'],
      ['HEAD'],
    ]);
    client.send(get('/b'));
    expect((await client.response()).body).toBe('origin');
    client.close();
  });
});

describe('targets', () => {
  test.each([
    ['/', '/'],
    ['/a?', '/a'],
    ['/a?b=%20&c', '/a?b=%20&c'],
    ['/a//b', '/a//b'],
    ['/a%2fb', '/a%2Fb'],
    ['/%61%7e', '/a~'],
    ['/a;b=c', '/a;b=c'],
    ['/...', '/...'],
  ])('%s arrives as %s', async (sent, arrives) => {
    await exchange(gateway.port, get(sent));
    expect(origin.seen.map(({ url }) => url)).toEqual([arrives]);
  });
});

describe('statuses', () => {
  test.each([200, 201, 299, 301, 400, 404, 418, 499, 500, 501, 503, 599])('%i', async (of) => {
    const { status, body } = await exchange(gateway.port, get(`/status?of=${of}&body=text`));
    expect([status, body]).toEqual([of, 'text']);
  });

  test.each([204, 304])('%i has neither body nor length', async (of) => {
    const client = await RawClient.connect(gateway.port);
    client.send(get(`/status?of=${of}`));
    const { status, headers } = await client.response();
    expect(status).toBe(of);
    expect(headers['content-length']).toBeUndefined();
    expect(headers['transfer-encoding']).toBeUndefined();
    client.send(get('/a'));
    expect((await client.response()).body).toBe('origin');
    client.close();
  });
});

describe('a length without a body', () => {
  test.each([
    [204, '0', undefined],
    [204, '5', undefined],
    [304, '5', ['5']],
  ])('%i with a length of %s', async (of, length, wanted) => {
    const { status, headers } = await exchange(
      gateway.port,
      get(`/status?of=${of}&length=${length}`),
    );
    expect([status, headers['content-length']]).toEqual([of, wanted]);
  });
});

describe('one connection', () => {
  test('carries many exchanges', async () => {
    const client = await RawClient.connect(gateway.port);
    for (let count = 0; count < 20; count++) {
      client.send(get(`/${count}`));
      expect((await client.response()).status).toBe(200);
    }
    client.close();
    expect(origin.seen.map(({ url }) => url)).toEqual(
      Array.from({ length: 20 }, (_, count) => `/${count}`),
    );
  });

  test('is closed when the client says so', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/a', 'Connection: close'));
    expect((await client.response()).body).toBe('origin');
    await client.ended();
  });

  test('answers pipelined requests in order', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/status?of=201') + get('/status?of=202') + get('/status?of=203'));
    const statuses: number[] = [];
    for (let count = 0; count < 3; count++) statuses.push((await client.response()).status);
    expect(statuses).toEqual([201, 202, 203]);
  });
});

describe('a client that goes away', () => {
  test.each(['/never', '/halting'])('cancels the request upstream: %s', async (path) => {
    const client = await RawClient.connect(gateway.port);
    client.send(get(path));
    await until('the origin has it', () => origin.seen.length === 1);
    if (path === '/halting') await until('some of it came', () => client.rest.includes('some'));
    client.close();
    await until('the origin saw the end', () => abortedCount === 1);
  });

  test('is counted as aborted', async () => {
    const aborted = async (): Promise<number> => {
      const { body } = await gateway.admin('GET', '/metrics');
      return Number(/cutover_exchanges_total\{.*outcome="aborted".*\} (\d+)/.exec(body)?.[1]);
    };
    const before = await aborted();
    const client = await RawClient.connect(gateway.port);
    client.send(get('/never'));
    await until('the origin has it', () => origin.seen.length === 1);
    client.close();
    await until('it is counted', async () => (await aborted()) === before + 1);
  });

  test('may close its half after the request', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/halting'));
    await until('the head came', () => client.rest.includes('some'));
    client.socket.end();
    await until('the origin saw the end', () => abortedCount === 1);
    client.close();
  });
});
