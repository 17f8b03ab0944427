import { limitHeader, type RateLimitWords } from './limit-layout.ts';

/** A word holds times of the monotonic clock in these units: enough for 397 days of uptime. */
const leaseUnitMs = 16;

/** Control only: how many nodes share the limits of this one, with it, as far as is known. */
export function setSharingNodes(words: RateLimitWords, nodes: number): void {
  Atomics.store(words, limitHeader.nodes, nodes);
}

export function sharingNodes(words: RateLimitWords): number {
  return Atomics.load(words, limitHeader.nodes);
}

/** Control only: until this time (monotonic) what the others admitted is taken for known. */
export function setOthersKnown(words: RateLimitWords, untilMs: number): void {
  Atomics.store(words, limitHeader.knownUntil, Math.floor(untilMs / leaseUnitMs) | 0);
}

/** Runs out by itself: control may be stopped, or the cluster away. */
export function areOthersKnown(words: RateLimitWords, nowMs: number): boolean {
  const until = Atomics.load(words, limitHeader.knownUntil);
  return ((until - Math.ceil(nowMs / leaseUnitMs)) | 0) > 0;
}

/** What this node may admit of a limit without knowing what the others do; at least 1. */
export function shareOf(limit: number, nodes: number): number {
  return Math.max(1, Math.floor(limit / nodes));
}
