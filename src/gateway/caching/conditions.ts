import { HeaderList } from '../header-list.ts';
import { parseHttpDate } from './http-date.ts';
import { listElements } from './list-elements.ts';

/** What conditions are weighed against. Empty text: the response has none. */
export interface Validators {
  readonly status: number;
  readonly etag: string;
  readonly lastModified: string;
  /** The value of Date: stands in for a missing Last-Modified, and tells how strong one is. */
  readonly date?: string;
}

/** `forward`: the condition is one that only an origin may weigh, so the request goes there. */
export type ConditionAnswer = 'full' | 'not-modified' | 'forward';

/**
 * Weighs a request's conditions against a stored response (RFC 9111, section 4.3.2; RFC 9110,
 * section 13.2.2). If-Match and If-Unmodified-Since are for origins alone.
 */
export function answerCondition(
  method: string,
  requestHeaders: HeaderList,
  entry: Validators,
): ConditionAnswer {
  if (method !== 'GET' && method !== 'HEAD') return 'full';
  if (requestHeaders.has('if-match') || requestHeaders.has('if-unmodified-since')) return 'forward';
  // Conditions are about responses that would be successful (RFC 9110, section 13.2.1).
  if (entry.status < 200 || entry.status > 299) return 'full';
  const noneMatch = requestHeaders.joined('if-none-match');
  if (noneMatch !== undefined) return listsTag(noneMatch, entry.etag) ? 'not-modified' : 'full';
  const since = requestHeaders.get('if-modified-since');
  return since !== undefined && isUnmodified(since, entry) ? 'not-modified' : 'full';
}

/** Weak comparison (RFC 9110, section 8.8.3.2) with each tag of the list. */
function listsTag(list: string, etag: string): boolean {
  if (list === '*') return true;
  if (etag === '') return false;
  if (list === etag) return true;
  const opaque = opaqueTag(etag);
  return listElements(list, false).some((tag) => opaqueTag(tag) === opaque);
}

/** An entity tag without the mark of a weak one. */
export function opaqueTag(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag;
}

function isUnmodified(since: string, { lastModified, date }: Validators): boolean {
  const stored = lastModified === '' ? (date ?? '') : lastModified;
  if (stored === '') return false;
  if (stored === since) return true;
  const sinceMs = parseHttpDate(since);
  const storedMs = parseHttpDate(stored);
  return sinceMs !== null && storedMs !== null && storedMs <= sinceMs;
}

/** Whether a request carries a condition or a range: the rare case on the hit path. */
export function hasCondition(requestHeaders: HeaderList): boolean {
  for (const name of requestHeaders.names) {
    if (name === 'range' || name.startsWith('if-')) return true;
  }
  return false;
}

/**
 * Sets the fields that ask the origin whether a stored response still holds (RFC 9111, section
 * 4.3.1), and removes the client's own conditions and range. False: it has no validator.
 */
export function askOrigin(headers: HeaderList, entry: Validators): boolean {
  for (const name of conditionNames) headers.remove(name);
  if (entry.etag !== '') headers.set('if-none-match', entry.etag);
  if (entry.lastModified !== '') headers.set('if-modified-since', entry.lastModified);
  return entry.etag !== '' || entry.lastModified !== '';
}

const conditionNames: readonly string[] = [
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'range',
];

/**
 * The fields of a 304 that is made from a stored response: without those that describe a body
 * (RFC 9110, section 15.4.5). Last-Modified stays where there is no ETag to go by.
 */
export function notModifiedHeaders(stored: HeaderList): HeaderList {
  const kept = new HeaderList();
  const hasTag = stored.has('etag');
  for (let i = 0; i < stored.count; i++) {
    const name = stored.names[i] as string;
    if (bodyFields.has(name) || (hasTag && name === 'last-modified')) continue;
    kept.add(name, stored.values[i] as string);
  }
  return kept;
}

const bodyFields: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'content-language',
  'content-range',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
]);
