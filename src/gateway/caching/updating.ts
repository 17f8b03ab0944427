import { HeaderList } from '../header-list.ts';
import { isHopByHop } from '../hop-by-hop.ts';
import { opaqueTag, type Validators } from './conditions.ts';

/**
 * Say how the stored body is coded, cut and checked: a 304 has no body that its own would fit.
 * ETag is what found the stored response, so it is the same or that of another.
 */
const bodyFields: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-range',
  'content-md5',
  'content-digest',
  'etag',
]);

/**
 * The stored fields with those that a 304 or the answer to a HEAD brought (RFC 9111, section 3.2):
 * each field of the update replaces all stored lines of its name. A stored Date goes even if no
 * new one came: the time of the update counts from now on.
 */
export function freshen(stored: HeaderList, update: HeaderList): HeaderList {
  const replaced = new Set(update.names);
  replaced.add('date');
  const headers = new HeaderList();
  for (let i = 0; i < stored.count; i++) {
    const name = stored.names[i] as string;
    if (bodyFields.has(name) || !replaced.has(name)) headers.add(name, stored.values[i] as string);
  }
  for (let i = 0; i < update.count; i++) {
    const name = update.names[i] as string;
    if (!bodyFields.has(name) && !isHopByHop(name)) headers.add(name, update.values[i] as string);
  }
  return headers;
}

/**
 * The stored fields, ready to send, under an update: `renewed` are those of the whole response after
 * the response policies. What the update does not name stays as it is, policies included, so that
 * what they add is not added again.
 */
export function refreshed(stored: HeaderList, renewed: HeaderList, update: HeaderList): HeaderList {
  const named = new Set(update.names.filter((name) => !bodyFields.has(name)));
  const headers = new HeaderList();
  const take = (from: HeaderList, isNamed: boolean): void => {
    for (const [at, name] of from.names.entries()) {
      if (named.has(name) === isNamed) headers.add(name, from.values[at] as string);
    }
  };
  take(stored, false);
  take(renewed, true);
  headers.remove('date');
  return headers;
}

/**
 * Whether a 304 is about the stored response whose validators were sent (RFC 9111, section 4.3.4).
 * A tag that another response has must update nothing. Weak and strong count as the same here:
 * origins that compress send a weak tag with the 200 and the strong one of the file with the 304.
 */
export function confirms(entry: Validators, notModified: HeaderList): boolean {
  const etag = notModified.get('etag');
  if (etag !== undefined && entry.etag !== '') return opaqueTag(etag) === opaqueTag(entry.etag);
  const lastModified = notModified.get('last-modified');
  if (lastModified === undefined || entry.lastModified === '') return true;
  return lastModified === entry.lastModified;
}

/**
 * What the answer to a HEAD says of a stored GET (RFC 9111, section 4.3.5): `update` its fields,
 * or `replaced` when it tells of another body. `length`: bytes of the stored body;
 * `contentLength`: what the answer says of it, -1: nothing.
 */
export function judgeHead(
  entry: Validators,
  length: number,
  status: number,
  headers: HeaderList,
  contentLength: number,
): 'update' | 'replaced' | 'nothing' {
  if (status !== 200 || entry.status !== 200) return 'nothing';
  if (contentLength >= 0 && length >= 0 && contentLength !== length) return 'replaced';
  const same =
    agrees(headers.get('etag'), entry.etag) &&
    agrees(headers.get('last-modified'), entry.lastModified);
  return same ? 'update' : 'replaced';
}

function agrees(told: string | undefined, stored: string): boolean {
  return told === undefined || told === stored;
}
