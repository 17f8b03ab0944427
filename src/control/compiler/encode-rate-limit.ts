import { createHash } from 'node:crypto';
import { RateLimitT } from '#generated/cutover.js';
import { limitBy } from '../../memory/shape-kinds.ts';
import type { RateLimitPolicy } from '../../model/definitions.ts';
import { canonicalJson } from '../../model/hash.ts';

/** The number is no part of the identity: an apply that changes it goes on with what was counted. */
export function encodeRateLimit({ id, limit, windowMs, by }: RateLimitPolicy): RateLimitT {
  const identity = createHash('sha256').update(canonicalJson({ id, windowMs, by })).digest();
  const name = 'name' in by ? by.name : null;
  const [low, high] = [identity.readInt32LE(0), identity.readInt32LE(4)];
  return new RateLimitT(low, high, limit, windowMs, limitBy[by.kind], name);
}
