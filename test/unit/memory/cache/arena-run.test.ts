// Goal: whatever is done to the arena for however long, every byte and figure is right and it
// holds as much as when it was new. Method: seeded random runs against a model.
import { expect, test } from 'vitest';
import { arenaRun, type CacheCode } from '../../../../bench/kit/arena-run.mjs';
import { readCacheFigures } from '../../../../src/memory/cache/cache-figures.ts';
import { cacheKey } from '../../../../src/memory/cache/cache-key.ts';
import { createCacheMemory } from '../../../../src/memory/cache/cache-memory.ts';
import { CacheReader } from '../../../../src/memory/cache/cache-reader.ts';
import { CacheWriter } from '../../../../src/memory/cache/cache-writer.ts';

const code: CacheCode = { createCacheMemory, readCacheFigures, cacheKey, CacheReader, CacheWriter };
const mebibyte = 1024 * 1024;

test.each([
  { mebibytes: 8, seed: 1, steps: 6000, liveShare: 0.5 },
  { mebibytes: 24, seed: 2, steps: 6000, liveShare: 0.6 },
])('$mebibytes MiB after $steps random steps hold what they held', (plan) => {
  const { mebibytes, seed, steps, liveShare } = plan;
  const result = arenaRun({ code, arenaBytes: mebibytes * mebibyte, steps, seed, sumEvery: 1 });
  expect(result.faults).toEqual([]);
  for (const count of Object.values(result.counts)) expect(count).toBeGreaterThan(20);
  expect(result.refused).toBeLessThan(steps / 100);
  expect(result.liveShareLate).toBeGreaterThan(liveShare);
  expect(result.liveShareLate / result.liveShareEarly).toBeGreaterThan(0.9);
  expect(result.usableEnd / result.usableNew).toBeGreaterThan(0.95);
});
