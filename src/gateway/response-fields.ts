import type { Exchange } from './exchange.ts';
import { HeaderList } from './header-list.ts';
import { isHopByHop, listedNames } from './hop-by-hop.ts';
import { prepareHead, statusText } from './response-head.ts';

/** The head of a response as the client gets it, and the length that frames its body, or -1. */
export interface ResponseHead {
  readonly text: string;
  readonly contentLength: number;
}

/**
 * Turns the upstream's fields (names and values by turns) into the client's: without what concerns
 * one connection, changed by the response policies. `Content-Length` and `Date` are written by
 * uWebSockets.js.
 */
export function responseHead(
  exchange: Exchange,
  status: number,
  raw: readonly Buffer[],
): ResponseHead {
  const headers = new HeaderList();
  let contentLength = -1;
  let connection = '';
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = fieldName(raw[i] as Buffer);
    const value = (raw[i + 1] as Buffer).toString('latin1');
    if (name === 'content-length') contentLength = lengthOf(value);
    else if (name === 'connection') connection = value;
    else if (name !== 'date' && !isHopByHop(name)) headers.add(name, value);
  }
  const listed = connection === '' ? null : listedNames(connection);
  if (listed !== null) for (const name of listed) headers.remove(name);
  const policies = exchange.plan?.responsePolicies ?? [];
  for (const policy of policies) policy.onResponse(exchange, headers);
  return { text: prepareHead(statusText(status), headers), contentLength };
}

/** Names repeat: each spelling is put into lower case once. Bounded, since upstreams choose them. */
const names = new Map<string, string>();
const namesMax = 1024;

function fieldName(raw: Buffer): string {
  const text = raw.toString('latin1');
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = text.toLowerCase();
  if (names.size < namesMax) names.set(text, name);
  return name;
}

function lengthOf(value: string): number {
  return /^\d{1,15}$/.test(value) ? Number(value) : -1;
}
