import type { CacheConditionT, CachePolicyT } from '#generated/cutover.js';
import { assert, present } from '../../base/assert.ts';
import {
  cacheOverride,
  cacheSetCookie,
  methodBits,
  queryChoice,
} from '../../memory/shape-kinds.ts';

const cached = (methodBits['GET'] ?? 0) | (methodBits['HEAD'] ?? 0) | (methodBits['POST'] ?? 0);

/** That the cache block of a route says only what a worker can do. Throws an assertion. */
export function verifyCache(cache: CachePolicyT): void {
  assert(String(cache.shapeKey).length === 11, 'a shape key has 11 characters');
  const previous = cache.previousShapeKey;
  assert(previous === null || String(previous).length === 11, 'so has the one before');
  assert(previous === null || previous !== cache.shapeKey, 'the one before is another');
  assert(cache.methodMask > 0 && (cache.methodMask & ~cached) === 0, 'cached methods are known');
  const posts = (cache.methodMask & (methodBits['POST'] ?? 0)) !== 0;
  assert(posts === cache.body.length > 0, 'a POST has fields for its key, others have none');
  verifyKind(cacheOverride, cache.overrideKind, 'an override is a known one');
  verifyKind(cacheSetCookie, cache.setCookie, 'what becomes of cookies is known');
  const vary = present(cache.vary, 'a cache block says what keys vary by');
  verifyKind(queryChoice, vary.query, 'a choice of parameters is a known one');
  for (const { condition, ttlMs } of cache.ttl) {
    verifyCondition(present(condition, 'a rule has its condition'));
    assert(ttlMs >= 0, 'a rule states a time');
  }
  for (const { first, last, ttlMs } of cache.statusTtl) {
    assert(first >= 200 && first <= last && last <= 599, 'statuses of final answers');
    assert(ttlMs >= 0, 'a status has a time');
  }
  for (const one of [...cache.bypass, ...cache.noStore]) {
    verifyCondition(one);
    assert(one.body.length === 0, 'what is looked up does not depend on a body');
  }
  for (const times of [cache.staleWhileRevalidateMs, cache.staleIfErrorMs, cache.negativeTtlMs]) {
    assert(times === -1 || times >= 0, 'a time is stated or is not');
  }
  assert(cache.minUses >= 1 && cache.waitMs >= 1, 'uses and waits count from one');
}

function verifyKind(kinds: Readonly<Record<string, number>>, kind: number, claim: string): void {
  assert(Object.values(kinds).includes(kind), claim);
}

function verifyCondition(condition: CacheConditionT): void {
  for (const { path, predicate } of condition.body) {
    assert(path !== null && predicate !== null, 'a predicate over a body has its path');
  }
}
