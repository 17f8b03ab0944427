import type { HeaderList } from '../header-list.ts';

/** What conditions are weighed against. Empty text: the response has none. */
export interface Validators {
  readonly status: number;
  readonly etag: string;
  readonly lastModified: string;
  /** The value of Date, which stands in for a missing Last-Modified. */
  readonly date?: string;
}

export type ConditionAnswer = 'full' | 'not-modified' | 'precondition-failed';

/** Weighs a GET's or HEAD's conditions against a stored response (RFC 9110, section 13.2.2). */
export function answerCondition(
  _method: string,
  _requestHeaders: HeaderList,
  _entry: Validators,
): ConditionAnswer {
  throw new Error('signature');
}

/** Whether a request carries a condition that a cache may answer, or a range. */
export function hasCondition(_requestHeaders: HeaderList): boolean {
  throw new Error('signature');
}

/**
 * Sets the fields that ask the origin whether a stored response still holds (RFC 9111, section
 * 4.3.1), and removes the client's own conditions and range. False: it has no validator.
 */
export function askOrigin(_headers: HeaderList, _entry: Validators): boolean {
  throw new Error('signature');
}

/** The fields of a 304 that is made from a stored 200 (RFC 9110, section 15.4.5). */
export function notModifiedHeaders(_stored: HeaderList): HeaderList {
  throw new Error('signature');
}
