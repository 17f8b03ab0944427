import { hostKind } from '../memory/shape-kinds.ts';
import { isFieldValue } from './door.ts';
import type { Exchange } from './exchange.ts';
import { isHopByHop, listedNames } from './hop-by-hop.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import type { UpstreamPlan } from './upstream/upstream-plan.ts';

/**
 * The header fields of the request that goes upstream, names and values by turns: the client's as
 * changed by the request policies, without what concerns its connection alone, with ours.
 * Null: a value cannot be passed on as it came.
 */
export function outgoingHeaders(
  exchange: Exchange,
  upstream: UpstreamPlan,
  endpoint: Endpoint,
): string[] | null {
  const { headers, worker } = exchange;
  const { names, values } = headers;
  const connection = headers.joined('connection');
  const listed = connection === undefined ? null : listedNames(connection);
  const into: string[] = ['host', hostOf(exchange, upstream, endpoint)];
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (name === 'host' || isHopByHop(name) || worker.forwarded.owns(name)) continue;
    if (listed?.has(name) === true && name !== 'content-length') continue;
    const value = values[i] as string;
    if (!isFieldValue(value)) return null;
    into.push(name, value);
  }
  worker.forwarded.append(exchange, into);
  return into;
}

function hostOf(exchange: Exchange, upstream: UpstreamPlan, endpoint: Endpoint): string {
  if (upstream.host === hostKind.endpoint) return endpoint.authority;
  return upstream.host === hostKind.fixed ? upstream.hostValue : exchange.headers.host;
}

/** The path and query that go upstream. */
export function outgoingTarget(exchange: Exchange): string {
  const rewrite = exchange.plan?.rewrite ?? null;
  const path = rewrite === null ? exchange.path : (rewrite.constant ?? rewrite.render(exchange));
  return exchange.query === '' ? path : `${path}?${exchange.query}`;
}
