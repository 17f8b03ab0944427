// Goal: a pool keeps its requests apart and its connections within the limit. Method: origins on
// loopback that answer byte for byte what a test tells them to.
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionPool } from '../../../../src/gateway/upstream/connection-pool.ts';
import { send } from '../../../kit/calls.ts';
import { until } from '../../../kit/gateway.ts';
import { closedPort, startRawOrigin } from '../../../kit/origin.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Seen {
  readonly path: string;
  readonly socket: Socket;
}

/** An origin that hands each request (GET, no body) to `answer`, and a pool for it. */
async function pooled(connections: number, answer: (seen: Seen) => void) {
  const seen: Seen[] = [];
  const origin = await startRawOrigin((socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const one = { path: text.split(' ')[1] ?? '', socket };
        text = text.slice(end + 4);
        seen.push(one);
        answer(one);
      }
    });
  });
  const pool = new ConnectionPool(origin.url);
  pool.configure(connections, 5_000);
  cleanUps.push(
    () => origin.close(),
    () => pool.close(),
  );
  return { pool, seen, origin };
}

function sized(body: string, ...lines: readonly string[]): string {
  const fields = lines.map((line) => `${line}\r\n`).join('');
  return `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const echo = ({ path, socket }: Seen): void => {
  socket.write(sized(path));
};

describe('connections', () => {
  test('one is used again for the next request', async () => {
    const { pool, origin } = await pooled(4, echo);
    for (const path of ['/a', '/b', '/c']) {
      expect((await send(pool, path).done()).body).toBe(path);
    }
    expect(origin.connectionCount()).toBe(1);
    expect(pool.connectionCount).toBe(1);
  });

  test('no more than the limit are opened, and requests wait in order', async () => {
    const { pool, origin, seen } = await pooled(2, echo);
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    const all = paths.map((path) => send(pool, path));
    expect(pool.connectionCount).toBe(2);
    for (const [index, one] of all.entries()) expect((await one.done()).body).toBe(`/${index}`);
    expect(origin.connectionCount()).toBe(2);
    const [first, second] = [...new Set(seen.map(({ socket }) => socket))];
    for (const socket of [first, second]) {
      const mine = seen.filter((one) => one.socket === socket).map(({ path }) => path);
      expect(mine).toEqual(paths.filter((path) => mine.includes(path)));
    }
  });

  test('a raised limit serves what waits at once', async () => {
    const { pool, seen } = await pooled(1, () => {});
    const all = ['/a', '/b', '/c'].map((path) => send(pool, path));
    await until('the first to be sent', () => seen.length === 1);
    pool.configure(3, 5_000);
    await until('all to be sent', () => seen.length === 3);
    expect(pool.connectionCount).toBe(3);
    for (const one of all) one.call?.abort();
  });

  test('a lowered limit closes the surplus', async () => {
    const { pool } = await pooled(3, echo);
    await Promise.all(['/a', '/b', '/c'].map((path) => send(pool, path).done()));
    expect(pool.connectionCount).toBe(3);
    pool.configure(1, 5_000);
    expect(pool.connectionCount).toBe(1);
    expect((await send(pool, '/d').done()).body).toBe('/d');
  });

  test.each([
    ['Connection: close', 'Connection: close'],
    ['a Keep-Alive that is over at once', 'Keep-Alive: timeout=1'],
  ])('after %s it is not used again', async (_name, line) => {
    const { pool, origin } = await pooled(4, ({ socket }) => socket.write(sized('x', line)));
    await send(pool, '/a').done();
    await send(pool, '/b').done();
    expect(origin.connectionCount()).toBe(2);
  });

  test('one that the upstream closed is not used again', async () => {
    const { pool, seen, origin } = await pooled(4, echo);
    await send(pool, '/a').done();
    seen[0]?.socket.end();
    await until('the pool to notice', () => pool.connectionCount === 0);
    expect((await send(pool, '/b').done()).body).toBe('/b');
    expect(origin.connectionCount()).toBe(2);
  });

  test('one on which the upstream speaks unasked is not used again', async () => {
    const { pool, seen } = await pooled(4, echo);
    await send(pool, '/a').done();
    seen[0]?.socket.write(sized('stray'));
    await until('the pool to notice', () => pool.connectionCount === 0);
    expect((await send(pool, '/b').done()).body).toBe('/b');
  });

  test('a closed pool lets running requests end and keeps no connection', async () => {
    const { pool, seen } = await pooled(2, () => {});
    const running = send(pool, '/a');
    await until('it to be sent', () => seen.length === 1);
    pool.close();
    seen[0]?.socket.write(sized('late'));
    expect((await running.done()).body).toBe('late');
    await until('its connection to go', () => pool.connectionCount === 0);
  });
});

describe('what a request is told', () => {
  test('nobody listens', async () => {
    const pool = new ConnectionPool(`http://127.0.0.1:${await closedPort()}`);
    cleanUps.push(() => pool.close());
    const told = await send(pool, '/a').done();
    expect(told).toMatchObject({ failure: 'connect', sent: 'no', status: 0, ends: 0 });
  });

  test('the upstream closes without an answer', async () => {
    const { pool } = await pooled(1, ({ socket }) => socket.destroy());
    expect(await send(pool, '/a').done()).toMatchObject({ failure: 'reset', sent: 'maybe' });
  });

  test('the upstream closes inside of the body', async () => {
    const { pool } = await pooled(1, ({ socket }) => socket.end(sized('hello').slice(0, -2)));
    const told = await send(pool, '/a').done();
    expect(told).toMatchObject({ status: 200, failure: 'reset', sent: 'maybe', ends: 0 });
  });

  test('the upstream does not speak HTTP', async () => {
    const { pool } = await pooled(1, ({ socket }) => socket.write('SSH-2.0-x\r\n\r\n'));
    const told = await send(pool, '/a').done();
    expect(told).toMatchObject({ failure: 'protocol', sent: 'maybe', status: 0 });
    expect(told.message).toBe('invalid response: its status line is not valid');
    expect(pool.connectionCount).toBe(0);
  });

  test('the head does not come in time', async () => {
    const { pool } = await pooled(1, () => {});
    const told = await send(pool, '/a', { headersMs: 60 }).done();
    expect(told).toMatchObject({ failure: 'headers-timeout', sent: 'maybe' });
  });

  test('the rest of the body does not come in time', async () => {
    const { pool } = await pooled(1, ({ socket }) => socket.write(sized('hello').slice(0, -2)));
    const told = await send(pool, '/a', { idleMs: 60 }).done();
    expect(told).toMatchObject({ status: 200, body: 'hel', failure: 'idle-timeout' });
  });

  test('a body until the close is whole', async () => {
    const { pool } = await pooled(1, ({ socket }) => socket.end('HTTP/1.1 200 OK\r\n\r\nall'));
    expect(await send(pool, '/a').done()).toMatchObject({ body: 'all', ends: 1, failure: '' });
  });

  test('a body until the close that is cut by a reset is not whole', async () => {
    const { pool, seen } = await pooled(1, ({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\n\r\npart'),
    );
    const told = send(pool, '/a');
    await until('a part to come', () => told.body === 'part');
    seen[0]?.socket.resetAndDestroy();
    expect(await told.done()).toMatchObject({ ends: 0, failure: 'reset' });
  });

  test('nothing more after it gave up', async () => {
    const { pool, seen } = await pooled(1, () => {});
    const told = send(pool, '/a');
    await until('it to be sent', () => seen.length === 1);
    told.call?.abort();
    expect(pool.connectionCount).toBe(0);
    expect(told).toMatchObject({ failure: '', ends: 0, status: 0 });
  });

  test('one that gave up while it waited is never sent', async () => {
    const { pool, seen } = await pooled(1, () => {});
    send(pool, '/a');
    const waiting = send(pool, '/b');
    const last = send(pool, '/c');
    await until('the first to be sent', () => seen.length === 1);
    waiting.call?.abort();
    seen[0]?.socket.write(sized('a'));
    await until('the next to be sent', () => seen.length === 2);
    expect(seen.map(({ path }) => path)).toEqual(['/a', '/c']);
    last.call?.abort();
  });

  test('1024 may wait, one more is refused', async () => {
    const { pool } = await pooled(1, () => {});
    const all = Array.from({ length: 1025 }, (_, index) => send(pool, `/${index}`));
    expect(all.filter(({ call }) => call === null)).toEqual([]);
    expect(send(pool, '/over').call).toBeNull();
    for (const one of all.reverse()) one.call?.abort();
  });

  test('no connection gets free in time', async () => {
    const { pool, seen } = await pooled(1, () => {});
    send(pool, '/a');
    await until('the first to be sent', () => seen.length === 1);
    const told = send(pool, '/b', { headersMs: 60 });
    await until('it to be told', () => told.over, 1_000);
    expect(told).toMatchObject({ failure: 'headers-timeout', sent: 'no' });
  });
});

describe('answers are never mixed up', () => {
  test('bytes past a response end its connection', async () => {
    const { pool } = await pooled(1, ({ path, socket }) =>
      socket.write(sized(path) + sized('stray')),
    );
    expect((await send(pool, '/a').done()).body).toBe('/a');
    expect(pool.connectionCount).toBe(0);
  });

  test.each([
    ['sized', sized('a')],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n'],
    ['empty', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ])('bytes past a %s response do not answer a request that waits', async (_name, answer) => {
    const { pool } = await pooled(1, ({ path, socket }) =>
      socket.write(path === '/a' ? answer + sized('stray') : sized(path)),
    );
    const first = send(pool, '/a');
    const second = send(pool, '/b');
    await first.done();
    await second.done();
    expect(second.body).not.toBe('stray');
  });
});
