// Goal: a response reaches the client framed as it came, whole, and no faster than it is taken.
// Method: a response of uWebSockets.js that keeps each call, and takes as much as a test says.
import { describe, expect, test } from 'vitest';
import type { HttpResponse } from '../../../src/base/uws.ts';
import { ResponseRelay } from '../../../src/gateway/response-relay.ts';

class FakeResponse {
  readonly calls: string[] = [];
  sent = '';
  /** Bytes that the socket still takes. */
  room = Number.POSITIVE_INFINITY;
  writable: (offset: number) => boolean = () => true;

  cork(call: () => void): void {
    call();
  }
  writeStatus(head: string | Buffer): this {
    this.calls.push(`head ${head.toString('latin1')}`);
    return this;
  }
  writeHeader(name: string, value: string): this {
    this.calls.push(`header ${name}: ${value}`);
    return this;
  }
  write(chunk: string | Buffer): boolean {
    this.sent += chunk.toString('latin1');
    this.calls.push(`write ${chunk.length}`);
    this.room -= chunk.length;
    return this.room >= 0;
  }
  tryEnd(chunk: string | Buffer, length: number): [boolean, boolean] {
    const taken = chunk.toString('latin1').slice(0, this.room);
    this.sent += taken;
    this.room -= taken.length;
    this.calls.push(`tryEnd ${taken.length} of ${length}`);
    return [taken.length === chunk.length, this.sent.length === length];
  }
  end(chunk: string | Buffer = '', close = false): void {
    this.sent += chunk.toString('latin1');
    this.calls.push(`end ${chunk.length}${close ? ' close' : ''}`);
  }
  endWithoutBody(length?: number, close = false): void {
    this.calls.push(`endWithoutBody ${length}${close ? ' close' : ''}`);
  }
  getWriteOffset(): number {
    return this.sent.length;
  }
  onWritable(call: (offset: number) => boolean): void {
    this.writable = call;
  }
}

function setUp(length: number, { bodyless = false, close = false } = {}) {
  const res = new FakeResponse();
  const drained: number[] = [];
  /** Calls that had been made when the response was about to end. */
  const endings: number[] = [];
  const relay: ResponseRelay = new ResponseRelay(
    res as unknown as HttpResponse,
    '200 OK',
    length,
    bodyless,
    close,
    { ending: () => endings.push(res.calls.length), drained: () => drained.push(res.sent.length) },
  );
  return { res, relay, drained, endings };
}

const chunk = (text: string): Buffer => Buffer.from(text);

describe('framing', () => {
  test('a body that comes at once is ended at once', () => {
    const { res, relay } = setUp(5);
    expect(relay.chunk(chunk('hello'))).toBe(true);
    expect(relay.end()).toBe(true);
    expect(res.calls).toEqual(['head 200 OK', 'end 5']);
    expect(relay.bytes).toBe(5);
  });

  test('a body of known length in pieces', () => {
    const { res, relay } = setUp(5);
    expect([relay.chunk(chunk('he')), relay.chunk(chunk('llo')), relay.end()]).toEqual([
      true,
      true,
      true,
    ]);
    expect(res.calls).toEqual(['head 200 OK', 'tryEnd 2 of 5', 'tryEnd 3 of 5']);
    expect(res.sent).toBe('hello');
  });

  test('a body of unknown length', () => {
    const { res, relay } = setUp(-1);
    relay.chunk(chunk('he'));
    relay.chunk(chunk('llo'));
    expect(relay.end()).toBe(true);
    expect(res.calls).toEqual(['head 200 OK', 'write 2', 'write 3', 'end 0']);
  });

  test('an empty body', () => {
    const { res, relay } = setUp(0);
    expect(relay.end()).toBe(true);
    expect(res.calls).toEqual(['head 200 OK', 'end 0']);
  });

  test.each([
    [1234, false, ['head 200 OK', 'endWithoutBody 1234']],
    [1234, true, ['head 200 OK', 'endWithoutBody 1234 close']],
    [-1, false, ['head 200 OK', 'endWithoutBody undefined']],
    [-1, true, ['head 200 OK', 'header connection: close', 'endWithoutBody undefined']],
  ])('no body, length %i, close %s', (length, close, calls) => {
    const { res, relay } = setUp(length, { bodyless: true, close });
    expect(relay.chunk(chunk('x'))).toBe(true);
    expect(relay.end()).toBe(true);
    expect([res.calls, relay.bytes]).toEqual([calls, 0]);
  });

  test('a connection that is to close says so once, and is ended by somebody', () => {
    for (const length of [2, -1]) {
      const { res, relay } = setUp(length, { close: true });
      relay.chunk(chunk('a'));
      if (length > 0) relay.chunk(chunk('b'));
      relay.end();
      expect(res.calls[0]).toBe('head 200 OK\r\nconnection: close');
      expect(res.calls.filter((call) => call.includes('close'))).toHaveLength(1);
      expect(relay.endsConnection).toBe(true);
    }
    const { res, relay } = setUp(1, { close: true });
    relay.chunk(chunk('a'));
    relay.end();
    expect([res.calls, relay.endsConnection]).toEqual([['head 200 OK', 'end 1 close'], false]);
  });

  test.each([
    [5, false],
    [5, true],
    [0, false],
    [-1, false],
  ])('tells before it ends, length %i, bodyless %s', (length, bodyless) => {
    const { res, relay, endings } = setUp(length, { bodyless });
    if (length > 0) {
      relay.chunk(chunk('he'));
      relay.chunk(chunk('llo'));
    }
    relay.end();
    expect(endings).not.toEqual([]);
    expect(endings.every((at) => at < res.calls.length)).toBe(true);
  });
});

