// Goal: a body that comes after its head, or in pieces, reaches the client whole.
// Method: an origin that sends bytes on a timetable, read by the letter through a real gateway.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Gateway } from '../kit/gateway.ts';
import { type Origin, startRawOrigin } from '../kit/origin.ts';
import { get, RawClient } from '../kit/raw-client.ts';

const lateMs = 200;
const sizedHead = 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n';
const chunkedHead = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const untilCloseHead = 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n';

/** What the origin sends for a path, piece by piece, each so much later than the one before. */
const answers: Readonly<Record<string, readonly string[]>> = {
  '/sized': [sizedHead, '0123456789'],
  '/sized-in-pieces': [sizedHead, '012', '345', '6789'],
  '/head-in-pieces': [sizedHead.slice(0, 20), sizedHead.slice(20), '0123456789'],
  '/chunked': [chunkedHead, '5\r\n01234\r\n', '5\r\n56789\r\n0\r\n\r\n'],
  '/chunk-in-pieces': [chunkedHead, 'a\r\n0123', '456789\r\n', '0\r\n', '\r\n'],
  '/until-close': [untilCloseHead, '01234', '56789'],
};

let origin: Omit<Origin, 'seen'>;
let gateway: Gateway;

beforeAll(async () => {
  origin = await startRawOrigin((socket) => {
    socket.setEncoding('latin1').on('data', (text) => {
      const pieces = answers[/^GET (\S+)/.exec(String(text))?.[1] ?? ''] ?? [];
      for (const [index, piece] of pieces.entries()) {
        setTimeout(() => socket.write(piece), index * lateMs);
      }
      if (pieces[0] === untilCloseHead) setTimeout(() => socket.end(), pieces.length * lateMs);
    });
  });
  gateway = await Gateway.start({
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

test.for(Object.keys(answers))(
  'a body that comes after its head is passed on: %s',
  async (path) => {
    const client = await RawClient.connect(gateway.port);
    client.send(get(path));
    const first = await client.response();
    expect([first.status, first.body]).toEqual([200, '0123456789']);
    client.send(get(path));
    expect((await client.response()).body).toBe('0123456789');
    client.close();
  },
);
