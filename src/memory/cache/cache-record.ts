/** What an entry answers: a response, the names that a response varies by, or "do not wait". */
export const entryKinds = ['response', 'vary', 'pass'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** Bits of `CacheRecord.flags`. */
export const entryFlag = {
  mustRevalidate: 1,
  noCache: 2,
  queryFiltered: 4,
  perAnswerPolicies: 8,
  hasNoCacheFields: 16,
  authorized: 32,
  incomplete: 64,
  secondLevel: 128,
} as const;

/**
 * What a worker asks to store; plain, so that it can be sent in a message. All texts are latin1,
 * one character per byte. Times are milliseconds of the monotonic clock that all threads share.
 */
export interface CacheRecord {
  readonly key: string;
  /** `vary`: head holds the names, comma separated. `pass`: hit-for-miss. */
  readonly kind: EntryKind;
  readonly status: number;
  /** Ready to send: `200 OK\r\nname: value\r\n...` without a last line end. */
  readonly head: string;
  readonly etag: string;
  readonly lastModified: string;
  /**
   * Lines `name: value` of what the origin said of caching, as far as the head has it differently
   * or not at all: a validation that does not repeat it goes by it.
   */
  readonly origin: string;
  /** Time of the response less its corrected initial age (RFC 9111, section 4.2.3). */
  readonly bornMs: number;
  readonly freshUntilMs: number;
  readonly staleWhileRevalidateUntilMs: number;
  readonly staleIfErrorUntilMs: number;
  readonly flags: number;
  /** Where the invalidation stream stood when the fetch began. */
  readonly position: number;
  /** `t:tag`, `p:host/path`, `r:route-id`, `g:host group`; none holds a line end. */
  readonly labels: readonly string[];
  /** The chosen query parameters, sorted; for busts by URL. */
  readonly query: string;
  /** -1: not known yet. */
  readonly bodyBytes: number;
}
