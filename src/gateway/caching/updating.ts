import type { HeaderList } from '../header-list.ts';
import type { Validators } from './conditions.ts';

/**
 * The stored fields with those that a 304 or the answer to a HEAD brought (RFC 9111, sections 3.2,
 * 4.3.4, 4.3.5): what is of the stored body or of one connection stays as it was.
 */
export function freshen(_stored: HeaderList, _update: HeaderList): HeaderList {
  throw new Error('signature');
}

/** Whether a 304 is about the stored response (RFC 9111, section 4.3.4), by its validators. */
export function confirms(_entry: Validators, _notModified: HeaderList): boolean {
  throw new Error('signature');
}

/**
 * What the answer to a HEAD says of a stored GET (RFC 9111, section 4.3.5): `update` its fields,
 * or `replaced` when it tells of another body. `length`: bytes of the stored body.
 */
export function judgeHead(
  _entry: Validators,
  _length: number,
  _status: number,
  _headers: HeaderList,
  _contentLength: number,
): 'update' | 'replaced' | 'nothing' {
  throw new Error('signature');
}
