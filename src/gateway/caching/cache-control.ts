import type { HeaderList } from '../header-list.ts';
import { closingQuote, listElements } from './list-elements.ts';

/** Whether a directive is there, or the lower case names of the fields that it is limited to. */
export type FieldScope = boolean | readonly string[];

/**
 * Directives of `Cache-Control` (RFC 9111, section 5.2; RFC 5861; RFC 8246). Durations are in
 * seconds; -1: not given. What is malformed or given twice errs on the stale side: a freshness
 * or a staleness that is allowed becomes 0 or the least, what restricts counts.
 */
export interface CacheDirectives {
  readonly maxAge: number;
  readonly sMaxage: number;
  readonly noStore: boolean;
  readonly noCache: FieldScope;
  readonly private: FieldScope;
  readonly public: boolean;
  readonly mustRevalidate: boolean;
  readonly proxyRevalidate: boolean;
  readonly mustUnderstand: boolean;
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
  readonly minFresh: number;
  /** Infinity: any staleness (`max-stale` without a value). */
  readonly maxStale: number;
  readonly onlyIfCached: boolean;
  readonly noTransform: boolean;
  readonly immutable: boolean;
}

/** Directives while they are read. */
export type OpenDirectives = { -readonly [name in keyof CacheDirectives]: CacheDirectives[name] };

export function newDirectives(): OpenDirectives {
  return {
    maxAge: -1,
    sMaxage: -1,
    noStore: false,
    noCache: false,
    private: false,
    public: false,
    mustRevalidate: false,
    proxyRevalidate: false,
    mustUnderstand: false,
    staleWhileRevalidate: -1,
    staleIfError: -1,
    minFresh: -1,
    maxStale: -1,
    onlyIfCached: false,
    noTransform: false,
    immutable: false,
  };
}

/** What longer durations are cut to (RFC 9111, section 1.2.2). */
export const deltaSecondsMax = 2_147_483_648;

/** The value of a directive: its text, null when it has none, undefined when it is malformed. */
export type DirectiveValue = string | null | undefined;

/** Reads all lines of a `Cache-Control`, joined by commas. */
export function parseCacheControl(value: string | undefined): CacheDirectives {
  const directives = newDirectives();
  if (value === undefined) return directives;
  for (const element of listElements(value)) {
    const equals = element.indexOf('=');
    const name = equals < 0 ? element : element.slice(0, equals);
    // White space around the equals sign is not allowed, so it makes the value malformed.
    const given = equals < 0 ? null : plainValue(element.slice(equals + 1));
    const trimmed = name.trim();
    takeDirective(directives, trimmed.toLowerCase(), trimmed === name ? given : undefined);
  }
  return directives;
}

/** A token as it is, a quoted string without its quotes: both forms are read (section 5.2). */
function plainValue(text: string): DirectiveValue {
  if (text.charCodeAt(0) !== 0x22) return text === '' || text !== text.trim() ? undefined : text;
  if (closingQuote(text, 1, true) !== text.length - 1) return undefined;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** Adds one directive; `name` is lower case. Unknown ones are passed over (section 5.2.3). */
export function takeDirective(into: OpenDirectives, name: string, value: DirectiveValue): void {
  switch (name) {
    case 'max-age':
      into.maxAge = least(into.maxAge, seconds(value));
      return;
    case 's-maxage':
      into.sMaxage = least(into.sMaxage, seconds(value));
      return;
    case 'stale-while-revalidate':
      into.staleWhileRevalidate = least(into.staleWhileRevalidate, seconds(value));
      return;
    case 'stale-if-error':
      into.staleIfError = least(into.staleIfError, seconds(value));
      return;
    case 'max-stale':
      into.maxStale = least(
        into.maxStale,
        value === null ? Number.POSITIVE_INFINITY : seconds(value),
      );
      return;
    case 'min-fresh':
      into.minFresh = Math.max(into.minFresh, isDelta(value) ? seconds(value) : deltaSecondsMax);
      return;
    case 'no-cache':
      into.noCache = widest(into.noCache, value);
      return;
    case 'private':
      into.private = widest(into.private, value);
      return;
    default:
      takeFlag(into, name, value);
  }
}

/** What allows more counts only as it is defined, without a value; what restricts counts anyhow. */
function takeFlag(into: OpenDirectives, name: string, value: DirectiveValue): void {
  switch (name) {
    case 'no-store':
      into.noStore = true;
      return;
    case 'must-revalidate':
      into.mustRevalidate = true;
      return;
    case 'proxy-revalidate':
      into.proxyRevalidate = true;
      return;
    case 'only-if-cached':
      into.onlyIfCached = true;
      return;
    case 'no-transform':
      into.noTransform = true;
      return;
    case 'public':
      into.public ||= value === null;
      return;
    case 'must-understand':
      into.mustUnderstand ||= value === null;
      return;
    case 'immutable':
      into.immutable ||= value === null;
      return;
  }
}

function isDelta(value: DirectiveValue): value is string {
  return typeof value === 'string' && /^\d+$/.test(value);
}

function seconds(value: DirectiveValue): number {
  return isDelta(value) ? Math.min(Number(value), deltaSecondsMax) : 0;
}

function least(before: number, given: number): number {
  return before < 0 ? given : Math.min(before, given);
}

function widest(before: FieldScope, value: DirectiveValue): FieldScope {
  if (before === true || typeof value !== 'string') return true;
  const names = listElements(value.toLowerCase());
  if (names.length === 0) return true;
  return before === false ? names : [...before, ...names];
}

/**
 * What a request asks of caches; null when it says nothing (the usual case, so that the hit path
 * compares with null and no more). `Pragma: no-cache` counts where there is no `Cache-Control`
 * (RFC 9111, section 5.4).
 */
export function requestDirectives(headers: HeaderList): CacheDirectives | null {
  const control = headers.joined('cache-control');
  if (control !== undefined) return parseCacheControl(control);
  const pragma = headers.joined('pragma');
  if (pragma === undefined) return null;
  const asksAnew = listElements(pragma.toLowerCase()).includes('no-cache');
  return asksAnew ? { ...newDirectives(), noCache: true } : null;
}
