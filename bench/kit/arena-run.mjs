// A long life of the cache's arena: puts, fills, refreshes, drops, expiry, lookups and holds in an
// order that a seed decides, each answer compared byte by byte with what a model says.

/** Numbers from 0 to 1 that a seed decides (mulberry32). */
export function seeded(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const leastBytes = 100;
const mostBytes = 2 * 1024 * 1024;
/** Bytes of the arena for each key: with sizes as below, more keys than there is room for. */
const bytesPerKey = 32 * 1024;
const openFillsMax = 4;
const openHoldsMax = 6;
const faultsMax = 5;

const recordOf = (key, version, changes = {}) => ({
  key,
  kind: 'response',
  status: 200,
  head: `200 OK\r\nx-version: ${version}\r\nx-pad: ${'p'.repeat(version % 300)}`,
  etag: `"${version}"`,
  lastModified: '',
  origin: '',
  bornMs: 0,
  freshUntilMs: version,
  staleWhileRevalidateUntilMs: 0,
  staleIfErrorUntilMs: 0,
  flags: 0,
  position: 0,
  labels: ['t:a'],
  query: '',
  bodyBytes: -1,
  ...changes,
});

/** A long text of its own for each version, cut at any length. */
const bodyOf = (version, bytes) => Buffer.alloc(bytes, `<${version}>`, 'latin1');

class ArenaRun {
  faults = [];
  /** Stores that found no room, because of what is held and being filled. */
  refused = 0;
  counts = {
    put: 0,
    filled: 0,
    aborted: 0,
    refreshed: 0,
    dropped: 0,
    found: 0,
    missed: 0,
    held: 0,
  };
  #plan;
  #random;
  #memory;
  #writer;
  #reader;
  /** By key: the id, its version, the version of its body and the body's length. */
  #model = new Map();
  #keyOfId = new Map();
  #fills = [];
  #holds = [];
  #version = 0;

  constructor(plan) {
    this.#plan = plan;
    this.#random = seeded(plan.seed);
    this.#memory = plan.code.createCacheMemory(plan.arenaBytes, 1);
    this.#writer = new plan.code.CacheWriter(this.#memory, { onGone: (id) => this.#gone(id) });
    this.#reader = new plan.code.CacheReader(this.#memory, 0);
  }

  run() {
    const { steps, sumEvery } = this.#plan;
    const usableNew = this.#usableBytes();
    const shares = { early: [], late: [] };
    for (let step = 0; step < steps && this.faults.length < faultsMax; step++) {
      this.#step();
      this.#checkCounts();
      if (step % sumEvery === 0) this.#checkSum();
      if (step >= steps * 0.4 && step < steps * 0.5) shares.early.push(this.#share());
      if (step >= steps * 0.9) shares.late.push(this.#share());
    }
    this.#checkSum();
    for (const fill of this.#fills.splice(0)) this.#writer.abort(fill.id, 'error');
    for (const { hold } of this.#holds.splice(0)) hold.release();
    const mean = (list) => list.reduce((sum, one) => sum + one, 0) / list.length;
    return {
      faults: this.faults,
      counts: this.counts,
      refused: this.refused,
      liveShareEarly: mean(shares.early),
      liveShareLate: mean(shares.late),
      usableNew,
      usableEnd: this.#usableBytes(),
    };
  }

  #step() {
    const chance = this.#random();
    if (chance < 0.35) this.#put();
    else if (chance < 0.55) this.#fill();
    else if (chance < 0.62) this.#refresh();
    else if (chance < 0.66) this.#drop();
    else if (chance < 0.67) this.#expire();
    else if (chance < 0.92) this.#look();
    else this.#readOn();
  }

  #key() {
    const keys = this.#plan.arenaBytes / bytesPerKey;
    return `G\nshop.example\n/item/${Math.floor(keys * this.#random() ** 3)}\n`;
  }

  /** As many small ones as large ones, by powers of two; a body of a quarter at most. */
  #bytes() {
    const most = Math.min(mostBytes, this.#plan.arenaBytes / 4);
    return Math.floor(leastBytes * (most / leastBytes) ** this.#random());
  }

  #put() {
    const key = this.#key();
    const bytes = this.#bytes();
    this.#version += 1;
    const version = this.#version;
    const result = this.#writer.put(recordOf(key, version), bodyOf(version, bytes));
    if (!result.stored) return this.#refused(result);
    this.counts.put += 1;
    return this.#came(key, result.entryId, { version, bodyVersion: version, bytes });
  }

  /** Begins a fill, or goes on with one: some pieces, the end, or an end half-way. */
  #fill() {
    if (this.#fills.length < openFillsMax && this.#random() < 0.3) return this.#begin();
    const at = Math.floor(this.#random() * this.#fills.length);
    const fill = this.#fills[at];
    if (fill === undefined) return;
    const { id, version, bytes } = fill;
    if (this.#random() < 0.05) {
      this.#writer.abort(id, 'error');
      this.counts.aborted += 1;
      this.#fills.splice(at, 1);
    } else if (fill.filled < bytes) {
      const to = Math.min(bytes, fill.filled + 1 + Math.floor(this.#random() * 150_000));
      const piece = bodyOf(version, to).subarray(fill.filled);
      if (!this.#writer.append(id, piece)) {
        this.#refused({ reason: 'no-room' });
        this.#fills.splice(at, 1);
      }
      fill.filled = to;
    } else {
      if (!this.#writer.complete(id)) this.#fault('a fill could not be completed');
      this.counts.filled += 1;
      this.#fills.splice(at, 1);
      const entry = this.#model.get(fill.key);
      if (entry?.id === id) entry.bytes = bytes;
    }
  }

  #begin() {
    const key = this.#key();
    const bytes = this.#bytes();
    this.#version += 1;
    const version = this.#version;
    const bodyBytes = this.#random() < 0.5 ? bytes : -1;
    const result = this.#writer.begin(recordOf(key, version, { bodyBytes }), mostBytes);
    if (!result.stored) return this.#refused(result);
    this.#came(key, result.entryId, { version, bodyVersion: version, bytes: -1 });
    return this.#fills.push({ id: result.entryId, key, version, bytes, filled: 0 });
  }

  #refresh() {
    const key = this.#key();
    const entry = this.#model.get(key);
    if (entry === undefined || entry.bytes < 0) return;
    this.#version += 1;
    const version = this.#version;
    const { bodyVersion, bytes } = entry;
    const result = this.#writer.refresh(entry.id, recordOf(key, version));
    if (!result.stored) return this.#refused(result);
    this.counts.refreshed += 1;
    return this.#came(key, result.entryId, { version, bodyVersion, bytes });
  }

  #drop() {
    const entry = this.#model.get(this.#key());
    if (entry === undefined) return;
    this.counts.dropped += 1;
    if (!this.#writer.drop(entry.id, 'bust-key')) this.#fault('what is there was not dropped');
  }

  #expire() {
    this.#writer.expire(this.#version - 20_000, 50);
  }

  #look() {
    const key = this.#key();
    const entry = this.#model.get(key);
    const reader = this.#reader;
    reader.enter();
    const found = reader.find(this.#plan.code.cacheKey(key));
    if (found !== (entry !== undefined))
      this.#fault(`${found ? '' : 'not '}found, unlike the model`);
    else if (found) this.#compare(entry);
    else this.counts.missed += 1;
    reader.leave();
  }

  #compare({ id, version, bodyVersion, bytes }) {
    this.counts.found += 1;
    const { entry } = this.#reader;
    const wanted = recordOf(entry.key(), version);
    if (entry.entryId !== id || entry.headText() !== wanted.head || entry.etag !== wanted.etag) {
      this.#fault(`version ${version} is not what was found`);
    }
    const body = Buffer.concat(entry.bodyPieces());
    if (bytes >= 0 && body.length !== bytes) this.#fault('a body has another length');
    if (!body.equals(bodyOf(bodyVersion, body.length))) this.#fault('a body has other bytes');
    if (this.#holds.length < openHoldsMax && this.#random() < 0.05) {
      this.#holds.push({ hold: this.#reader.hold(), bodyVersion });
    }
  }

  #readOn() {
    const at = Math.floor(this.#random() * this.#holds.length);
    const held = this.#holds[at];
    if (held === undefined) return;
    const { hold, bodyVersion } = held;
    this.counts.held += 1;
    this.#reader.enter();
    hold.refresh();
    this.#reader.leave();
    const pieces = [];
    for (let read = 0; read < hold.filledBytes; ) {
      const piece = hold.read(read);
      pieces.push(piece);
      read += piece.length;
    }
    const body = Buffer.concat(pieces);
    if (!body.equals(bodyOf(bodyVersion, hold.filledBytes))) this.#fault('a held body changed');
    if (this.#random() < 0.5) return;
    hold.release();
    this.#holds.splice(at, 1);
  }

  #refused({ reason }) {
    if (reason !== 'no-room') this.#fault(`a store was refused: ${reason}`);
    this.refused += 1;
  }

  #came(key, id, entry) {
    this.#model.set(key, { id, ...entry });
    this.#keyOfId.set(id, key);
  }

  #gone(id) {
    const key = this.#keyOfId.get(id);
    this.#keyOfId.delete(id);
    if (this.#model.get(key)?.id === id) this.#model.delete(key);
  }

  #checkCounts() {
    const { stored, present, evictedBy } = this.#plan.code.readCacheFigures(this.#memory);
    const evicted = Object.values(evictedBy).reduce((sum, count) => sum + count, 0);
    if (stored - evicted !== present) this.#fault(`${stored} - ${evicted} is not ${present}`);
    if (present !== this.#model.size) this.#fault(`${present} counted, ${this.#model.size} there`);
  }

  #checkSum() {
    const { present, presentBytes } = this.#plan.code.readCacheFigures(this.#memory);
    let count = 0;
    let bytes = 0;
    for (const id of this.#writer.entries()) {
      count += 1;
      bytes += this.#writer.view(id).storedBytes;
    }
    if (count !== present) this.#fault(`${count} entries, ${present} counted`);
    if (bytes !== presentBytes) this.#fault(`${bytes} bytes in entries, ${presentBytes} counted`);
  }

  #share() {
    const { presentBytes } = this.#plan.code.readCacheFigures(this.#memory);
    return presentBytes / this.#plan.arenaBytes;
  }

  /** Empties the cache, then stores until something must go. */
  #usableBytes() {
    const { readCacheFigures } = this.#plan.code;
    for (const id of [...this.#writer.entries()]) this.#writer.drop(id, 'bust-all');
    const before = readCacheFigures(this.#memory).evictedBy.capacity;
    let bytes = 0;
    for (let i = 0; readCacheFigures(this.#memory).evictedBy.capacity === before; i++) {
      bytes = readCacheFigures(this.#memory).presentBytes;
      const result = this.#writer.put(recordOf(`usable ${i}`, 1), Buffer.alloc(10_000));
      this.#came(`usable ${i}`, result.entryId, { version: 1, bodyVersion: 1, bytes: 10_000 });
    }
    for (const id of [...this.#writer.entries()]) this.#writer.drop(id, 'bust-all');
    return bytes;
  }

  #fault(what) {
    if (this.faults.length < faultsMax) this.faults.push(what);
  }
}

export function arenaRun(plan) {
  return new ArenaRun(plan).run();
}
