// The cache's arena: lookups, stores, what a hit allocates, what is worth keeping, a long life.
import { readCacheFigures } from '../../build/memory/cache/cache-figures.js';
import { cacheKey } from '../../build/memory/cache/cache-key.js';
import { createCacheMemory } from '../../build/memory/cache/cache-memory.js';
import { CacheReader } from '../../build/memory/cache/cache-reader.js';
import { CacheWriter } from '../../build/memory/cache/cache-writer.js';
import { arenaRun, seeded } from '../kit/arena-run.mjs';
import { median } from '../kit/figures.mjs';
import { Gates, round } from '../kit/gates.mjs';

const code = { createCacheMemory, readCacheFigures, cacheKey, CacheReader, CacheWriter };
const mebibyte = 1024 * 1024;
const sizes = [10_000, 500_000];
const rounds = 7;
const lookupsPerRound = 300_000;
/** Keys looked up in turn, spread over all entries: more than the processor's caches keep. */
const sampleCount = 65_536;

function recordOf(key) {
  return {
    key,
    kind: 'response',
    status: 200,
    head: '200 OK\r\ncontent-type: application/json\r\nx-cache-node: a',
    etag: '"a"',
    lastModified: '',
    origin: '',
    bornMs: 0,
    freshUntilMs: 1e12,
    staleWhileRevalidateUntilMs: 0,
    staleIfErrorUntilMs: 0,
    flags: 0,
    position: 0,
    labels: [],
    query: '',
    bodyBytes: -1,
  };
}

const textOf = (index) => `aaaaaaaaaaa\nG\nshop.example\n/catalog/item-${index}\nlang=en\n`;

/** A cache of so many entries of some 500 bytes each, and keys that hit and miss it. */
function filled(entries) {
  const memory = createCacheMemory(entries > 100_000 ? 512 * mebibyte : 16 * mebibyte, 1);
  const writer = new CacheWriter(memory, { onGone: () => undefined });
  const body = Buffer.alloc(200, 'x');
  for (let i = 0; i < entries; i++) writer.put(recordOf(textOf(i)), body);
  const { present } = readCacheFigures(memory);
  if (present < entries * 0.999) throw new Error(`${present} of ${entries} entries are there`);
  const spread = (from) =>
    Array.from({ length: sampleCount }, (_, i) => cacheKey(textOf(from + ((i * 7919) % entries))));
  return {
    entries,
    reader: new CacheReader(memory, 0),
    hits: spread(0),
    misses: spread(entries),
  };
}

/** Milliseconds of processor time so far: what other processes take does not count. */
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Looks keys up; with `views`, reads what an answer needs: times, flags, head and body. */
function lookUp(reader, keys, views) {
  let seen = 0;
  for (let i = 0; i < lookupsPerRound; i++) {
    reader.enter();
    if (reader.find(keys[i & (sampleCount - 1)])) {
      seen += 1;
      if (views) seen += readAll(reader.entry);
    }
    reader.leave();
  }
  return seen;
}

function readAll(entry) {
  const usable = entry.freshUntilMs > 0 && !entry.softStale && entry.state === 'live';
  return usable && entry.headBytes().length > 0 && entry.body().length > 0 ? 1 : 0;
}

/** Nanoseconds of a lookup of which `wanted` is seen: 0 a miss, 1 a hit, 2 a hit with views. */
function lookupNs(reader, keys, wanted) {
  const from = cpuMs();
  const seen = lookUp(reader, keys, wanted === 2);
  if (seen < wanted * lookupsPerRound * 0.99) throw new Error('what is there is found');
  return ((cpuMs() - from) * 1e6) / lookupsPerRound;
}

/** Bytes on the heap per lookup; few enough lookups that none are collected in between. */
function bytesPerLookup(reader, keys, views) {
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 10_000; i++) {
    reader.enter();
    if (reader.find(keys[i]) && views) readAll(reader.entry);
    reader.leave();
  }
  return Math.max(0, process.memoryUsage().heapUsed - before) / 10_000;
}

function lookups() {
  const caches = sizes.map(filled);
  const runs = caches.map(() => ({ find: [], hit: [], miss: [] }));
  for (let round = -2; round < rounds; round++) {
    for (const [at, { reader, hits, misses }] of caches.entries()) {
      const find = lookupNs(reader, hits, 1);
      const hit = lookupNs(reader, hits, 2);
      const miss = lookupNs(reader, misses, 0);
      if (round < 0) continue;
      runs[at].find.push(find);
      runs[at].hit.push(hit);
      runs[at].miss.push(miss);
    }
  }
  return caches.map(({ entries, reader, hits }, at) => ({
    entries,
    findNs: median(runs[at].find),
    hitNs: median(runs[at].hit),
    missNs: median(runs[at].miss),
    bytesPerLookup: bytesPerLookup(reader, hits, false),
    bytesPerHit: bytesPerLookup(reader, hits, true),
  }));
}

