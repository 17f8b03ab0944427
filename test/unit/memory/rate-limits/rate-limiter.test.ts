// Goal: a limit admits what it says over a sliding window, for each caller by itself, in a table that
// never grows. Method: a worker's limiter on memory of its own, told the time; a model in one line.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LimitHash } from '../../../../src/memory/rate-limits/limit-hash.ts';
import {
  clearDeadLimitLocks,
  createRateLimits,
  locksAt,
  setOf,
} from '../../../../src/memory/rate-limits/limit-layout.ts';
import {
  areOthersKnown,
  setOthersKnown,
  setSharingNodes,
} from '../../../../src/memory/rate-limits/limit-lease.ts';
import {
  readRateLimitFigures,
  sweepRateLimits,
  writeOthers,
} from '../../../../src/memory/rate-limits/limit-watch.ts';
import { type LimitTerms, RateLimiter } from '../../../../src/memory/rate-limits/rate-limiter.ts';

const seed = Buffer.from('cafe0123beef4567', 'hex');
/** Begins a window of any length up to an hour. */
const startMs = 500_000 * 3_600_000;

function termsOf(parts: Partial<LimitTerms> = {}): LimitTerms {
  return { identityLow: 1, identityHigh: 2, limit: 5, windowMs: 1000, ...parts };
}

function setUp() {
  const words = createRateLimits(seed);
  const limiter = new RateLimiter(words, 0);
  const take = (text: string, ms: number, parts: Partial<LimitTerms> = {}, nowMs = 0): number =>
    limiter.take(termsOf(parts), text, startMs + ms, nowMs);
  /** How many of so many at once are admitted. */
  const admitted = (count: number, text: string, ms: number, parts = {}, nowMs = 0): number =>
    Array.from({ length: count }, () => take(text, ms, parts, nowMs)).filter((wait) => wait === 0)
      .length;
  const figures = (ms = 0) => readRateLimitFigures(words, startMs + ms);
  return { words, take, admitted, figures };
}

/** Texts whose keys lie in one set. */
function textsOfOneSet(count: number): string[] {
  const hash = new LimitHash(createRateLimits(seed));
  const texts: string[] = [];
  let wanted = -1;
  for (let i = 0; texts.length < count; i++) {
    hash.digest(1, 2, `caller-${i}`);
    if (wanted < 0) wanted = setOf(hash.high);
    if (setOf(hash.high) === wanted) texts.push(`caller-${i}`);
  }
  return texts;
}

