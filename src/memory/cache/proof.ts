import { cacheHeader } from './cache-layout.ts';
import type { CacheMemory } from './cache-memory.ts';

/** A word holds times of the monotonic clock in these units: enough for 397 days of uptime. */
const unitMs = 16;

/** Control only: until this time (monotonic) no bust of the cluster was missed. */
export function setProven({ words }: CacheMemory, untilMs: number): void {
  Atomics.store(words, cacheHeader.proven, Math.floor(untilMs / unitMs) | 0);
}

/** A lease that runs out by itself: control may be stopped, and the whole process with it. */
export function isProven({ words }: CacheMemory, nowMs: number): boolean {
  const until = Atomics.load(words, cacheHeader.proven);
  return ((until - Math.ceil(nowMs / unitMs)) | 0) > 0;
}
