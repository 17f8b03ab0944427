// Goal: the reader of an event stream knows that it is connected before the first event comes, and
// gets the events as the upstream sent them. Method: an origin that sends when the test says so.
import type { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { startRawOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const heads: Readonly<Record<string, string>> = {
  '/events': 'content-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked',
  '/until-close': 'content-type: text/event-stream',
  '/as-it-is': 'content-type: text/event-stream\r\ncache-control: no-cache, no-transform',
  '/packed': 'content-type: text/event-stream\r\ncontent-encoding: gzip',
  '/text': 'content-type: text/plain',
};
let origin: Awaited<ReturnType<typeof startRawOrigin>>;
let gateway: Gateway;
let client: RawClient;
let upstream: Socket | null = null;

beforeAll(async () => {
  origin = await startRawOrigin((socket) => {
    socket.on('data', (bytes) => {
      const path = bytes.toString('latin1').split(' ')[1] ?? '';
      upstream = socket;
      const first = path.endsWith('?first') ? framed('data: 1\n\n') : '';
      socket.write(`HTTP/1.1 200 OK\r\n${heads[path.split('?')[0] ?? '']}\r\n\r\n${first}`);
    });
  });
  gateway = await Gateway.start({
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin' }],
    },
  });
});

afterEach(() => client.close());

afterAll(async () => {
  await gateway?.stop();
  await origin?.close();
});

function framed(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

async function ask(path: string): Promise<void> {
  upstream = null;
  client = await RawClient.connect(gateway.port);
  client.send(get(path));
  await until('the origin has answered', () => upstream !== null);
}

const headCame = (): boolean => client.rest.includes('\r\n\r\n');

describe('the head of an event stream without an event', () => {
  test.each(['/events', '/until-close'])('comes at once: %s', async (path) => {
    await ask(path);
    await until('the head came', headCame);
    expect(client.rest).toContain(framed(':\n\n').trimEnd());
    const event = 'data: hello\n\n';
    upstream?.write(path === '/events' ? framed(event) : event);
    await until('the event came', () => client.rest.includes(event));
    if (path === '/events') upstream?.write('0\r\n\r\n');
    else upstream?.end();
    expect((await client.response()).body).toBe(`:\n\n${event}`);
  });

  test('leaves no byte order mark where none may be', async () => {
    await ask('/events');
    await until('the head came', headCame);
    upstream?.write(`${framed('\u00ef\u00bb\u00bfdata: 1\n\n')}0\r\n\r\n`, 'latin1');
    expect((await client.response()).body).toBe(':\n\ndata: 1\n\n');
  });
});

describe('nothing is added', () => {
  test('to a stream whose first event comes with its head', async () => {
    await ask('/events?first');
    await until('the event came', () => client.rest.includes('data: 1'));
    upstream?.write('0\r\n\r\n');
    expect((await client.response()).body).toBe('data: 1\n\n');
  });

  test.each(['/as-it-is', '/packed', '/text'])('to %s', async (path) => {
    await ask(path);
    upstream?.end('data: 1\n\n');
    expect((await client.response()).body).toBe('data: 1\n\n');
  });
});
