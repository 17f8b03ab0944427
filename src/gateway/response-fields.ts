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
export function responseHead(exchange: Exchange, head: ParsedHead): string {
  const headers = new HeaderList(head.names, head.values);
  headers.remove('date');
  const listed = head.connection === '' ? null : listedNames(head.connection);
  if (listed !== null) for (const name of listed) headers.remove(name);
  const policies = exchange.plan?.responsePolicies ?? [];
  for (const policy of policies) policy.onResponse(exchange, headers);
  return prepareHead(statusText(head.status), headers);
}
