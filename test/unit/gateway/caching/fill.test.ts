// Goal: a fetch gives its key back once, tells control what it needs to and nothing after its end,
// and frees whoever waits, in every order of events. Method: a worker's cache over real memory, and
// control's answers made by hand.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cacheInFlightBytesMax, wholeStoreBytesMax } from '../../../../src/base/limits.ts';
import { Fill } from '../../../../src/gateway/caching/fill.ts';
import { lookUp, openTicket } from '../../../../src/gateway/caching/lookup.ts';
import { receiveForCache } from '../../../../src/gateway/caching/receive.ts';
import { WorkerCache } from '../../../../src/gateway/caching/worker-cache.ts';
import type { Exchange } from '../../../../src/gateway/exchange.ts';
import type { ParsedHead } from '../../../../src/gateway/upstream/response-parser.ts';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import { type CacheMemory, createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import type { CacheToControl } from '../../../../src/memory/cache/cache-messages.ts';
import { Claims } from '../../../../src/memory/cache/claims.ts';
import { exchangeOf, planOf } from '../../../kit/exchanges.ts';

let memory: CacheMemory;
let cache: WorkerCache;
let told: CacheToControl[];
let woken: Exchange[];

beforeEach(() => {
  vi.useFakeTimers();
  memory = createCacheMemory(4 * 1024 * 1024, 2);
  told = [];
  woken = [];
  cache = new WorkerCache({
    memory,
    worker: 0,
    entryBytesMax: 1024 * 1024,
    hasSecondLevel: false,
    tell: (message) => told.push(message),
    hooks: {
      wake: (exchange) => woken.push(exchange),
      forward() {},
      detain() {},
      sent() {},
      broken() {},
    },
  });
});

afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const route = { upstream: 'a', cache: { ttl: '60s' } };

function newExchange(plan = planOf(route), path = '/a'): Exchange {
  const exchange = exchangeOf(plan, { path });
  Object.assign(exchange.worker, { nowMs: () => 1000 });
  openTicket(exchange, null);
  return exchange;
}

/** An exchange that is looked up: it fetches, or it waits for another. */
function lookedUp(plan = planOf(route), path = '/a'): Exchange {
  const exchange = newExchange(plan, path);
  const { ticket } = exchange;
  if (ticket === null) throw new Error('the route is cached');
  lookUp(exchange, cache, ticket);
  return exchange;
}

function fillOf({ ticket }: Exchange): Fill {
  if (ticket?.fill == null) throw new Error('the exchange fetches');
  return ticket.fill;
}

function head(exchange: Exchange, changes: Partial<ParsedHead> = {}): void {
  const received = {
    status: 200,
    names: ['content-type'],
    values: ['text/plain'],
    connection: '',
    contentLength: -1,
    ...changes,
  } as unknown as ParsedHead;
  if (exchange.ticket !== null) receiveForCache(exchange, cache, exchange.ticket, received);
}

const kinds = () => told.map(({ kind }) => kind);
const numberOf = (fill: Fill) => fill.number;
const visible = (fill: Fill) => cache.receive({ kind: 'cache-visible', fetch: numberOf(fill) });
const refused = (fill: Fill, reason: string) =>
  cache.receive({ kind: 'cache-refused', fetch: numberOf(fill), reason });

/** Whether another worker could take the key. */
function isFree(fill: Fill): boolean {
  const other = new Claims(memory, 1);
  const outcome = other.take(cacheKey(fill.key.text));
  if (outcome === 'taken') other.release(fill.key);
  return outcome === 'taken';
}

describe('a small response', () => {
  test('is sent whole, and its key is free when control has answered', () => {
    const fetching = lookedUp();
    const waiter = lookedUp();
    const fill = fillOf(fetching);
    expect([isFree(fill), cache.waiting.count]).toEqual([false, 1]);
    head(fetching);
    fill.chunk(Buffer.from('body'));
    fill.end();
    expect([kinds(), isFree(fill), woken]).toEqual([['cache-store'], false, []]);
    visible(fill);
    expect([isFree(fill), woken, fill.active]).toEqual([true, [waiter], false]);
    visible(fill);
    fill.fail();
    expect(kinds()).toEqual(['cache-store']);
  });

  test('that fails is not sent, and the next that waits may fetch', () => {
    const fetching = lookedUp();
    const waiter = lookedUp();
    head(fetching);
    fillOf(fetching).chunk(Buffer.from('bo'));
    fillOf(fetching).fail();
    expect([kinds(), isFree(fillOf(fetching)), woken]).toEqual([[], true, [waiter]]);
    expect(waiter.ticket?.alone).toBe(false);
  });

  test.each([
    ['busted-meanwhile', false],
    ['no-room', true],
    ['control-lost', true],
  ])('that is refused for %s lets those that wait go on', (reason, alone) => {
    const fetching = lookedUp();
    const waiter = lookedUp();
    head(fetching);
    fillOf(fetching).end();
    if (reason === 'control-lost') cache.controlLost();
    else refused(fillOf(fetching), reason);
    expect([woken, waiter.ticket?.alone]).toEqual([[waiter], alone]);
    expect(isFree(fillOf(fetching))).toBe(true);
  });
});

describe('a large response', () => {
  const piece = Buffer.alloc(wholeStoreBytesMax);

  function streaming(): Fill {
    const exchange = lookedUp();
    head(exchange);
    const fill = fillOf(exchange);
    fill.chunk(piece);
    fill.chunk(piece);
    expect(kinds()).toEqual(['cache-begin', 'cache-chunk']);
    return fill;
  }

  test('gives its key back when it can be read, and goes on', () => {
    const fill = streaming();
    visible(fill);
    expect([isFree(fill), fill.stores]).toEqual([true, true]);
    fill.chunk(piece);
    fill.end();
    expect(kinds().slice(2)).toEqual(['cache-chunk', 'cache-end']);
    expect(fill.active).toBe(false);
  });

  test('that fails after it could be read leaves the claim of another alone', () => {
    const fill = streaming();
    visible(fill);
    const other = new Claims(memory, 1);
    expect(other.take(fill.key)).toBe('taken');
    fill.fail();
    expect(other.take(fill.key)).toBe('busy');
    expect(kinds().at(-1)).toBe('cache-abort');
    other.release(fill.key);
  });

  test('that fails before control has answered is over, whatever control says then', () => {
    const fill = streaming();
    fill.fail();
    visible(fill);
    refused(fill, 'no-room');
    cache.controlLost();
    expect([kinds().at(-1), isFree(fill), fill.active]).toEqual(['cache-abort', true, false]);
  });

  test('that ends before control has answered waits for it', () => {
    const fill = streaming();
    fill.end();
    expect([fill.active, isFree(fill)]).toEqual([true, false]);
    visible(fill);
    expect([fill.active, isFree(fill)]).toEqual([false, true]);
  });

  test.each(['before', 'after'])('that is refused %s it could be read is sent no more', (when) => {
    const fill = streaming();
    if (when === 'after') visible(fill);
    refused(fill, 'no-room');
    const before = told.length;
    fill.chunk(piece);
    fill.end();
    expect([told.length, fill.active, isFree(fill)]).toEqual([before, false, true]);
  });

  test('of a control that was lost is sent no more', () => {
    const fill = streaming();
    visible(fill);
    cache.controlLost();
    fill.chunk(piece);
    fill.end();
    expect([kinds(), fill.active]).toEqual([['cache-begin', 'cache-chunk'], false]);
  });

  test('larger than what is stored leaves a mark, and frees whoever waits', () => {
    const exchange = lookedUp();
    const waiter = lookedUp();
    head(exchange);
    const fill = fillOf(exchange);
    fill.chunk(Buffer.alloc(1024 * 1024 + 1));
    expect(told.map((one) => (one.kind === 'cache-store' ? one.record.kind : one.kind))).toEqual([
      'pass',
    ]);
    expect([woken, waiter.ticket?.alone]).toEqual([[waiter], true]);
    visible(fill);
    expect(isFree(fill)).toBe(true);
  });
});

describe('a control that was lost', () => {
  test('frees all that wait at once, whoever fetches what they wait for', () => {
    const fetching = lookedUp();
    const here = lookedUp();
    const key = newExchange(planOf(route), '/b').ticket?.key;
    expect(key && new Claims(memory, 1).take(key)).toBe('taken');
    const there = lookedUp(planOf(route), '/b');
    expect(cache.waiting.count).toBe(2);
    cache.controlLost();
    expect(woken).toEqual([here, there]);
    expect(woken.map(({ ticket }) => ticket?.alone)).toEqual([true, true]);
    expect([isFree(fillOf(fetching)), cache.waiting.count]).toEqual([true, 0]);
  });

  test('is sent nothing, and nobody waits until another one is there', () => {
    const fetching = lookedUp();
    cache.controlLost();
    head(fetching);
    fillOf(fetching).chunk(Buffer.from('body'));
    fillOf(fetching).end();
    const [one, two] = [lookedUp(), lookedUp()];
    expect([one.ticket?.fill, two.ticket?.fill, cache.waiting.count]).toEqual([null, null, 0]);
    expect([kinds(), cache.claims.holder(fillOf(fetching).key)]).toEqual([[], -1]);
    cache.receive({ kind: 'cache-open' });
    const next = lookedUp();
    lookedUp();
    expect([fillOf(next).holdsClaim, cache.waiting.count]).toEqual([true, 1]);
    fillOf(next).fail();
  });

  test('leaves a response to a condition of ours to be asked for whole', () => {
    const exchange = newExchange();
    const { ticket } = exchange;
    if (ticket === null) throw new Error('the route is cached');
    const stale = { entry: 1, status: 200, head: '', origin: '', lastModified: '', bodyBytes: 1 };
    ticket.fill = new Fill(exchange, cache, false, { ...stale, etag: '"1"' });
    cache.controlLost();
    const received = { status: 304, names: ['etag'], values: ['"1"'], connection: '' };
    const { client } = receiveForCache(exchange, cache, ticket, received as unknown as ParsedHead);
    expect([client, ticket.fill.stale, kinds()]).toEqual(['again', null, []]);
    head(exchange);
    expect(ticket.fill.stores).toBe(false);
  });

  test('keeps what its clients changed from being used until the next one is there', () => {
    cache.invalidate(['shop/a'], []);
    cache.controlLost();
    cache.invalidate(['shop/b'], []);
    expect([cache.isChanged('shop', '/a'), cache.isChanged('shop', '/b')]).toEqual([true, true]);
    cache.receive({ kind: 'cache-open' });
    expect(cache.hasChanges).toBe(false);
    expect(kinds()).toEqual(['cache-invalidate']);
  });
});

describe('bytes in flight', () => {
  const piece = Buffer.alloc(1024 * 1024);

  test('are bounded: over the bound a response is served and not stored', () => {
    const fills: Fill[] = [];
    let sentBytes = 0;
    for (let i = 0; i < 20; i++) {
      const exchange = lookedUp(planOf({ ...route, cache: { ttl: '60s', coalesce: 'off' } }));
      head(exchange);
      const fill = fillOf(exchange);
      fill.chunk(piece);
      fills.push(fill);
    }
    for (const one of told) if (one.kind === 'cache-chunk') sentBytes += one.bytes.byteLength;
    expect(sentBytes).toBe(cacheInFlightBytesMax);
    expect(fills.filter((fill) => fill.stores)).toHaveLength(8);
    cache.receive({ kind: 'cache-taken', bytes: sentBytes });
    expect(cache.hasRoomFor(cacheInFlightBytesMax)).toBe(true);
    expect(cache.hasRoomFor(cacheInFlightBytesMax + 1)).toBe(false);
  });

  test('are none of a control that was lost', () => {
    const exchange = lookedUp();
    head(exchange);
    fillOf(exchange).chunk(piece);
    expect(cache.hasRoomFor(cacheInFlightBytesMax)).toBe(false);
    cache.controlLost();
    expect(cache.hasRoomFor(cacheInFlightBytesMax)).toBe(true);
  });
});

describe('a response that may not be stored', () => {
  test('leaves a mark and frees all at once; one that nobody queues behind leaves none', () => {
    const exchange = lookedUp();
    const waiters = [lookedUp(), lookedUp()];
    head(exchange, { names: ['cache-control'], values: ['no-store'] });
    expect(woken).toEqual(waiters);
    expect(kinds()).toEqual(['cache-store']);
    const [waiter] = waiters;
    if (waiter?.ticket == null) throw new Error('it waited');
    lookUp(waiter, cache, waiter.ticket);
    head(waiter, { names: ['cache-control'], values: ['no-store'] });
    expect(kinds()).toEqual(['cache-store']);
    visible(fillOf(exchange));
    expect(isFree(fillOf(exchange))).toBe(true);
  });

  test('for which what is stored stands in lets all that wait be answered so', () => {
    const exchange = lookedUp();
    const waiter = lookedUp();
    fillOf(exchange).standIn();
    expect([woken, waiter.ticket?.originFailed, waiter.ticket?.alone]).toEqual([
      [waiter],
      true,
      false,
    ]);
    expect([kinds(), isFree(fillOf(exchange))]).toEqual([[], true]);
  });
});
