import type { HeaderList } from '../header-list.ts';
import { deltaSecondsMax } from './cache-control.ts';
import { parseHttpDate } from './http-date.ts';
import type { OriginDirectives } from './origin-directives.ts';

/** Of the time since a response was last changed, how much it is taken to stay as it is. */
const heuristicFraction = 0.1;
/** A guess serves for a day at most: it was nobody's promise. */
const heuristicMsMax = 24 * 60 * 60 * 1000;

/** When and how old a response was, by the wall clock. */
export interface AgeFacts {
  /** Corrected initial age (RFC 9111, section 4.2.3). */
  readonly ageMs: number;
  /** `Date`, or the time of the response where that is missing or malformed. */
  readonly dateMs: number;
  /** `Date` is there and well formed. */
  readonly dated: boolean;
  /** `Age` cannot be read, so that the response is older than one can tell. */
  readonly unknown: boolean;
}

export function initialAge(
  headers: HeaderList,
  requestTimeMs: number,
  responseTimeMs: number,
): AgeFacts {
  const statedMs = dateOf(headers, 'date', responseTimeMs);
  const dateMs = statedMs ?? responseTimeMs;
  const ageSeconds = statedAge(headers);
  const apparentMs = Math.max(0, responseTimeMs - dateMs);
  const delayMs = Math.max(0, responseTimeMs - requestTimeMs);
  const correctedMs = Math.max(0, ageSeconds) * 1000 + delayMs;
  const ageMs = Math.max(apparentMs, correctedMs);
  return { ageMs, dateMs, dated: statedMs !== null, unknown: ageSeconds < 0 };
}

/**
 * Seconds of `Age`, 0 where there is none; -1: it cannot be read. Of a list the first member
 * counts (RFC 9111, section 5.1); several lines are no list but a field set twice.
 */
function statedAge(headers: HeaderList): number {
  const at = headers.names.indexOf('age');
  if (at < 0) return 0;
  if (headers.names.indexOf('age', at + 1) >= 0) return -1;
  const [first = ''] = (headers.values[at] as string).split(',');
  return /^\d+$/.test(first.trim()) ? Math.min(Number(first), deltaSecondsMax) : -1;
}

/** What the origin says of a shared cache's freshness (RFC 9111, section 4.2.1); null: nothing. */
export function explicitLifetimeMs(
  { directives: { maxAge, sMaxage }, targeted }: OriginDirectives,
  headers: HeaderList,
  { dateMs, unknown }: AgeFacts,
): number | null {
  const seconds = sMaxage >= 0 ? sMaxage : maxAge;
  const byDate = seconds < 0 && !targeted && headers.has('expires');
  if (seconds < 0 && !byDate) return null;
  if (unknown) return 0;
  if (!byDate) return seconds * 1000;
  // What is malformed lies in the past (RFC 9111, section 5.3).
  const expiresMs = dateOf(headers, 'expires', dateMs);
  return expiresMs === null ? 0 : Math.max(0, expiresMs - dateMs);
}

/** A guess from how long a response had not changed (RFC 9111, section 4.2.2); 0: no ground. */
export function heuristicLifetimeMs(headers: HeaderList, { dateMs, unknown }: AgeFacts): number {
  const modifiedMs = dateOf(headers, 'last-modified', dateMs);
  if (unknown || modifiedMs === null || modifiedMs >= dateMs) return 0;
  return Math.min(Math.floor((dateMs - modifiedMs) * heuristicFraction), heuristicMsMax);
}

/** The least of the dates that a field holds on its lines; null: none, or one is malformed. */
function dateOf(headers: HeaderList, name: string, nowMs: number): number | null {
  let least: number | null = null;
  const { names, values } = headers;
  for (let at = names.indexOf(name); at >= 0; at = names.indexOf(name, at + 1)) {
    const ms = parseHttpDate((values[at] as string).trim(), nowMs);
    if (ms === null) return null;
    least = least === null ? ms : Math.min(least, ms);
  }
  return least;
}
