// Goal: whoever waits for a fetch is woken once, whatever happens first, and nothing runs when
// nobody waits. Method: exchanges that know their deadline alone, a watcher that says what is new,
// fake time.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WaitingExchanges } from '../../../../src/gateway/caching/waiting-exchanges.ts';
import type { Exchange } from '../../../../src/gateway/exchange.ts';

let nowMs: number;
let news: Set<string>;
let woken: Exchange[];
let asked: number;
let waiting: WaitingExchanges;

beforeEach(() => {
  vi.useFakeTimers();
  nowMs = 0;
  news = new Set();
  woken = [];
  asked = 0;
  waiting = new WaitingExchanges({
    hasNews(key) {
      asked += 1;
      return news.has(key);
    },
    wake: (exchange) => woken.push(exchange),
  });
});

afterEach(() => {
  vi.useRealTimers();
});

function exchangeUntil(waitUntilMs: number): Exchange {
  const one = {
    finished: false,
    ticket: { waitUntilMs, alone: false },
    worker: { nowMs: () => nowMs },
  };
  return one as unknown as Exchange;
}

function pass(ms: number): void {
  nowMs += ms;
  vi.advanceTimersByTime(ms);
}

describe('waiting exchanges', () => {
  test('are woken by the fetch of their key, each once, in the order in which they came', () => {
    const [a, b, other] = [exchangeUntil(100), exchangeUntil(100), exchangeUntil(100)];
    waiting.add('k', a);
    waiting.add('k', b);
    waiting.add('other', other);
    waiting.wake('k');
    waiting.wake('k');
    expect(woken).toEqual([a, b]);
    expect([waiting.count, waiting.countOf('k'), waiting.countOf('other')]).toEqual([1, 0, 1]);
  });

  test('are changed before they are woken', () => {
    const one = exchangeUntil(100);
    waiting.add('k', one);
    waiting.wake('k', ({ ticket }) => {
      if (ticket !== null) ticket.alone = true;
    });
    expect(woken[0]?.ticket?.alone).toBe(true);
  });

  test('may wait again while they are woken, for the next fetch', () => {
    const one = exchangeUntil(100);
    const again = new WaitingExchanges({
      hasNews: () => false,
      wake: (exchange) => {
        woken.push(exchange);
        if (woken.length === 1) again.add('k', exchange);
      },
    });
    again.add('k', one);
    again.wake('k');
    expect([woken.length, again.countOf('k')]).toEqual([1, 1]);
    again.wake('k');
    expect([woken.length, again.count, vi.getTimerCount()]).toEqual([2, 0, 0]);
  });

  test('whose client is gone are not woken', () => {
    const [a, b] = [exchangeUntil(100), exchangeUntil(100)];
    waiting.add('k', a);
    waiting.add('k', b);
    waiting.remove('k', a);
    waiting.remove('k', a);
    waiting.remove('never', a);
    expect(waiting.count).toBe(1);
    waiting.wake('k');
    expect(woken).toEqual([b]);
  });

  test('that are finished meanwhile are passed over', () => {
    const [a, b] = [exchangeUntil(100), exchangeUntil(100)];
    waiting.add('k', a);
    waiting.add('k', b);
    b.finished = true;
    waiting.wake('k');
    expect(woken).toEqual([a]);
  });

  test('are woken by a look at what other workers fetch', () => {
    const [a, b] = [exchangeUntil(1000), exchangeUntil(1000)];
    waiting.add('k', a);
    waiting.add('other', b);
    pass(50);
    expect(woken).toEqual([]);
    news.add('k');
    pass(2);
    expect(woken).toEqual([a]);
    expect(a.ticket?.alone).toBe(false);
  });

  test('go by themselves at their deadline, and the others of their key wait on', () => {
    const [a, b] = [exchangeUntil(100), exchangeUntil(200)];
    waiting.add('k', a);
    waiting.add('k', b);
    pass(98);
    expect(woken).toEqual([]);
    pass(4);
    expect(woken).toEqual([a]);
    expect([a.ticket?.alone, b.ticket?.alone]).toEqual([true, false]);
    pass(100);
    expect(woken).toEqual([a, b]);
    expect(waiting.count).toBe(0);
  });

  test('nothing is looked at while nobody waits', () => {
    expect(vi.getTimerCount()).toBe(0);
    const one = exchangeUntil(1000);
    waiting.add('k', one);
    expect(vi.getTimerCount()).toBe(1);
    waiting.remove('k', one);
    expect(vi.getTimerCount()).toBe(0);
    waiting.add('k', one);
    waiting.wake('k');
    expect(vi.getTimerCount()).toBe(0);
    pass(100);
    expect(asked).toBe(0);
  });
});
