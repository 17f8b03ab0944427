// Goal: a request goes out framed as its body is, and a response is taken no faster than its reader
// wants. Method: an origin on loopback that keeps each byte.
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { BodyWriter, OutgoingBody } from '../../../../src/gateway/upstream/connection.ts';
import { ConnectionPool } from '../../../../src/gateway/upstream/connection-pool.ts';
import { send } from '../../../kit/calls.ts';
import { until } from '../../../kit/gateway.ts';
import { startRawOrigin } from '../../../kit/origin.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** An origin that keeps what it got, and a pool of one connection for it. */
async function setUp(onData: (text: string, socket: Socket) => void = () => {}) {
  const origin = { text: '', sockets: [] as Socket[] };
  const raw = await startRawOrigin((socket) => {
    origin.sockets.push(socket);
    socket.on('data', (chunk) => {
      origin.text += chunk.toString('latin1');
      onData(origin.text, socket);
    });
  });
  const pool = new ConnectionPool(raw.url);
  pool.configure(1, 5_000);
  cleanUps.push(
    () => raw.close(),
    () => pool.close(),
  );
  return { pool, origin, raw };
}

/** A body in pieces that its owner writes when a test says so. */
class Pieces implements OutgoingBody {
  readonly length: number;
  writer: BodyWriter | null = null;
  starts = 0;

  constructor(length: number) {
    this.length = length;
  }

  takeWhole(): null {
    return null;
  }

  start(writer: BodyWriter): void {
    this.writer = writer;
    this.starts += 1;
  }
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const endsWith =
  (end: string) =>
  (text: string, socket: Socket): void => {
    if (text.endsWith(end)) socket.write(ok);
  };

describe('what goes out', () => {
  test('a request without a body', async () => {
    const { pool, origin } = await setUp(endsWith('\r\n\r\n'));
    await send(pool, '/a').done();
    expect(origin.text).toBe('GET /a HTTP/1.1\r\nhost: test\r\n\r\n');
  });

  test('a body that is whole', async () => {
    const { pool, origin } = await setUp(endsWith('hello'));
    const body = { takeWhole: () => Buffer.from('hello'), length: 5, start: () => {} };
    await send(pool, '/a', { method: 'PUT', body }).done();
    expect(origin.text).toBe('PUT /a HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello');
  });

  test('a body in pieces whose length is known', async () => {
    const { pool, origin } = await setUp(endsWith('hello'));
    const body = new Pieces(5);
    const told = send(pool, '/a', { method: 'POST', body });
    await until('the connection to ask for it', () => body.writer !== null);
    body.writer?.write(Buffer.from('hel'));
    body.writer?.write(Buffer.from('lo'));
    body.writer?.end();
    await told.done();
    expect(origin.text).toBe('POST /a HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello');
  });

  test('a body in pieces whose length is not known', async () => {
    const { pool, origin } = await setUp(endsWith('0\r\n\r\n'));
    const body = new Pieces(-1);
    const told = send(pool, '/a', { method: 'POST', body });
    await until('the connection to ask for it', () => body.writer !== null);
    for (const piece of ['0123456789abcdef', '', 'z']) body.writer?.write(Buffer.from(piece));
    body.writer?.end();
    await told.done();
    expect(origin.text.slice(origin.text.indexOf('transfer'))).toBe(
      'transfer-encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n1\r\nz\r\n0\r\n\r\n',
    );
  });

  test('a body goes on when an upstream that was full takes more', async () => {
    const { pool, origin } = await setUp();
    const body = new Pieces(-1);
    const told = send(pool, '/a', { method: 'POST', body });
    await until('the connection to ask for it', () => body.writer !== null);
    origin.sockets[0]?.pause();
    let written = 0;
    const piece = Buffer.alloc(256 * 1024, 0x61);
    while (body.writer?.write(piece) === true) written += 1;
    expect(body.starts).toBe(1);
    origin.sockets[0]?.resume();
    await until('the connection to ask for more', () => body.starts === 2);
    expect(written).toBeLessThan(1000);
    told.call?.abort();
  });
});

describe('what comes back', () => {
  test('an answer before the end of the request ends the connection', async () => {
    const { pool, raw } = await setUp((text, socket) => {
      if (text.includes('\r\n\r\n')) socket.write(ok);
    });
    const told = await send(pool, '/a', { method: 'POST', body: new Pieces(1000) }).done();
    expect(told).toMatchObject({ status: 200, body: 'ok', ends: 1 });
    expect(pool.connectionCount).toBe(0);
    await send(pool, '/b').done();
    expect(raw.connectionCount()).toBe(2);
  });

  test('HEAD has no body, and its connection is used again', async () => {
    const { pool, raw } = await setUp((text, socket) => {
      if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
    });
    for (const path of ['/a', '/b']) {
      const told = await send(pool, path, { method: 'HEAD' }).done();
      expect(told).toMatchObject({ status: 200, body: '', ends: 1 });
    }
    expect(raw.connectionCount()).toBe(1);
  });

  test('a reader that wants no more is sent no more until it asks', async () => {
    const length = 16 * 1024 * 1024;
    const { pool } = await setUp((_text, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`);
      socket.write(Buffer.alloc(length, 0x61));
    });
    const told = send(pool, '/a', { idleMs: 300 });
    told.more = false;
    await until('the first piece', () => told.body !== '');
    const first = told.body.length;
    expect(first).toBeLessThanOrEqual(64 * 1024);
    // Longer than the limit for idling, which does not run while the reader is the slow one.
    const expired = Date.now() + 500;
    await until('the limit to pass', () => Date.now() > expired);
    expect([told.body.length, told.failure]).toEqual([first, '']);
    told.more = true;
    told.call?.resume();
    await told.done();
    expect([told.body.length, told.ends]).toEqual([length, 1]);
  });

  test('pieces of a slow response keep it alive', async () => {
    const { pool, origin } = await setUp();
    const told = send(pool, '/a', { headersMs: 5_000, idleMs: 1_000 });
    await until('the request', () => origin.text.endsWith('\r\n\r\n'));
    origin.sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n');
    for (let count = 1; count <= 6; count++) {
      const nextMs = Date.now() + 250;
      await until('a moment to pass', () => Date.now() > nextMs);
      origin.sockets[0]?.write('x');
      await until('a piece', () => told.body.length === count);
    }
    expect(await told.done()).toMatchObject({ body: 'xxxxxx', ends: 1, failure: '' });
  });
});
