// What a request pays for one rate limit: the key's hash and its count, among few callers and many.
import { createRateLimits } from '../../build/memory/rate-limits/limit-layout.js';
import { RateLimiter } from '../../build/memory/rate-limits/rate-limiter.js';
import { median } from '../kit/figures.mjs';
import { Gates } from '../kit/gates.mjs';

const rounds = 9;
const takesPerRound = 200_000;
const callerCounts = [1, 2_000];

function callersOf(count) {
  const limiter = new RateLimiter(createRateLimits(), 0);
  const texts = Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  return { count, limiter, texts };
}

/** Nanoseconds of a request that is let through, or (`limit` 1) of one that is not. */
function takeNs({ limiter, texts }, limit, windowAt) {
  // A window of its own for each round, so that no limit is reached that is not meant to be.
  const wallMs = windowAt * 3_600_000;
  const terms = { identityLow: limit, identityHigh: 2, limit, windowMs: 3_600_000 };
  for (const text of texts) limiter.take(terms, text, wallMs, 0);
  const from = performance.now();
  let passed = 0;
  for (let i = 0; i < takesPerRound; i++) {
    if (limiter.take(terms, texts[i % texts.length], wallMs, 0) === 0) passed += 1;
  }
  const ns = ((performance.now() - from) * 1e6) / takesPerRound;
  if (passed !== (limit === 1 ? 0 : takesPerRound)) throw new Error('a limit is what it says');
  return ns;
}

function bytesPerTake(callers) {
  const before = process.memoryUsage().heapUsed;
  takeNs(callers, 1_000_000, 5_000);
  return Math.max(0, process.memoryUsage().heapUsed - before) / takesPerRound;
}

export async function rateLimitBench({ say }) {
  say('count requests against a rate limit, of 1 caller and of 2,000');
  const all = callerCounts.map(callersOf);
  const runs = all.map(() => ({ passed: [], refused: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const [at, callers] of all.entries()) {
      runs[at].passed.push(takeNs(callers, 1_000_000, 10 + 3 * round));
      runs[at].refused.push(takeNs(callers, 1, 1_000 + 3 * round));
    }
  }
  const results = all.map((callers, at) => ({
    callers: callers.count,
    passedNs: median(runs[at].passed),
    refusedNs: median(runs[at].refused),
    bytes: bytesPerTake(callers),
  }));
  const gates = new Gates();
  gates.atMost('bytes allocated by a limit', results[0].bytes, 1);
  return { gates, results };
}