describe('a client that is slow', () => {
  test('gets what its socket did not take later, and nothing twice', () => {
    const { res, relay, drained } = setUp(10);
    res.room = 3;
    const bytes = chunk('hello');
    expect(relay.chunk(bytes)).toBe(false);
    bytes.fill(0);
    res.room = 100;
    expect(res.writable(res.sent.length)).toBe(true);
    expect([res.sent, drained]).toEqual(['hello', [5]]);
    relay.chunk(chunk('world'));
    expect(relay.end()).toBe(true);
    expect(res.sent).toBe('helloworld');
  });

  test('may take it in small bites', () => {
    const { res, relay, drained } = setUp(10);
    res.room = 1;
    expect(relay.chunk(chunk('hello'))).toBe(false);
    for (let taken = 2; taken <= 4; taken++) {
      res.room = 1;
      expect(res.writable(res.sent.length)).toBe(false);
      expect(res.sent).toBe('hello'.slice(0, taken));
    }
    res.room = 1;
    expect(res.writable(res.sent.length)).toBe(true);
    expect([res.sent, drained]).toEqual(['hello', [5]]);
  });

  test('completes the response when the upstream is done already', () => {
    const { res, relay, drained } = setUp(10);
    relay.chunk(chunk('hello'));
    res.room = 2;
    expect(relay.chunk(chunk('world'))).toBe(false);
    expect([relay.end(), relay.isComplete]).toEqual([false, false]);
    res.room = 100;
    res.writable(res.sent.length);
    expect([res.sent, relay.isComplete, drained]).toEqual(['helloworld', true, [10]]);
  });

  test('that takes more within one read lets the upstream go on, since no turn of its own comes', async () => {
    const { res, relay, drained } = setUp(-1);
    res.room = 3;
    expect(relay.chunk(chunk('hello'))).toBe(false);
    res.room = 100;
    expect(relay.chunk(chunk('world'))).toBe(true);
    expect(drained).toEqual([]);
    await Promise.resolve();
    expect(drained).toEqual([10]);
    expect([relay.end(), res.sent]).toEqual([true, 'helloworld']);
  });

  test('stops the upstream of a body of unknown length too', () => {
    const { res, relay, drained } = setUp(-1);
    res.room = 3;
    expect(relay.chunk(chunk('hello'))).toBe(false);
    res.writable(0);
    expect(drained).toEqual([5]);
    expect([relay.end(), res.sent]).toEqual([true, 'hello']);
  });

  test('of a body of unknown length gets its end when it took the rest', () => {
    const { res, relay, drained } = setUp(-1, { close: true });
    res.room = 3;
    relay.chunk(chunk('hello'));
    expect([relay.end(), res.calls.at(-1)]).toEqual([false, 'write 5']);
    res.writable(0);
    expect([res.calls.at(-1), relay.isComplete, drained]).toEqual(['end 0', true, [5]]);
  });
});