describe('one caller', () => {
  test('gets as many as the limit says, and the next window slides in', () => {
    const { take, admitted } = setUp();
    expect(admitted(9, 'a', 0)).toBe(5);
    expect(take('a', 999)).toBeGreaterThan(0);
    // Of the five before, four still count when a fifth of the window has passed.
    expect(admitted(9, 'a', 1200)).toBe(1);
    expect(admitted(9, 'a', 1999)).toBe(4);
  });

  test('gets all again when two windows have passed', () => {
    const { admitted } = setUp();
    expect(admitted(9, 'a', 0)).toBe(5);
    expect(admitted(9, 'a', 2000)).toBe(5);
  });

  test('is told when there is room again, to the millisecond', () => {
    const { take, admitted } = setUp();
    admitted(5, 'a', 100);
    const wait = take('a', 300);
    expect(wait).toBe(700);
    expect(take('a', 300 + wait - 1)).toBeGreaterThan(0);
    expect(take('a', 300 + wait + 1)).toBe(0);
    const again = take('a', 1001);
    expect(again).toBeCloseTo(199, 0);
    expect(take('a', 1001 + again + 1)).toBe(0);
  });

  test('is admitted as a sliding counter says, whenever it asks', () => {
    const step = fc.record({ afterMs: fc.nat(700), count: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 9 }),
        (steps, limit) => {
          const { take } = setUp();
          const counts = new Map<number, number>();
          let ms = 0;
          for (const { afterMs, count } of steps) {
            ms += afterMs;
            const window = Math.floor(ms / 1000);
            const before = (counts.get(window - 1) ?? 0) * (1 - (ms % 1000) / 1000);
            for (let i = 0; i < count; i++) {
              const here = counts.get(window) ?? 0;
              const room = here + before < limit;
              expect(take('a', ms, { limit }) === 0).toBe(room);
              if (room) counts.set(window, here + 1);
            }
          }
        },
      ),
    );
  });

  test('keeps its count when the number changes, and begins anew under another identity', () => {
    const { admitted } = setUp();
    expect(admitted(9, 'a', 0)).toBe(5);
    expect(admitted(9, 'a', 1, { limit: 8 })).toBe(3);
    expect(admitted(9, 'a', 2, { limit: 2 })).toBe(0);
    expect(admitted(9, 'a', 3, { identityHigh: 3 })).toBe(5);
  });

  test('begins anew when the clock is set back', () => {
    const { admitted } = setUp();
    expect(admitted(9, 'a', 60_000)).toBe(5);
    expect(admitted(9, 'a', 0)).toBe(5);
    expect(admitted(9, 'a', 1)).toBe(0);
  });

  test('of a worker that read the clock two windows ago counts in the later one', () => {
    const { admitted } = setUp();
    expect(admitted(2, 'a', 2000)).toBe(2);
    expect(admitted(9, 'a', 0)).toBe(3);
    expect(admitted(9, 'a', 2000)).toBe(0);
  });

  test('has a limit of a million', () => {
    const { admitted } = setUp();
    expect(admitted(1_000_002, 'a', 0, { limit: 1_000_000 })).toBe(1_000_000);
  });
});

describe('many callers', () => {
  test('count each for itself', () => {
    const { admitted, figures } = setUp();
    for (let i = 0; i < 2000; i++) expect(admitted(6, `caller-${i}`, 0)).toBe(5);
    expect(figures()).toMatchObject({ used: 2000, takenOver: 0, uncounted: 0 });
  });

  test('that are too many for a set take the slot of the one that asked least', () => {
    const { admitted, figures } = setUp();
    const [a = '', b = '', c = '', d = '', e = ''] = textsOfOneSet(5);
    for (const text of [a, b, d]) expect(admitted(9, text, 0)).toBe(5);
    expect(admitted(1, c, 0)).toBe(1);
    expect(admitted(9, e, 0)).toBe(5);
    expect(figures()).toMatchObject({ used: 4, takenOver: 1 });
    // The heaviest ones did not gain anything.
    for (const text of [a, b, d]) expect(admitted(9, text, 0)).toBe(0);
    expect(admitted(9, c, 0)).toBe(5);
  });

  test('leave the one that has used up a small limit, and take from a large one', () => {
    const { admitted } = setUp();
    const [small = '', ...others] = textsOfOneSet(5);
    expect(admitted(9, small, 0)).toBe(5);
    for (const text of others) expect(admitted(50, text, 0, { limit: 1000 })).toBe(50);
    expect(admitted(9, small, 0)).toBe(0);
  });

  test('take the slots of those whose windows have passed without a word', () => {
    const { admitted, figures } = setUp();
    const texts = textsOfOneSet(9);
    for (const text of texts.slice(0, 4)) admitted(5, text, 0);
    for (const text of texts.slice(4, 8)) expect(admitted(9, text, 2000)).toBe(5);
    expect(figures(2000)).toMatchObject({ used: 4, takenOver: 0 });
    expect(figures(4000).used).toBe(0);
  });
});

