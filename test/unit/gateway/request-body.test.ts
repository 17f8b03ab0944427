// Goal: a request's body reaches the upstream whole, in order, and no faster than it is taken.
// Method: a response of uWebSockets.js that is told when data comes, and a writer that keeps it.
import { describe, expect, test } from 'vitest';
import type { HttpResponse } from '../../../src/base/uws.ts';
import { RequestBody } from '../../../src/gateway/request-body.ts';
import type { BodyWriter } from '../../../src/gateway/upstream/connection.ts';

class Writer implements BodyWriter {
  written = '';
  ends = 0;
  /** What `write` answers. */
  more = true;

  write(chunk: Buffer): boolean {
    this.written += chunk.toString('latin1');
    return this.more;
  }

  end(): void {
    this.ends += 1;
  }
}

function setUp(length = -1, bytesMax = Number.POSITIVE_INFINITY) {
  const calls: string[] = [];
  let give: (chunk: ArrayBuffer, isLast: boolean) => void = () => {};
  const res = {
    onData: (call: typeof give) => {
      give = call;
    },
    pause: () => calls.push('pause'),
    resume: () => calls.push('resume'),
  };
  const body = new RequestBody(res as unknown as HttpResponse, length, bytesMax, () =>
    calls.push('too large'),
  );
  /** The client sends; the bytes are gone after the call, as they are in uWebSockets.js. */
  const send = (text: string, isLast = false): void => {
    const bytes = Uint8Array.from(Buffer.from(text, 'latin1'));
    give(bytes.buffer, isLast);
    bytes.fill(0x21);
  };
  return { body, send, calls, writer: new Writer() };
}

const big = 'x'.repeat(64 * 1024);

describe('streaming', () => {
  test('what came before the upstream was there goes first', () => {
    const { body, send, writer } = setUp();
    send('a');
    send('b');
    body.start(writer);
    send('c');
    send('d', true);
    expect([writer.written, writer.ends, body.bytes]).toEqual(['abcd', 1, 4]);
  });

  test('a body that is complete already ends at once', () => {
    const { body, send, writer } = setUp();
    send('ab', true);
    body.start(writer);
    expect([writer.written, writer.ends]).toEqual(['ab', 1]);
  });

  test('the last piece may be empty', () => {
    const { body, send, writer } = setUp();
    body.start(writer);
    send('ab');
    expect(writer.ends).toBe(0);
    send('', true);
    expect([writer.written, writer.ends]).toEqual(['ab', 1]);
  });

  test('a client that is faster than the upstream is stopped, and goes on', () => {
    const { body, send, writer, calls } = setUp();
    body.start(writer);
    writer.more = false;
    send('a');
    expect(calls).toEqual(['pause']);
    send('b');
    expect(writer.written).toBe('a');
    writer.more = true;
    body.start(writer);
    expect([writer.written, calls]).toEqual(['ab', ['pause', 'resume']]);
    send('c', true);
    expect([writer.written, writer.ends]).toEqual(['abc', 1]);
  });

  test('a client is stopped while 64 KiB wait for an upstream', () => {
    const { body, send, writer, calls } = setUp();
    send(big.slice(1));
    expect(calls).toEqual([]);
    send('y');
    expect(calls).toEqual(['pause']);
    body.start(writer);
    expect(calls).toEqual(['pause', 'resume']);
    expect(writer.written).toBe(`${big.slice(1)}y`);
  });

  test('a client that is done is not stopped', () => {
    const { send, calls } = setUp();
    send(big, true);
    expect(calls).toEqual([]);
  });

  test('stays stopped when the upstream does not take what waits', () => {
    const { body, send, writer, calls } = setUp();
    send(big);
    writer.more = false;
    body.start(writer);
    expect(calls).toEqual(['pause']);
  });
});

describe('a whole body', () => {
  test('is given once', () => {
    const { body, send } = setUp(4);
    send('ab');
    expect(body.takeWhole()).toBeNull();
    send('cd', true);
    expect(body.consumed).toBe(false);
    expect(body.takeWhole()?.toString()).toBe('abcd');
    expect(body.consumed).toBe(true);
    expect(body.takeWhole()).toBeNull();
  });

  test('is not there for chunks, whose length nobody told', () => {
    const { body, send } = setUp(-1);
    send('ab', true);
    expect(body.takeWhole()).toBeNull();
    expect(body.consumed).toBe(false);
  });

  test('is not consumed before anybody took it', () => {
    const { body, send, writer } = setUp();
    send('a');
    expect(body.consumed).toBe(false);
    body.start(writer);
    expect(body.consumed).toBe(true);
  });
});

describe('limits and ends', () => {
  test.each([
    ['in one piece', ['abcde'], ['too large']],
    ['in pieces', ['ab', 'cde'], ['too large']],
    ['exactly', ['ab', 'cd'], []],
  ])('a limit of 4 bytes, reached %s', (_name, pieces, calls) => {
    const one = setUp(-1, 4);
    for (const piece of pieces) one.send(piece);
    expect(one.calls).toEqual(calls);
  });

  test('what is over the limit does not go upstream', () => {
    const { body, send, writer } = setUp(-1, 4);
    body.start(writer);
    send('abcd');
    send('e', true);
    expect([writer.written, writer.ends]).toEqual(['abcd', 0]);
  });

  test('what comes after the end of the exchange is counted and dropped', () => {
    const { body, send, writer, calls } = setUp(-1, 4);
    body.start(writer);
    send('a');
    body.discard();
    send('bcdef', true);
    expect([writer.written, writer.ends, body.bytes, calls]).toEqual(['a', 0, 6, []]);
  });

  test('a client that was stopped is let go on at the end, so that its rest can be dropped', () => {
    const { body, send, calls } = setUp();
    send(big);
    body.discard();
    expect(calls).toEqual(['pause', 'resume']);
  });

  test('nothing is asked of a client that is gone', () => {
    const { body, send, writer, calls } = setUp();
    send(big);
    body.clientGone();
    body.start(writer);
    body.discard();
    expect(calls).toEqual(['pause']);
    expect(writer.ends).toBe(0);
  });
});
