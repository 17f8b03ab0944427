// Goal: a slow client gets every byte once and in order, and what waits for it is bounded. Method:
// pieces whose source changes behind them, and clients that stop in between.
import { describe, expect, test } from 'vitest';
import { ClientBacklog } from '../../../../src/gateway/caching/client-backlog.ts';

describe('a backlog', () => {
  test('hands on copies, in order', () => {
    const backlog = new ClientBacklog(100);
    const chunk = Buffer.from('a');
    for (const text of ['a', 'b', 'c']) {
      chunk.write(text);
      backlog.add(chunk);
    }
    let sent = '';
    expect(
      backlog.drain((piece) => {
        sent += piece.toString();
        return true;
      }),
    ).toBe(true);
    expect([sent, backlog.isEmpty]).toEqual(['abc', true]);
  });

  test('stops with the piece after which the client takes no more, which it took', () => {
    const backlog = new ClientBacklog(100);
    for (const text of ['a', 'b', 'c']) backlog.add(Buffer.from(text));
    let sent = '';
    const take = (until: string) => (piece: Buffer) => {
      sent += piece.toString();
      return piece.toString() !== until;
    };
    expect(backlog.drain(take('b'))).toBe(false);
    expect(sent).toBe('ab');
    expect(backlog.drain(take('c'))).toBe(false);
    expect(backlog.drain(take(''))).toBe(true);
    expect(sent).toBe('abc');
  });

  test('says no at its bound, and yes again when it was drained', () => {
    const backlog = new ClientBacklog(10);
    expect([backlog.add(Buffer.alloc(9)), backlog.add(Buffer.alloc(1))]).toEqual([true, false]);
    backlog.drain(() => true);
    expect(backlog.add(Buffer.alloc(1))).toBe(true);
  });
});
