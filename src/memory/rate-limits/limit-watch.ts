import { rateLimitSlotCount } from '../../base/limits.ts';
import {
  countIn,
  countMax,
  findSlot,
  holdsKey,
  limitHeader,
  ownUse,
  packCount,
  type RateLimitWords,
  slotAt,
  slotField,
  turnOf,
  windowOf,
} from './limit-layout.ts';
import { areOthersKnown, sharingNodes } from './limit-lease.ts';

/** What a node admitted for a key in a window and in the one before it. */
export interface LimitUse {
  readonly keyLow: number;
  readonly keyHigh: number;
  readonly windowMs: number;
  readonly window: number;
  readonly current: number;
  readonly previous: number;
}

export interface RateLimitFigures {
  readonly slots: number;
  /** Slots that count for a window that has not passed. */
  readonly used: number;
  /** Slots that were taken from keys that still counted. */
  readonly takenOver: number;
  /** Requests that were let through without being counted. */
  readonly uncounted: number;
  /** Whether it is known what other nodes admitted; null: the node is in no cluster. */
  readonly othersKnown: boolean | null;
}

/** False: nothing was ever counted, so that there is nothing to look at. */
export function isLimiting(words: RateLimitWords): boolean {
  return Atomics.load(words, limitHeader.placed) !== 0;
}

/** For whoever shows figures; looks at every slot. */
export function readRateLimitFigures(
  words: RateLimitWords,
  wallMs: number,
  nowMs = 0,
): RateLimitFigures {
  let used = 0;
  for (let index = 0; isLimiting(words) && index < rateLimitSlotCount; index++) {
    const at = slotAt(index);
    if (Atomics.load(words, at + slotField.keyLow) === 0) continue;
    if (ownUse(words, at, windowAt(words, at, wallMs)) > 0) used += 1;
  }
  return {
    slots: rateLimitSlotCount,
    used,
    takenOver: Atomics.load(words, limitHeader.takenOver) >>> 0,
    uncounted: Atomics.load(words, limitHeader.uncounted) >>> 0,
    othersKnown: sharingNodes(words) === 0 ? null : areOthersKnown(words, nowMs),
  };
}

/**
 * Control only, every few seconds: clears counts of windows that have passed, before the
 * bits that tell windows apart come round again. A worker that counts meanwhile wins.
 */
export function sweepRateLimits(words: RateLimitWords, wallMs: number): void {
  for (let index = 0; isLimiting(words) && index < rateLimitSlotCount; index++) {
    const at = slotAt(index);
    if (Atomics.load(words, at + slotField.keyLow) === 0) continue;
    const window = windowAt(words, at, wallMs);
    for (let word = slotField.counts; word < slotField.windowMs; word++) {
      const seen = Atomics.load(words, at + word);
      // The next window may have begun since.
      const held = [window - 1, window, window + 1].some((one) => countIn(seen, one) > 0);
      if (seen !== 0 && !held) Atomics.compareExchange(words, at + word, seen, 0);
    }
  }
}

/** Whether nobody counts it any more. */
export function isPast({ window, windowMs }: LimitUse, wallMs: number): boolean {
  return windowOf(wallMs, windowMs) - window > 1;
}

/** What this node admitted, of keys that used more than `shareMin` of their limit; the most used first. */
export function usedMost(
  words: RateLimitWords,
  wallMs: number,
  shareMin: number,
  countMost: number,
): LimitUse[] {
  const found: { readonly use: LimitUse; readonly share: number }[] = [];
  for (let index = 0; isLimiting(words) && index < rateLimitSlotCount; index++) {
    const at = slotAt(index);
    const keyLow = Atomics.load(words, at + slotField.keyLow);
    if (keyLow === 0) continue;
    const windowMs = Atomics.load(words, at + slotField.windowMs);
    const window = windowOf(wallMs, windowMs);
    const counts = at + slotField.counts;
    const current = countIn(Atomics.load(words, counts + turnOf(window)), window);
    const previous = countIn(Atomics.load(words, counts + turnOf(window - 1)), window - 1);
    const share = Math.max(current, previous) / Atomics.load(words, at + slotField.limit);
    if (current + previous === 0 || share <= shareMin) continue;
    const keyHigh = Atomics.load(words, at + slotField.keyHigh);
    // What was given away meanwhile is nobody's use.
    if (!holdsKey(words, at, keyLow, keyHigh)) continue;
    found.push({ use: { keyLow, keyHigh, windowMs, window, current, previous }, share });
  }
  if (found.length > countMost) found.sort((a, b) => b.share - a.share).length = countMost;
  return found.map(({ use }) => use);
}

/**
 * Control only: what other nodes admitted, summed up for the keys that this node has. A window that is
 * further away than the next one is a clock that is wrong, or long ago.
 */
export function writeOthers(words: RateLimitWords, uses: Iterable<LimitUse>, wallMs: number): void {
  const sums = new Map<number, { use: LimitUse; window: number; sum: [number, number] }>();
  for (const use of uses) {
    const at = findSlot(words, use.keyLow, use.keyHigh);
    if (at === 0) continue;
    const window = windowOf(wallMs, use.windowMs);
    const ahead = use.window - window;
    if (Math.abs(ahead) > 1) continue;
    const known = sums.get(at) ?? { use, window, sum: [0, 0] };
    sums.set(at, known);
    if (ahead === 0) {
      known.sum[0] += use.current;
      known.sum[1] += use.previous;
    } else if (ahead > 0) known.sum[0] += use.previous;
    else known.sum[1] += use.current;
  }
  for (const [at, { use, window, sum }] of sums) {
    const others = at + slotField.others;
    const [current, previous] = sum.map((count) => Math.min(count, countMax)) as [number, number];
    Atomics.store(words, others + turnOf(window), packCount(window, current));
    Atomics.store(words, others + turnOf(window - 1), packCount(window - 1, previous));
    if (holdsKey(words, at, use.keyLow, use.keyHigh)) continue;
    Atomics.store(words, others, 0);
    Atomics.store(words, others + 1, 0);
  }
}

function windowAt(words: RateLimitWords, at: number, wallMs: number): number {
  return windowOf(wallMs, Atomics.load(words, at + slotField.windowMs));
}
