import { appendStatus } from './caching/cache-status.ts';
import { notModifiedHeaders } from './caching/conditions.ts';
import { removeConsumedFields } from './caching/stored-fields.ts';
import type { Exchange } from './exchange.ts';
import { HeaderList } from './header-list.ts';
import { listedNames } from './hop-by-hop.ts';
import { prepareHead, statusText } from './response-head.ts';
import type { ParsedHead } from './upstream/response-parser.ts';

/**
 * The head of a response as the client gets it: the upstream's fields without what concerns one
 * connection, changed by the response policies. `Content-Length` and `Date` are written by
 * uWebSockets.js.
 */
export function responseHead(
  exchange: Exchange,
  head: ParsedHead,
  cacheMember: string | null,
): string {
  return prepareHead(statusText(head.status), clientFields(exchange, head, cacheMember));
}

/** The head of a 304 for a client that has what the origin sent whole. */
export function notModifiedHead(exchange: Exchange, head: ParsedHead, cacheMember: string): string {
  const fields = clientFields(exchange, head, cacheMember);
  return prepareHead(statusText(304), notModifiedHeaders(fields));
}

/** `cacheMember`: ours of Cache-Status (RFC 9211); null: the cache had no part in it. */
function clientFields(
  exchange: Exchange,
  head: ParsedHead,
  cacheMember: string | null,
): HeaderList {
  const headers = new HeaderList(head.names, head.values);
  headers.remove('date');
  const listed = head.connection === '' ? null : listedNames(head.connection);
  if (listed !== null) for (const name of listed) headers.remove(name);
  if (cacheMember !== null) {
    removeConsumedFields(headers);
    headers.set('cache-status', appendStatus(headers.joined('cache-status'), cacheMember));
  }
  const policies = exchange.plan?.responsePolicies ?? [];
  for (const policy of policies) policy.onResponse(exchange, headers);
  return headers;
}
