import { isToken } from '../door.ts';

/** Why a request went on (RFC 9211, section 2.2). */
export type ForwardReason =
  | 'bypass'
  | 'method'
  | 'uri-miss'
  | 'vary-miss'
  | 'miss'
  | 'request'
  | 'stale'
  | 'partial';

/** What one member tells; times in ms, written as seconds. */
export interface CacheStatusFacts {
  readonly hit?: boolean;
  readonly fwd?: ForwardReason;
  readonly fwdStatus?: number;
  /** Freshness left; negative: stale for so long. */
  readonly ttlMs?: number;
  readonly stored?: boolean;
  readonly collapsed?: boolean;
  readonly key?: string;
  /** A token is written as one, other text quoted. */
  readonly detail?: string;
}

/** One member of `Cache-Status` (RFC 9211): `cutover; hit; ttl=57`. */
export function cacheStatus(facts: CacheStatusFacts): string {
  let member = 'cutover';
  if (facts.hit === true) member += '; hit';
  else if (facts.fwd !== undefined) member += `; fwd=${facts.fwd}`;
  if (facts.fwdStatus !== undefined) member += `; fwd-status=${facts.fwdStatus}`;
  if (facts.ttlMs !== undefined) member += `; ttl=${ttlSeconds(facts.ttlMs)}`;
  if (facts.stored === true) member += '; stored';
  if (facts.collapsed === true) member += '; collapsed';
  if (facts.key !== undefined) member += `; key=${quoted(facts.key)}`;
  if (facts.detail !== undefined) member += `; detail=${tokenOrQuoted(facts.detail)}`;
  return member;
}

/**
 * What is left of a response's freshness beside its Age, which is rounded down: so both together
 * are its lifetime, and it is fresh exactly while this is above 0.
 */
function ttlSeconds(ttlMs: number): number {
  return Math.ceil(ttlMs / 1000);
}

/** The usual member of a hit. */
export function hitStatus(ttlMs: number): string {
  const seconds = ttlSeconds(ttlMs);
  if (seconds !== lastHit.seconds) {
    lastHit.seconds = seconds;
    lastHit.member = `cutover; hit; ttl=${seconds}`;
  }
  return lastHit.member;
}

/** Hits that follow each other mostly say the same. */
const lastHit = { seconds: 0, member: 'cutover; hit; ttl=0' };

/** Ours after what caches nearer to the origin said (RFC 9211, section 2). */
export function appendStatus(before: string | undefined, member: string): string {
  return before === undefined || before === '' ? member : `${before}, ${member}`;
}

function tokenOrQuoted(text: string): string {
  return isToken(text) && /^[A-Za-z*]/.test(text) ? text : quoted(text);
}

/** A String (RFC 9651, section 3.3.3): what it cannot hold is written as %XX. */
function quoted(text: string): string {
  const ascii = text.replace(
    /[^\x20-\x7e]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return `"${ascii.replace(/["\\]/g, '\\$&')}"`;
}
