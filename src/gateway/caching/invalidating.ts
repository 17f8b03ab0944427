import type { HeaderList } from '../header-list.ts';
import { cacheHost } from './record.ts';
import { invalidatedGroups } from './tags.ts';

/** Where a request went. */
export interface RequestUrl {
  readonly scheme: 'http' | 'https';
  /** As in Host. */
  readonly host: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
}

/** A URL whose stored responses are to go: the host as keys have it (`cacheHost`). */
export interface InvalidTarget {
  readonly host: string;
  readonly path: string;
  readonly query: string;
}

export interface Invalidation {
  readonly targets: readonly InvalidTarget[];
  /** Groups of this host (RFC 9875, section 3). */
  readonly groups: readonly string[];
}

/** Safe by the registry of methods (RFC 9110, section 16.1.1); what is unknown counts as unsafe. */
const safeMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'REPORT',
  'SEARCH',
  'QUERY',
]);

export function isSafe(method: string): boolean {
  return safeMethods.has(method);
}

/**
 * What the answer to an unsafe method makes invalid (RFC 9111, section 4.4): its target, and what
 * Location and Content-Location name, where the origin is the same, so that nobody can empty
 * another's cache. Null: nothing, as after an error.
 */
export function invalidates(
  method: string,
  status: number,
  url: RequestUrl,
  headers: HeaderList,
): Invalidation | null {
  if (isSafe(method)) return null;
  const groups = invalidatedGroups(headers);
  const targets = status >= 200 && status < 400 ? targetsOf(url, headers) : [];
  return targets.length === 0 && groups.length === 0 ? null : { targets, groups };
}

/**
 * The target is what the request said, as its key has it: URLs are parsed for what the fields name
 * alone, since parsing rewrites hosts (`127.1`) and refuses some that the door lets in.
 */
function targetsOf(
  { scheme, host, path, query }: RequestUrl,
  headers: HeaderList,
): InvalidTarget[] {
  const own = cacheHost(host);
  const targets: InvalidTarget[] = [{ host: own, path, query }];
  const base = parsedUrl(`${scheme}://${host}${path}${query === '' ? '' : `?${query}`}`);
  if (base === null) return targets;
  for (const field of ['location', 'content-location']) {
    const value = headers.get(field);
    const named = value === undefined ? null : parsedUrl(value, base.href);
    if (named === null || named.origin !== base.origin) continue;
    targets.push({ host: own, path: named.pathname, query: named.search.slice(1) });
  }
  return targets.filter((one, at) => !targets.slice(0, at).some((other) => isEqual(one, other)));
}

function parsedUrl(text: string, base?: string): URL | null {
  return URL.canParse(text, base) ? new URL(text, base) : null;
}

function isEqual(one: InvalidTarget, other: InvalidTarget): boolean {
  return one.host === other.host && one.path === other.path && one.query === other.query;
}
