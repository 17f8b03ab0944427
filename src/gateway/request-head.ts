import { hostKind } from '../memory/shape-kinds.ts';
import type { StaleStored } from './caching/stale-stored.ts';
import { checkPath, isFieldValue } from './door.ts';
import type { Exchange } from './exchange.ts';
import { isHopByHop } from './hop-by-hop.ts';
import type { Endpoint } from './upstream/endpoint.ts';
import type { UpstreamPlan } from './upstream/upstream-plan.ts';

/** Why a request cannot be passed on as it came. */
export interface HeadRefusal {
  readonly refusal: 'bad-header-value' | 'bad-target';
}

/**
 * The request line and fields of the request that goes upstream: the client's as changed by the
 * request policies, without what concerns its connection alone, with ours. Every text is checked
 * here, so nothing that a client sent can end a line.
 */
export function outgoingHead(
  exchange: Exchange,
  upstream: UpstreamPlan,
  endpoint: Endpoint,
): string | HeadRefusal {
  const { headers, worker } = exchange;
  const { names, values } = headers;
  const fill = exchange.ticket?.fill ?? null;
  const hidesDebug = (exchange.plan?.cache?.debugToken ?? null) !== null;
  const target = outgoingTarget(exchange);
  if (target === null) return { refusal: 'bad-target' };
  let head = `${exchange.method} ${target} HTTP/1.1\r\nhost: ${hostOf(exchange, upstream, endpoint)}\r\n`;
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (isWrittenAnew(name) || isHopByHop(name) || worker.forwarded.owns(name)) continue;
    if (fill !== null && isOfClientsCopy(name)) continue;
    // Its value is a secret between the client and this gateway.
    if (hidesDebug && name === 'x-cutover-debug') continue;
    const value = values[i] as string;
    if (!isFieldValue(value)) return { refusal: 'bad-header-value' };
    if (exchange.ticket === null || name !== capability) head += `${name}: ${value}\r\n`;
  }
  if (fill !== null && fill.stale !== null) head += conditionLines(fill.stale);
  if (exchange.ticket !== null) head += capabilityLine(headers.joined(capability));
  // An empty body is told of too, so that nobody waits for one.
  if (headers.contentLengthCount > 0 && !headers.hasBody) head += 'content-length: 0\r\n';
  return head + worker.forwarded.fields(exchange);
}

/** Conditions and ranges of the client's: the cache fetches the whole and weighs them itself. */
function isOfClientsCopy(name: string): boolean {
  return name.startsWith('if-') || name === 'range';
}

/** Says that Surrogate-Control is understood (Edge Architecture Specification 1.0, section 3.1). */
function capabilityLine(before: string | undefined): string {
  const others = before === undefined ? '' : `${before}, `;
  return `${capability}: ${others}cutover="Surrogate/1.0"\r\n`;
}

const capability = 'surrogate-capability';

/** Asks whether what is stored still holds (RFC 9111, section 4.3.1). */
function conditionLines({ etag, lastModified }: StaleStored): string {
  let lines = '';
  if (etag !== '') lines += `if-none-match: ${etag}\r\n`;
  if (lastModified !== '') lines += `if-modified-since: ${lastModified}\r\n`;
  return lines;
}

function isWrittenAnew(name: string): boolean {
  return name === 'host' || name === 'content-length';
}

function hostOf(exchange: Exchange, upstream: UpstreamPlan, endpoint: Endpoint): string {
  if (upstream.host === hostKind.endpoint) return endpoint.authority;
  return upstream.host === hostKind.fixed ? upstream.hostValue : exchange.headers.host;
}

/**
 * The path and query that go upstream, or null: a rewrite made something that the door would not
 * have let in, such as dot segments out of a query. A question mark from there begins no query.
 */
function outgoingTarget(exchange: Exchange): string | null {
  const rewrite = exchange.plan?.rewrite ?? null;
  let { path } = exchange;
  if (rewrite !== null) {
    path = rewrite.constant ?? rewrite.render(exchange).replaceAll('?', '%3F');
    const checked = rewrite.constant === null ? checkPath(path) : null;
    if (checked !== null && checked.code !== '') return null;
    if (checked !== null) path = checked.path;
  }
  return exchange.query === '' ? path : `${path}?${exchange.query}`;
}
