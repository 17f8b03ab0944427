// Goal: labels lead to exactly the entries that have them, at any time. Method: hand-written cases,
// and random adds and removes next to a map of sets.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Postings } from '../../../../src/control/cache/postings.ts';

const sorted = (entries: Iterable<number>): number[] => [...entries].sort((a, b) => a - b);

describe('postings', () => {
  test('an entry is found under each of its labels, and under no other', () => {
    const postings = new Postings(100);
    for (const label of ['t:a', 't:b']) postings.add(label, 1);
    postings.add('t:b', 2);
    expect(sorted(postings.entriesOf('t:a'))).toEqual([1]);
    expect(sorted(postings.entriesOf('t:b'))).toEqual([1, 2]);
    expect(postings.entriesOf('t:c')).toEqual([]);
    expect([postings.countOf('t:b'), postings.count, postings.labelCount]).toEqual([2, 3, 2]);
  });

  test('an entry that is removed is gone from all of them, and a label without entries is none', () => {
    const postings = new Postings(100);
    postings.add('t:a', 1);
    postings.add('t:b', 1);
    postings.add('t:b', 2);
    postings.remove(1);
    postings.remove(1);
    expect([postings.entriesOf('t:a'), postings.entriesOf('t:b')]).toEqual([[], [2]]);
    expect([postings.count, postings.labelCount]).toEqual([1, 1]);
  });

  test('entries may be removed while those of a label are walked', () => {
    const postings = new Postings(100);
    for (let entry = 1; entry <= 10; entry++) postings.add('t:a', entry);
    for (const entry of postings.entriesOf('t:a')) postings.remove(entry);
    expect(postings.count).toBe(0);
  });

  test('there is room for so many labels and no more', () => {
    const postings = new Postings(3);
    postings.add('t:a', 1);
    expect([postings.hasRoomFor(2), postings.hasRoomFor(3)]).toEqual([true, false]);
    postings.add('t:b', 1);
    postings.add('t:c', 1);
    expect(() => postings.add('t:d', 1)).toThrow('callers ask for room');
    postings.remove(1);
    expect(postings.hasRoomFor(3)).toBe(true);
  });

  test('any adds and removes leave what a map of sets has', () => {
    const step = fc.oneof(
      fc.record({ add: fc.nat(20), label: fc.nat(6) }),
      fc.record({ remove: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const postings = new Postings(10_000);
        const model = new Map<string, Set<number>>();
        for (const one of steps) {
          if ('add' in one) {
            const label = `t:${one.label}`;
            const entries = model.get(label) ?? new Set();
            if (!entries.has(one.add)) postings.add(label, one.add);
            model.set(label, entries.add(one.add));
          } else {
            postings.remove(one.remove);
            for (const entries of model.values()) entries.delete(one.remove);
          }
        }
        for (const [label, entries] of model) {
          expect(sorted(postings.entriesOf(label))).toEqual(sorted(entries));
        }
        const count = [...model.values()].reduce((sum, entries) => sum + entries.size, 0);
        expect(postings.count).toBe(count);
      }),
    );
  });

  test('grows past its first places', () => {
    const postings = new Postings(5_000);
    for (let entry = 0; entry < 5_000; entry++) postings.add(`t:${entry % 7}`, entry);
    expect(postings.countOf('t:3')).toBe(Math.ceil((5_000 - 3) / 7));
    expect(postings.hasRoomFor(1)).toBe(false);
  });
});
