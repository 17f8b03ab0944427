// Goal: a peer that does not read holds the other one back; nothing is gathered in between.
// Method: 256 MiB towards a side that reads nothing, counted where they are sent.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway, until } from '../kit/gateway.ts';
import { type Origin, startRawOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const mebibyte = 2 ** 20;
const block = 'x'.repeat(64 * 1024);
const blockCount = (256 * mebibyte) / block.length;
/** What the gateway and the kernel's buffers of two connections may hold between them. */
const heldMax = 32 * mebibyte;

let origin: Omit<Origin, 'seen'>;
let gateway: Gateway;
let sentByOrigin = 0;

beforeAll(async () => {
  origin = await startRawOrigin((socket) => {
    socket.once('data', (head) => {
      if (head.toString('latin1').startsWith('POST')) {
        socket.pause();
        return;
      }
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${blockCount * block.length}\r\n\r\n`);
      const send = (): void => {
        for (; sentByOrigin < blockCount * block.length; sentByOrigin += block.length) {
          if (!socket.write(block)) return;
        }
      };
      socket.on('drain', send);
      send();
    });
  });
  gateway = await Gateway.start({
    // The exchanges of these tests never end by themselves.
    set: ['drain.timeout=500ms'],
    definitions: {
      upstreams: { origin: { endpoints: [origin.url] } },
      routes: [{ id: 'all', match: { path: '/**' }, upstream: 'origin' }],
    },
  });
});

afterAll(async () => {
  await gateway.stop();
  await origin.close();
});

/** Resolves to a count that has stopped to grow. */
async function settled(count: () => number): Promise<number> {
  let last = -1;
  await until('the flow to stop', async () => {
    const same = count() === last && last > 0;
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 300));
    return same;
  });
  return last;
}

test('a fast client is held back by an upstream that reads nothing', async () => {
  const client = await RawClient.connect(gateway.port);
  client.send(
    `POST / HTTP/1.1\r\nHost: test\r\nContent-Length: ${blockCount * block.length}\r\n\r\n`,
  );
  let sent = 0;
  const send = (): void => {
    for (; sent < blockCount * block.length; sent += block.length) {
      if (!client.socket.write(block)) return;
    }
  };
  client.socket.on('drain', send);
  send();
  expect(await settled(() => sent)).toBeLessThan(heldMax);
  client.close();
});

test('a fast upstream is held back by a client that reads nothing', async () => {
  const client = await RawClient.connect(gateway.port);
  client.socket.pause();
  client.send(get('/'));
  expect(await settled(() => sentByOrigin)).toBeLessThan(heldMax);
  client.close();
});
