import { HeaderChangesT, HeadersPolicyT, PolicyT, RouteT, TargetT } from '#generated/cutover.js';
import { present, unreachable } from '../../base/assert.ts';
import { actionKind, policyKind } from '../../memory/shape-kinds.ts';
import type { HeaderChanges, PathPattern, Policy, Route } from '../../model/definitions.ts';
import { type CacheSurroundings, encodeCache } from './encode-cache.ts';
import { encodePredicate } from './encode-predicate.ts';
import { encodeRateLimit } from './encode-rate-limit.ts';
import { encodeHeaderValue, encodeTemplate } from './encode-template.ts';
import { methodMaskOf, otherMethodsOf } from './precedence.ts';

/** `upstreamIndex` tells an upstream's place in the shape by its name. */
export function encodeRoute(
  route: Route,
  number: number,
  upstreamIndex: ReadonlyMap<string, number>,
  surroundings: CacheSurroundings,
): RouteT {
  const { match, action, cache } = route;
  const encoded = new RouteT(route.id, number, methodMaskOf(route), otherMethodsOf(route));
  encoded.headers = match.headers.map(encodePredicate);
  encoded.query = match.query.map(encodePredicate);
  encoded.policies = route.policies.map((policy) => encodePolicy(policy, match.path));
  if (cache !== null) encoded.cache = encodeCache(route, cache, surroundings);
  encoded.action = actionKind[action.kind];
  switch (action.kind) {
    case 'proxy':
      encoded.targets = action.targets.map(
        ({ upstream, weight }) =>
          new TargetT(present(upstreamIndex.get(upstream), 'a target names an upstream'), weight),
      );
      if (action.rewritePath !== null) {
        encoded.rewrite = encodeTemplate(action.rewritePath, match.path);
      }
      return encoded;
    case 'respond':
      encoded.status = action.status;
      encoded.replyHeaders = action.headers.map((one) => encodeHeaderValue(one, match.path));
      encoded.replyBody = encodeTemplate(action.body, match.path);
      return encoded;
    case 'redirect':
      encoded.status = action.status;
      encoded.location = encodeTemplate(action.location, match.path);
      return encoded;
    default:
      return unreachable(action);
  }
}

function encodePolicy(policy: Policy, path: PathPattern): PolicyT {
  const encoded = new PolicyT(policyKind[policy.kind]);
  if (policy.kind === 'rate-limit') encoded.rateLimit = encodeRateLimit(policy);
  else {
    encoded.headers = new HeadersPolicyT(
      encodeChanges(policy.request, path),
      encodeChanges(policy.response, path),
    );
  }
  return encoded;
}

function encodeChanges(changes: HeaderChanges, path: PathPattern): HeaderChangesT {
  return new HeaderChangesT(
    [...changes.remove],
    changes.set.map((one) => encodeHeaderValue(one, path)),
    changes.add.map((one) => encodeHeaderValue(one, path)),
  );
}
