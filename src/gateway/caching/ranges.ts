import { HeaderList } from '../header-list.ts';
import type { Validators } from './conditions.ts';
import { parseHttpDate } from './http-date.ts';

/** Bytes `from` (inclusive) `to` (exclusive). */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** `ignore`: the whole is sent (RFC 9110, section 14.2). */
export type RangeChoice = ByteRange | 'unsatisfiable' | 'ignore';

/** A last modification this much older than Date can be told from a second one in that second. */
const strongDateMs = 1000;

/**
 * One range of a body of `length` bytes (RFC 9110, section 14.1.2). Another unit, several ranges
 * and what is malformed are ignored.
 */
export function parseRange(value: string, length: number): RangeChoice {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(value);
  if (match === null) return 'ignore';
  const [, first = '', last = ''] = match;
  if (first === '') {
    if (last === '') return 'ignore';
    const count = Math.min(Number(last), length);
    return count === 0 ? 'unsatisfiable' : { from: length - count, to: length };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return 'ignore';
  if (from >= length) return 'unsatisfiable';
  return { from, to: last === '' ? length : Math.min(Number(last) + 1, length) };
}

/** The range that a GET gets of a stored whole 200, `Range` and `If-Range` weighed. */
export function chooseRange(
  method: string,
  requestHeaders: HeaderList,
  entry: Validators,
  length: number,
): RangeChoice {
  const value = requestHeaders.joined('range');
  if (value === undefined || method !== 'GET' || entry.status !== 200) return 'ignore';
  const condition = requestHeaders.get('if-range');
  if (condition !== undefined && !isSame(condition, entry)) return 'ignore';
  return parseRange(value, length);
}

/** Strong comparison (RFC 9110, section 13.1.5): bytes of two states must not be put together. */
function isSame(condition: string, { etag, lastModified, date = '' }: Validators): boolean {
  if (condition.endsWith('"')) return condition.startsWith('"') && condition === etag;
  if (condition !== lastModified) return false;
  const modifiedMs = parseHttpDate(lastModified);
  const dateMs = parseHttpDate(date);
  return modifiedMs !== null && dateMs !== null && dateMs - modifiedMs >= strongDateMs;
}

/** Fields of a 206 made from those of the whole (RFC 9110, section 15.3.7). */
export function partialHeaders(stored: HeaderList, range: ByteRange, length: number): HeaderList {
  const headers = new HeaderList([...stored.names], [...stored.values]);
  headers.remove('content-length');
  headers.set('content-range', `bytes ${range.from}-${range.to - 1}/${length}`);
  return headers;
}

/** Fields of a 416 for a body of `length` bytes (RFC 9110, section 15.5.17). */
export function unsatisfiableHeaders(length: number): HeaderList {
  return new HeaderList(['content-range'], [`bytes */${length}`]);
}
