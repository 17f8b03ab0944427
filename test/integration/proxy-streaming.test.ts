// Goal: bodies stream with backpressure, and whoever breaks off stops the other side. Method: long
// bodies of plain bytes past a side that does not read; what was taken stops growing well below it.
import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { startRawOrigin } from '../kit/origin.ts';
import { exchange, get, RawClient } from '../kit/raw-client.ts';

const bodyBytes = 200 * 1024 * 1024;
/** Far more than buffers of sockets hold, far less than the body. */
const takenBytesMax = 60 * 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'x');

/** Writes until all is out, as fast as the socket takes it. */
function pour(socket: Socket, count: number, frame: (chunk: Buffer) => void, done: () => void) {
  let left = count;
  const go = (): void => {
    while (left > 0 && socket.writableLength < piece.length) {
      frame(piece);
      left -= 1;
    }
    if (left === 0) {
      left = -1;
      done();
    }
  };
  socket.on('drain', go);
  go();
}

/** Waits until a count has not changed for a while, and returns it. */
async function settled(count: () => number): Promise<number> {
  let last = -1;
  let sameCount = 0;
  await until('it does not grow', () => {
    sameCount = count() === last ? sameCount + 1 : 0;
    last = count();
    return last > 0 && sameCount >= 50;
  });
  return last;
}

const origins: { url: string; close(): Promise<void> }[] = [];
let gateway: Gateway;
let sending: Socket | null = null;
let receiving: Socket | null = null;
let received = '';

beforeAll(async () => {
  const pieceCount = bodyBytes / piece.length;
  const sized = await startRawOrigin((socket) => {
    sending = socket;
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${bodyBytes}\r\n\r\n`);
      pour(
        socket,
        pieceCount,
        (chunk) => socket.write(chunk),
        () => {},
      );
    });
  });
  const chunked = await startRawOrigin((socket) => {
    sending = socket;
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      const size = `${piece.length.toString(16)}\r\n`;
      const frame = (chunk: Buffer): void => {
        socket.cork();
        socket.write(size);
        socket.write(chunk);
        socket.write('\r\n');
        socket.uncork();
      };
      pour(socket, pieceCount, frame, () => socket.write('0\r\n\r\n'));
    });
  });
  const deaf = await startRawOrigin((socket) => {
    receiving = socket;
    socket.pause();
  });
  const listening = await startRawOrigin((socket) => {
    receiving = socket;
    received = '';
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1');
    });
  });
  origins.push(sized, chunked, deaf, listening);
  const names = ['sized', 'chunked', 'deaf', 'listening'];
  gateway = await Gateway.start({
    definitions: {
      upstreams: Object.fromEntries(
        names.map((name, index) => [
          name,
          { endpoints: [origins[index]?.url], timeout: { idle: '60s', headers: '60s' } },
        ]),
      ),
      routes: [
        ...names.map((name) => ({ id: name, match: { path: `/${name}` }, upstream: name })),
        { id: 'local', match: { path: '/local' }, respond: { body: 'local' } },
      ],
    },
  });
});

afterAll(async () => {
  await gateway?.stop();
  for (const origin of origins) await origin.close();
});

describe('a client that does not read', () => {
  test.each(['sized', 'chunked'])(
    'stops the upstream, and gets all in the end: %s',
    async (name) => {
      const before = gateway.residentBytes();
      const client = await RawClient.connect(gateway.port);
      client.socket.removeAllListeners('data');
      client.send(get(`/${name}`));
      client.socket.pause();
      const taken = await settled(() => sending?.bytesWritten ?? 0);
      expect(taken).toBeLessThan(takenBytesMax);
      expect(gateway.residentBytes() - before).toBeLessThan(takenBytesMax);
      expect((await exchange(gateway.port, get('/local'))).body).toBe('local');
      let tail = '';
      let count = 0;
      let bodyCount = 0;
      client.socket.on('data', (text) => {
        const bytes = String(text);
        count += bytes.length;
        for (const byte of bytes) if (byte === 'x') bodyCount += 1;
        tail = (tail + bytes).slice(-5);
      });
      client.socket.resume();
      await until('all came', () => bodyCount >= bodyBytes, 40_000);
      expect([bodyCount, count > bodyBytes]).toEqual([bodyBytes, true]);
      if (name === 'chunked') await until('the end came', () => tail === '0\r\n\r\n');
      client.close();
    },
    60_000,
  );

  test('that goes away stops the upstream for good', async () => {
    const client = await RawClient.connect(gateway.port);
    client.send(get('/sized'));
    client.socket.pause();
    await settled(() => sending?.bytesWritten ?? 0);
    client.close();
    await until('the origin lost its connection', () => sending?.destroyed === true);
  });
});

describe('an upstream that does not read', () => {
  test.each([
    ['sized', `Content-Length: ${bodyBytes}`],
    ['chunked', 'Transfer-Encoding: chunked'],
  ])('stops the client: %s', async (_name, line) => {
    const before = gateway.residentBytes();
    const client = await RawClient.connect(gateway.port);
    client.send(`POST /deaf HTTP/1.1\r\nHost: test\r\n${line}\r\n\r\n`);
    const size = `${piece.length.toString(16)}\r\n`;
    const frame = (chunk: Buffer): void => {
      client.socket.cork();
      if (line.startsWith('T')) client.socket.write(size);
      client.socket.write(chunk);
      if (line.startsWith('T')) client.socket.write('\r\n');
      client.socket.uncork();
    };
    pour(client.socket, bodyBytes / piece.length, frame, () => {});
    const taken = await settled(() => client.socket.bytesWritten);
    expect(taken).toBeLessThan(takenBytesMax);
    expect(gateway.residentBytes() - before).toBeLessThan(takenBytesMax);
    client.close();
    await until('the origin lost its connection', () => {
      receiving?.resume();
      return receiving?.destroyed === true;
    });
  });
});

describe('a body that a client cuts', () => {
  test.each([
    ['sized', 'Content-Length: 10', 'some'],
    ['chunked', 'Transfer-Encoding: chunked', '4\r\nsome\r\n'],
  ])('never looks complete upstream: %s', async (_name, line, some) => {
    received = '';
    const client = await RawClient.connect(gateway.port);
    client.send(`POST /listening HTTP/1.1\r\nHost: test\r\n${line}\r\n\r\n${some}`);
    await until('some of it came', () => received.includes('some'));
    client.close();
    await until('the origin lost its connection', () => receiving?.destroyed === true);
    expect(received.endsWith(some)).toBe(true);
  });
});