/** Nanoseconds of a hash over a key of 62 characters, and of a store of 1 KiB that evicts. */
function stores() {
  const memory = createCacheMemory(64 * mebibyte, 1);
  const writer = new CacheWriter(memory, { onGone: () => undefined });
  const body = Buffer.alloc(1024, 'x');
  const count = 100_000;
  const texts = Array.from({ length: 3 * count }, (_, i) => textOf(i));
  let from = cpuMs();
  for (const text of texts) cacheKey(text);
  const hashNs = ((cpuMs() - from) * 1e6) / texts.length;
  for (let i = 0; i < 2 * count; i++) writer.put(recordOf(texts[i]), body);
  from = cpuMs();
  for (let i = 2 * count; i < 3 * count; i++) writer.put(recordOf(texts[i]), body);
  return { hashNs, putNs: ((cpuMs() - from) * 1e6) / count };
}

/** Ranks by Zipf's law with exponent 0.9, by looking a random share up in the sum of the law. */
function zipf(count, random) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += (rank + 1) ** -0.9;
    sums[rank] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** The yardstick: least recently used, with as many bytes and none of its own beside the body. */
class Lru {
  #entries = new Map();
  #bytes = 0;
  #most;

  constructor(most) {
    this.#most = most;
  }

  find(key) {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return false;
    this.#entries.delete(key);
    this.#entries.set(key, bytes);
    return true;
  }

  put(key, bytes) {
    this.#entries.set(key, bytes);
    this.#bytes += bytes;
    for (const [oldest, its] of this.#entries) {
      if (this.#bytes <= this.#most) break;
      this.#entries.delete(oldest);
      this.#bytes -= its;
    }
  }
}

/**
 * Hit rates of the arena and of LRU for the same requests: Zipf over 60,000 keys of 1 to 4 KiB,
 * and for each of these `scanShare` requests for keys that are asked for once.
 */
function hitRates(scanShare) {
  const arenaBytes = 16 * mebibyte;
  const random = seeded(7);
  const next = zipf(60_000, random);
  const memory = createCacheMemory(arenaBytes, 1);
  const writer = new CacheWriter(memory, { onGone: () => undefined });
  const reader = new CacheReader(memory, 0);
  const lru = new Lru(arenaBytes);
  const bodies = [1, 2, 3, 4].map((kibibytes) => Buffer.alloc(kibibytes * 1024, 'x'));
  const counts = { wanted: 0, arena: 0, lru: 0 };
  const requests = 400_000;
  for (let i = 0; i < requests; i++) {
    const scan = random() < scanShare / (1 + scanShare);
    const rank = scan ? 1_000_000 + i : next();
    const text = textOf(rank);
    const body = bodies[rank & 3];
    reader.enter();
    const found = reader.find(cacheKey(text));
    reader.leave();
    const lruFound = lru.find(rank);
    if (!scan && i > requests / 2) {
      counts.wanted += 1;
      counts.arena += found ? 1 : 0;
      counts.lru += lruFound ? 1 : 0;
    }
    if (!found) writer.put(recordOf(text), body);
    if (!lruFound) lru.put(rank, body.length);
  }
  return { scanShare, arena: counts.arena / counts.wanted, lru: counts.lru / counts.wanted };
}

function addGates(gates, { found, rates, life }) {
  const [few, many] = found;
  gates.atMost('hit among 500,000 / among 10,000', many.hitNs / few.hitNs, 4);
  gates.atMost('miss / lookup that finds, 500,000', many.missNs / many.findNs, 1);
  gates.atMost('bytes allocated by a lookup', Math.max(few.bytesPerLookup, many.bytesPerLookup), 1);
  for (const { scanShare, arena, lru } of rates) {
    gates.atLeast(`hit rate / LRU's, ${scanShare} scanned per request`, arena / lru, 1);
  }
  gates.atMost('faults of a long life', life.faults.length, 0);
  gates.atLeast('live share, late / early', life.liveShareLate / life.liveShareEarly, 0.97);
  gates.atLeast('usable bytes, at the end / new', life.usableEnd / life.usableNew, 0.97);
}

/** What was measured, for people, line by line. */
export function arenaLines({ found, hashNs, putNs, rates, life }) {
  const share = (value) => `${round(100 * value)} %`;
  return [
    ...found.map(
      ({ entries, findNs, hitNs, missNs, bytesPerLookup, bytesPerHit }) =>
        `${entries} entries: lookup ${round(findNs)} ns, with views ${round(hitNs)} ns, miss ${round(missNs)} ns, ${round(bytesPerLookup)} and ${round(bytesPerHit)} bytes allocated`,
    ),
    `key hash ${round(hashNs)} ns, store of 1 KiB ${round(putNs)} ns`,
    ...rates.map(
      ({ scanShare, arena, lru }) =>
        `scan ${scanShare} per request: hits ${share(arena)}, LRU ${share(lru)}`,
    ),
    `long life: live share ${share(life.liveShareEarly)} early, ${share(life.liveShareLate)} late, ${life.refused} without room`,
  ];
}

export async function arenaBench({ say }) {
  say('look up in caches of 10,000 and 500,000 entries');
  const found = lookups();
  say('store, and compare hit rates with LRU');
  const stored = stores();
  const rates = [0, 0.5, 2].map(hitRates);
  say('live through 40,000 random steps');
  const plan = { code, arenaBytes: 64 * mebibyte, steps: 40_000, seed: 5, sumEvery: 200 };
  const life = arenaRun(plan);
  const gates = new Gates();
  addGates(gates, { found, rates, life });
  return { gates, results: { found, ...stored, rates, life } };
}
