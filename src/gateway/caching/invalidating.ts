import type { HeaderList } from '../header-list.ts';

/** Where a request went. */
export interface RequestUrl {
  readonly scheme: 'http' | 'https';
  /** As in Host. */
  readonly host: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
}

/** A URL whose stored responses are to go: host lower case without default port. */
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

/** What the answer to an unsafe method makes invalid (RFC 9111, section 4.4); null: nothing. */
export function invalidates(
  _method: string,
  _status: number,
  _url: RequestUrl,
  _headers: HeaderList,
): Invalidation | null {
  throw new Error('signature');
}