describe('the sweep', () => {
  /** Windows until their marks in a count come round again. */
  const round = 4096;

  test('clears counts before their marks come round again', () => {
    const kept = setUp();
    kept.admitted(9, 'a', 0);
    expect(kept.admitted(9, 'a', round * 1000)).toBe(0);
    const swept = setUp();
    swept.admitted(9, 'a', 0);
    sweepRateLimits(swept.words, startMs + 5000);
    expect(swept.admitted(9, 'a', round * 1000)).toBe(5);
  });

  test('leaves what counts still, and what a clock ahead of its own counted', () => {
    const { words, admitted } = setUp();
    admitted(5, 'previous', 0);
    admitted(5, 'current', 1000);
    admitted(5, 'next', 2000);
    sweepRateLimits(words, startMs + 1000);
    for (const text of ['previous', 'current']) expect(admitted(9, text, 1000)).toBe(0);
    expect(admitted(9, 'next', 2000)).toBe(0);
  });
});

describe('a set that is being worked on', () => {
  test('for too long lets the request through, and counts that it did', () => {
    const { words, admitted, figures } = setUp();
    words.fill(9, locksAt, locksAt + 16_384);
    expect(admitted(3, 'a', 0)).toBe(3);
    expect(figures()).toMatchObject({ used: 0, uncounted: 3 });
  });

  test('by a worker that died is free again', () => {
    const { words, admitted, figures } = setUp();
    words.fill(9, locksAt, locksAt + 16_384);
    clearDeadLimitLocks(words, 7);
    expect(words[locksAt]).toBe(9);
    clearDeadLimitLocks(words, 8);
    expect(admitted(9, 'a', 0)).toBe(5);
    expect(figures().uncounted).toBe(0);
  });
});

describe('beside other nodes', () => {
  const use = (words: ReturnType<typeof createRateLimits>, text: string) => {
    const hash = new LimitHash(words);
    hash.digest(1, 2, text);
    const window = startMs / 1000;
    const key = { keyLow: hash.low, keyHigh: hash.high, windowMs: 1000 };
    return { ...key, window, current: 0, previous: 0 };
  };

  test('what they admitted counts too, in its window', () => {
    const { words, admitted } = setUp();
    setSharingNodes(words, 3);
    setOthersKnown(words, 1000);
    expect(admitted(1, 'a', 0)).toBe(1);
    const one = use(words, 'a');
    writeOthers(
      words,
      [
        { ...one, current: 2 },
        { ...one, current: 1 },
      ],
      startMs,
    );
    expect(admitted(9, 'a', 0)).toBe(1);
    // 2 here and 3 there: at half of the next window they count half.
    expect(admitted(9, 'a', 1500)).toBe(3);
  });

  test('clocks that are a window apart are allowed for, others are not', () => {
    const at = (ahead: number) => {
      const { words, admitted } = setUp();
      setSharingNodes(words, 2);
      setOthersKnown(words, 1000);
      admitted(1, 'a', 0);
      const one = use(words, 'a');
      const window = one.window + ahead;
      writeOthers(words, [{ ...one, window, current: 3, previous: 2 }], startMs);
      return admitted(9, 'a', 0);
    };
    // What the other one counted in this window: its current one, its previous one, or neither.
    expect([at(0), at(1), at(-1), at(2), at(-2)]).toEqual([0, 2, 1, 4, 4]);
  });

  test('while what they admit is not known, each has its share, at least one', () => {
    const { words, admitted } = setUp();
    setSharingNodes(words, 2);
    setOthersKnown(words, 1000);
    expect(admitted(9, 'a', 0, {}, 1001)).toBe(2);
    expect(admitted(9, 'a', 0, {}, 900)).toBe(3);
    setSharingNodes(words, 9);
    expect(admitted(9, 'b', 0, {}, 1001)).toBe(1);
  });

  test('they are known for so long, by any clock of 32 bits', () => {
    const words = createRateLimits();
    for (const nowMs of [0, 1e6, 2 ** 31 * 16 - 500, 2 ** 33 * 16]) {
      setOthersKnown(words, nowMs + 1000);
      expect([0, 900, 1001].map((ms) => areOthersKnown(words, nowMs + ms))).toEqual([
        true,
        true,
        false,
      ]);
    }
  });
});
