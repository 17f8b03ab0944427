import type { HeaderList } from '../header-list.ts';
import type { Validators } from './conditions.ts';

/** Bytes `from` (inclusive) `to` (exclusive). */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** One range of a body of `length` bytes; what is malformed, of another unit, or several: ignore. */
export function parseRange(_value: string, _length: number): ByteRange | 'unsatisfiable' | 'ignore' {
  throw new Error('signature');
}

/** The range that a request gets of a stored whole 200, `Range` and `If-Range` weighed. */
export function chooseRange(
  _method: string,
  _requestHeaders: HeaderList,
  _entry: Validators,
  _length: number,
): ByteRange | 'unsatisfiable' | 'ignore' {
  throw new Error('signature');
}

/** Fields of a 206 made from those of the whole: with Content-Range. */
export function partialHeaders(_stored: HeaderList, _range: ByteRange, _length: number): HeaderList {
  throw new Error('signature');
}

/** Fields of a 416 for a body of `length` bytes. */
export function unsatisfiableHeaders(_length: number): HeaderList {
  throw new Error('signature');
}
