import { balanceKind } from '../memory/shape-kinds.ts';
import type { Exchange } from './exchange.ts';
import { cookieValue } from './plan/template.ts';
import { hashText } from './upstream/consistent-hash.ts';
import { needsHash, type UpstreamPlan } from './upstream/upstream-plan.ts';

/** The hash that consistent hashing goes by; a request without the field goes by its address. */
export function hashInput(exchange: Exchange, upstream: UpstreamPlan): number {
  if (!needsHash(upstream.balance)) return 0;
  return hashText(fieldOf(exchange, upstream) ?? exchange.clientIp());
}

function fieldOf({ headers }: Exchange, upstream: UpstreamPlan): string | undefined {
  switch (upstream.balance) {
    case balanceKind.hashHeader:
      return headers.get(upstream.hashName);
    case balanceKind.hashCookie:
      return cookieValue(headers.joined('cookie'), upstream.hashName);
    default:
      return undefined;
  }
}
