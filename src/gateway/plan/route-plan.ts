import type { RouteT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import { actionKind, policyKind } from '../../memory/shape-kinds.ts';
import { decodePolicy, type PolicyRunner } from '../policies/policy.ts';
import { decodeRateLimits, type RateLimits } from '../policies/rate-limit.ts';
import { CachePlan } from './cache-plan.ts';
import { HeaderPredicate, type Predicate, QueryPredicate } from './predicates.ts';
import { ReplyPlan } from './reply-plan.ts';
import { TargetPlan } from './targets.ts';
import { decodeTemplate, type TemplateRunner, textOf } from './template.ts';

/** A route as a worker runs it: decoded from its bytes when its first exchange comes. */
export interface RoutePlan {
  readonly id: string;
  /** Identity across generations; the key of its series. */
  readonly number: number;
  readonly predicates: readonly Predicate[];
  readonly otherMethods: readonly string[];
  /** Null: anybody may ask as often as they like. */
  readonly rateLimits: RateLimits | null;
  readonly requestPolicies: readonly PolicyRunner[];
  readonly responsePolicies: readonly PolicyRunner[];
  /** The local reply of `respond` and `redirect` routes; null: the request goes upstream. */
  readonly reply: ReplyPlan | null;
  readonly targets: TargetPlan;
  readonly rewrite: TemplateRunner | null;
  /** Null: never cached. */
  readonly cache: CachePlan | null;
}

export function decodeRoute(route: RouteT): RoutePlan {
  const policies = route.policies
    .filter(({ kind }) => kind !== policyKind['rate-limit'])
    .map(decodePolicy);
  const responsePolicies = policies.filter(({ changesResponse }) => changesResponse);
  return {
    id: textOf(route.id),
    number: route.number,
    predicates: [
      ...route.headers.map((one) => new HeaderPredicate(one)),
      ...route.query.map((one) => new QueryPredicate(one)),
    ],
    otherMethods: route.otherMethods.map((method) => textOf(method)),
    rateLimits: decodeRateLimits(route.policies),
    requestPolicies: policies.filter(({ changesRequest }) => changesRequest),
    responsePolicies,
    reply: route.action === actionKind.proxy ? null : new ReplyPlan(route, responsePolicies),
    targets: new TargetPlan(route.targets),
    rewrite: route.rewrite === null ? null : decodeTemplate(present(route.rewrite, 'a rewrite')),
    cache: route.cache === null ? null : new CachePlan(route.cache, responsePolicies),
  };
}
