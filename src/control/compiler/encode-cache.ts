import {
  BodyPathT,
  BodyPredicateT,
  BodyStepT,
  CacheConditionT,
  CachePolicyT,
  CacheVaryT,
  StatusTtlT,
  TtlRuleT,
} from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import {
  cacheOverride,
  cacheSetCookie,
  methodBits,
  queryChoice,
} from '../../memory/shape-kinds.ts';
import type {
  BodyPath,
  CacheDefinition,
  CacheVary,
  InputCondition,
  RequestCondition,
} from '../../model/cache-definition.ts';
import type { Route } from '../../model/definitions.ts';
import type { SecretReference } from '../../model/secret.ts';
import { shapeKeyOf } from '../../model/shape-key.ts';
import { encodePredicate } from './encode-predicate.ts';
import { encodeTemplate } from './encode-template.ts';

/** What the definitions of a route's cache do not say themselves. */
export interface CacheSurroundings {
  /** The shape key that entries of the route have now; null: it has none. */
  readonly previousShapeKey: string | null;
  /** Reads a secret; throws a CutoverError where there is none. */
  readonly secret: (reference: SecretReference) => string;
}

export function encodeCache(
  route: Route,
  cache: CacheDefinition,
  { previousShapeKey, secret }: CacheSurroundings,
): CachePolicyT {
  const shapeKey = present(shapeKeyOf(route), 'a route with a cache has a shape key');
  const encoded = new CachePolicyT(shapeKey);
  encoded.previousShapeKey = previousShapeKey === shapeKey ? null : previousShapeKey;
  encoded.methodMask = cache.methods.reduce((mask, one) => mask | (methodBits[one] ?? 0), 0);
  encoded.ttl = cache.ttl.map(({ when, ttlMs }) => new TtlRuleT(encodeCondition(when), ttlMs));
  encoded.statusTtl = cache.statusTtl.map(({ from, to, ttlMs }) => new StatusTtlT(from, to, ttlMs));
  encoded.overrideKind = cacheOverride[cache.override];
  encoded.staleWhileRevalidateMs = cache.staleWhileRevalidateMs ?? -1;
  encoded.staleIfErrorMs = cache.staleIfErrorMs ?? -1;
  encoded.negativeTtlMs = cache.negativeTtlMs ?? -1;
  encoded.body = cache.body.map(encodeBodyPath);
  encoded.vary = encodeVary(cache.vary);
  encoded.tags = cache.tags.map((tag) => encodeTemplate(tag, route.match.path));
  encoded.minUses = cache.minUses;
  encoded.bytesMax = cache.bytesMax ?? 0;
  encoded.bypass = cache.bypass.map(encodeCondition);
  encoded.noStore = cache.noStore.map(encodeCondition);
  encoded.honoursRequest = cache.requestDirectives === 'honour';
  encoded.setCookie = cacheSetCookie[cache.setCookie];
  encoded.coalesces = cache.coalesce !== 'off';
  encoded.coalescesCluster = cache.coalesce === 'cluster';
  encoded.strict = cache.strict;
  encoded.readsSecondLevel = cache.secondLevel === 'on';
  encoded.writesSecondLevel = cache.secondLevel !== 'off';
  encoded.waitMs = cache.waitMs;
  encoded.debugToken = cache.debugToken === null ? null : secret(cache.debugToken);
  return encoded;
}

function encodeCondition(condition: RequestCondition | InputCondition): CacheConditionT {
  const body = 'body' in condition ? condition.body : [];
  return new CacheConditionT(
    condition.headers.map(encodePredicate),
    condition.query.map(encodePredicate),
    condition.cookies.map(encodePredicate),
    body.map(
      ({ path, predicate }) => new BodyPredicateT(encodeBodyPath(path), encodePredicate(predicate)),
    ),
  );
}

function encodeBodyPath({ steps }: BodyPath): BodyPathT {
  return new BodyPathT(
    steps.map((step) =>
      typeof step === 'string' ? new BodyStepT(step, 0) : new BodyStepT(null, step),
    ),
  );
}

function encodeVary(vary: CacheVary): CacheVaryT {
  const { query } = vary;
  return new CacheVaryT(
    [...vary.headers],
    queryChoice[query.kind],
    query.kind === 'all' ? [] : [...query.names],
    [...vary.cookies],
    vary.consumer,
    [...vary.language],
    vary.encoding,
  );
}
