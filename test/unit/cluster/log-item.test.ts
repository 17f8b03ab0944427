// Goal: what nodes write to each other comes back as it was, and nothing else is taken for it.
// Method: random items through the codec, and every byte of one changed.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ItemCodec,
  type LogItem,
  type LogMatter,
  newItemId,
} from '../../../src/cluster/log-item.ts';

const codec = new ItemCodec(Buffer.from('key'));
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const texts = fc.array(text, { maxLength: 5 });
const float = fc.integer({ min: 0, max: 4_000 }).map((value) => value / 4);
const count = fc.integer({ min: 0, max: 2 ** 31 });

const bust = fc.record({
  tags: texts,
  urls: texts,
  keys: texts,
  routes: texts,
  groups: texts,
  all: fc.boolean(),
  soft: fc.boolean(),
});
const revision = fc.record({
  revision: count,
  parent: count,
  hash: text,
  author: text,
  note: text,
  createdAt: text,
});
const worker = fc.record({ state: text, generation: count, revision: count });
const cache = fc.record({
  lookups: count,
  hits: count,
  misses: count,
  stored: count,
  evicted: count,
  present: count,
  presentBytes: count,
});
const beat = fc.record({
  region: text,
  applied: fc.integer({ min: -1 }),
  epoch: text,
  revision: count,
  hash: text,
  ready: fc.boolean(),
  notReady: text,
  workers: fc.array(worker, { maxLength: 4 }),
  cache: fc.option(cache),
  droppedMs: fc.array(float, { maxLength: 4 }),
  leaving: fc.boolean(),
});
const step = fc.record({
  revision: count,
  outcome: fc.constantFrom('staged' as const, 'applied' as const, 'rejected' as const),
  code: text,
  message: text,
  compileMs: float,
  stagedMs: float,
  switchedMs: float,
  workers: fc.array(float, { maxLength: 4 }),
});
const matter: fc.Arbitrary<LogMatter> = fc.oneof(
  fc.record({ kind: fc.constant('bust' as const), bust, asks: fc.boolean() }),
  fc.record({
    kind: fc.constantFrom('stage' as const, 'commit' as const, 'abandon' as const),
    revision,
    waitMs: count,
  }),
  fc.record({ kind: fc.constant('beat' as const), beat }),
  fc.record({ kind: fc.constant('step' as const), step }),
);
const items: fc.Arbitrary<LogItem> = fc.record({
  id: text,
  node: text,
  boot: text,
  epoch: text,
  matter,
});

describe('an item', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(items, (item) => {
        expect(codec.decode(codec.encode(item))).toEqual(item);
      }),
    );
  });

  test('of which any byte is another is none', () => {
    const bytes = codec.encode({
      id: newItemId(),
      node: 'a',
      boot: 'b',
      epoch: 'c',
      matter: { kind: 'commit', revision: { ...noRevision, revision: 7 }, waitMs: 1 },
    });
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(codec.decode(changed)).toBe(at === 0 ? 'unknown' : 'unsigned');
    }
  });

  test('that is cut short, or random bytes, is none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(['unsigned', 'unknown']).toContain(codec.decode(Buffer.from(bytes)));
      }),
    );
  });

  test('that was signed and is no item does not throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        expect(codec.decode(codec.seal(bytes))).toBe('unknown');
      }),
    );
  });
});

const noRevision = { revision: 0, parent: 0, hash: '', author: '', note: '', createdAt: '' };
