import type { HeaderList } from '../header-list.ts';
import {
  type CacheDirectives,
  newDirectives,
  parseCacheControl,
  takeDirective,
} from './cache-control.ts';
import { listElements } from './list-elements.ts';
import { type MemberValue, readDictionary } from './structured-field.ts';

/** What an origin says of caching, and whether in a field that is meant for caches like this. */
export interface OriginDirectives {
  readonly directives: CacheDirectives;
  /** `Expires` and `Cache-Control` do not count beside a targeted field. */
  readonly targeted: boolean;
}

/** The target list, nearest first (RFC 9213, section 2.2). */
const targetedFields: readonly string[] = ['cutover-cache-control', 'cdn-cache-control'];

/** The device token that `Surrogate-Control` may aim at. */
const surrogateName = 'cutover';

/**
 * The first that is there and valid of the targeted fields, `Surrogate-Control`, `Cache-Control`.
 */
export function originDirectives(headers: HeaderList): OriginDirectives {
  for (const field of targetedFields) {
    const value = headers.joined(field);
    const directives = value === undefined ? null : targetedDirectives(value);
    if (directives !== null) return { directives, targeted: true };
  }
  const surrogate = headers.joined('surrogate-control');
  const directives = surrogate === undefined ? null : surrogateDirectives(surrogate);
  if (directives !== null) return { directives, targeted: true };
  return { directives: parseCacheControl(headers.joined('cache-control')), targeted: false };
}

/** Directives as members of a Dictionary; null: empty or malformed, so it counts as absent. */
function targetedDirectives(value: string): CacheDirectives | null {
  const members = readDictionary(value);
  if (members === null || members.size === 0) return null;
  const directives = newDirectives();
  for (const [name, member] of members) {
    if (member === false) continue;
    takeDirective(directives, name, directiveValue(name, member));
  }
  return directives;
}

/** Durations are Integers, lists of names Strings or Tokens; what has another type is malformed. */
function directiveValue(name: string, member: MemberValue): string | null | undefined {
  if (member === true) return null;
  if (typeof member === 'number') return Number.isInteger(member) ? String(member) : undefined;
  return typeof member === 'string' && namesFields(name) ? member : undefined;
}

function namesFields(directive: string): boolean {
  return directive === 'no-cache' || directive === 'private';
}

/**
 * `Surrogate-Control` (Edge Architecture Specification 1.0): `max-age=600+30;cutover`, where +30
 * is how long it may be served stale, and `;cutover` aims it at this cache. Null: it holds nothing
 * that is for us and about caching.
 */
function surrogateDirectives(value: string): CacheDirectives | null {
  const directives = newDirectives();
  for (const element of listElements(value)) {
    const [directive = '', ...targets] = element.split(';');
    if (targets.length > 0 && !targets.some((one) => one.trim() === surrogateName)) continue;
    const [name = '', given] = directive.split('=', 2);
    const [fresh, stale] = given?.split('+', 2) ?? [];
    takeDirective(directives, name.trim().toLowerCase(), given === undefined ? null : fresh);
    if (stale !== undefined) takeDirective(directives, 'stale-while-revalidate', stale);
  }
  return directives.maxAge >= 0 || directives.noStore ? directives : null;
}
