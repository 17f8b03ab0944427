// Goal: of all workers that miss a key at once, one fetches it; while no control is there, none waits.
// Method: a lookup whose worker loses the processor just before it takes the claim, while another
// one's fetch ends; and one whose control is lost.
import { expect, test, vi } from 'vitest';
import { lookUp, openTicket } from '../../../../src/gateway/caching/lookup.ts';
import { cacheHost } from '../../../../src/gateway/caching/record.ts';
import type { CacheTicket } from '../../../../src/gateway/caching/ticket.ts';
import { type CacheHooks, WorkerCache } from '../../../../src/gateway/caching/worker-cache.ts';
import type { Exchange } from '../../../../src/gateway/exchange.ts';
import { createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import { CacheWriter } from '../../../../src/memory/cache/cache-writer.ts';
import { cacheRecord } from '../../../kit/cached.ts';
import { exchangeOf, planOf } from '../../../kit/exchanges.ts';

function setUp(): {
  exchange: Exchange;
  cache: WorkerCache;
  ticket: CacheTicket;
  writer: CacheWriter;
  sent: string[];
} {
  const memory = createCacheMemory(4 * 1024 * 1024, 2);
  const writer = new CacheWriter(memory, { onGone() {} });
  const hooks = {} as CacheHooks;
  const cache = new WorkerCache({
    memory,
    worker: 0,
    entryBytesMax: 65_536,
    hasSecondLevel: false,
    tell() {},
    hooks,
  });
  const plan = planOf({ upstream: 'a', cache: { ttl: '1h', override: 'ttl' } });
  const exchange = exchangeOf(plan, { path: '/departures' });
  const sent: string[] = [];
  Object.assign(exchange.worker, { nowMs: () => 2_000, draining: false });
  Object.assign(exchange.res, {
    writeStatus() {},
    writeHeader() {},
    end: (body: Uint8Array) => sent.push(Buffer.from(body).toString('latin1')),
  });
  const ticket = openTicket(exchange, null);
  if (ticket === null) throw new Error('the route is cached');
  return { exchange, cache, ticket, writer, sent };
}

/** Something happens when the lookup has found nothing and has not taken the claim yet. */
function beforeTheClaim({ claims }: WorkerCache, happens: () => void): void {
  const take = claims.take.bind(claims);
  vi.spyOn(claims, 'take').mockImplementationOnce((key) => {
    happens();
    return take(key);
  });
}

test('what another worker stored between a lookup and its claim is answered, not fetched', () => {
  const { exchange, cache, ticket, writer, sent } = setUp();
  beforeTheClaim(cache, () => {
    const body = Buffer.from('stored meanwhile');
    writer.put(cacheRecord(ticket.key.text, 1, { bodyBytes: body.length }), body);
  });
  expect(lookUp(exchange, cache, ticket)).toBe('answered');
  expect(sent).toEqual(['stored meanwhile']);
  expect(ticket.fill).toBeNull();
  expect(cache.claims.holder(ticket.key)).toBe(-1);
});

test('a claim with nothing stored meanwhile is for a fetch', () => {
  const { exchange, cache, ticket, sent } = setUp();
  beforeTheClaim(cache, () => {});
  expect(lookUp(exchange, cache, ticket)).toBe('forward');
  expect(sent).toEqual([]);
  expect(ticket.fill?.holdsClaim).toBe(true);
  expect(cache.claims.holder(ticket.key)).toBe(0);
});

test('an entry that the lookup itself found stale does not count as stored meanwhile', () => {
  const { exchange, cache, ticket, writer } = setUp();
  const body = Buffer.from('old');
  const times = { freshUntilMs: exchange.beganMs - 500, bodyBytes: body.length };
  writer.put(cacheRecord(ticket.key.text, 1, times), body);
  expect(lookUp(exchange, cache, ticket)).toBe('forward');
  expect(ticket.fill?.stale?.etag).toBe('"1"');
});

test('what a control that died had begun to fill is not answered with', () => {
  const { exchange, cache, ticket, writer, sent } = setUp();
  const begun = writer.begin(cacheRecord(ticket.key.text, 1, { bodyBytes: 8 }));
  if (!begun.stored) throw new Error('there is room');
  writer.append(begun.entryId, Buffer.from('half'));
  cache.controlLost();
  expect(lookUp(exchange, cache, ticket)).toBe('forward');
  expect([sent, ticket.fill]).toEqual([[], null]);
});

test('nothing is fetched behind a stale answer while no control is there to store it', () => {
  const { exchange, cache, ticket, writer, sent } = setUp();
  const body = Buffer.from('old');
  const times = {
    freshUntilMs: exchange.beganMs - 500,
    staleWhileRevalidateUntilMs: exchange.beganMs + 500,
    bodyBytes: body.length,
  };
  writer.put(cacheRecord(ticket.key.text, 1, times), body);
  cache.controlLost();
  expect(lookUp(exchange, cache, ticket)).toBe('answered');
  expect([sent, cache.fillOf(ticket.key)]).toEqual([['old'], undefined]);
});

test('what a client changed is fetched once, while the entry from before is there still', () => {
  const { exchange, cache, ticket, writer, sent } = setUp();
  const body = Buffer.from('before');
  writer.put(cacheRecord(ticket.key.text, 1, { bodyBytes: body.length }), body);
  cache.invalidate([cacheHost(exchange.headers.host) + exchange.path], []);
  expect(lookUp(exchange, cache, ticket)).toBe('forward');
  expect([sent, ticket.fill?.holdsClaim]).toEqual([[], true]);
  expect(cache.claims.holder(ticket.key)).toBe(0);
});

test('what comes again and again between a lookup and its claim is looked up once more', () => {
  const { exchange, cache, ticket, writer } = setUp();
  const times = { freshUntilMs: exchange.beganMs - 500, bodyBytes: 3 };
  const take = cache.claims.take.bind(cache.claims);
  let turns = 0;
  vi.spyOn(cache.claims, 'take').mockImplementation((key) => {
    turns += 1;
    writer.put(cacheRecord(ticket.key.text, turns, times), Buffer.from('old'));
    return take(key);
  });
  expect(lookUp(exchange, cache, ticket)).toBe('forward');
  expect([turns, ticket.fill?.holdsClaim]).toEqual([2, true]);
});
