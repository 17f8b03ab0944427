import { HeaderList } from '../header-list.ts';
import { isHopByHop, listedNames } from '../hop-by-hop.ts';
import type { FieldScope } from './cache-control.ts';

/** Fields that are meant for this cache alone; whoever comes after it must not see them. */
const consumed: readonly string[] = [
  'cutover-cache-control',
  'surrogate-control',
  'surrogate-key',
  'cache-tag',
];

/**
 * Removes the fields that this cache consumes: also to be called for answers that are not stored.
 * `CDN-Cache-Control` stays, since other such caches may lie ahead (RFC 9213, section 3.1).
 */
export function removeConsumedFields(headers: HeaderList): void {
  for (const name of consumed) headers.remove(name);
}

/** Belong to one hop's authentication (RFC 9111, section 3.1). */
function isProxyField(name: string): boolean {
  return (
    name === 'proxy-authenticate' ||
    name === 'proxy-authentication-info' ||
    name === 'proxy-authorization'
  );
}

/**
 * What is kept of a response's fields (RFC 9111, section 3.1): `scopes` are the names that
 * no-cache and private are limited to, which are left out.
 */
export function storedFields(
  headers: HeaderList,
  scopes: readonly FieldScope[],
  stripsCookies: boolean,
): HeaderList {
  const left = new Set<string>(['age', ...consumed]);
  if (stripsCookies) left.add('set-cookie');
  for (const scope of scopes)
    if (typeof scope === 'object') for (const name of scope) left.add(name);
  const connection = headers.joined('connection');
  const listed = connection === undefined ? null : listedNames(connection);
  const kept = new HeaderList();
  for (let i = 0; i < headers.count; i++) {
    const name = headers.names[i] as string;
    if (left.has(name) || isHopByHop(name) || isProxyField(name)) continue;
    if (listed?.has(name) !== true) kept.add(name, headers.values[i] as string);
  }
  return kept;
}
