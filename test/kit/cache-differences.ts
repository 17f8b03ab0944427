import { parseCacheControl } from '../../src/gateway/caching/cache-control.ts';
import { parseHttpDate } from '../../src/gateway/caching/http-date.ts';
import { normaliseSelecting } from '../../src/gateway/caching/vary.ts';
import { type CacheCase, type CacheOutcome, oracleOutcome, ourOutcome } from './cache-case.ts';

/**
 * Why Cutover and http-cache-semantics may differ. `cause` takes out of a case what makes them
 * differ, or returns null where it is not there; with the cause gone, they must agree. `ours`:
 * whether we answer from the store more or less often for it.
 */
export interface Difference {
  readonly id: string;
  readonly ours: 'more' | 'less' | 'either';
  cause(one: CacheCase, ours: CacheOutcome): CacheCase | null;
}

/** Rows of the table in docs/http-caching.md, by id. */
export const differences: readonly Difference[] = [
  { id: 'must-revalidate', ours: 'more', cause: (one) => withoutDirective(one, 'must-revalidate') },
  {
    id: 'proxy-revalidate',
    ours: 'either',
    cause: (one) => withoutDirective(one, 'proxy-revalidate'),
  },
  { id: 'field-lists', ours: 'more', cause: withoutFieldLists },
  { id: 'must-understand', ours: 'more', cause: (one) => withoutDirective(one, 'must-understand') },
  { id: 'immutable', ours: 'less', cause: (one) => withoutDirective(one, 'immutable') },
  { id: 'directive-syntax', ours: 'either', cause: withPlainDirectives },
  { id: 'no-cache-stale', ours: 'less', cause: withoutStaleNoCache },
  { id: 's-maxage-max-stale', ours: 'less', cause: withoutMaxStaleOfShared },
  {
    id: 'statuses',
    ours: 'more',
    cause: (one) => (isCommon(one.status) ? null : { ...one, status: 200 }),
  },
  { id: 'date-age', ours: 'less', cause: withDateOfNow },
  { id: 'heuristic-day', ours: 'less', cause: withinDay },
  {
    id: 'age-syntax',
    ours: 'less',
    cause: (one) => (isAge(one.age) ? null : { ...one, age: null }),
  },
  { id: 'date-syntax', ours: 'less', cause: withDates },
  {
    id: 'set-cookie',
    ours: 'less',
    cause: (one) => (one.setCookie ? { ...one, setCookie: false } : null),
  },
  {
    id: 'response-pragma',
    ours: 'more',
    cause: (one) => (one.pragma === null ? null : { ...one, pragma: null }),
  },
  { id: 'request-pragma', ours: 'more', cause: withoutIdlePragma },
  { id: 'request-max-age-0', ours: 'less', cause: withoutMaxAgeZero },
  { id: 'vary-normal', ours: 'more', cause: withEqualSelecting },
  {
    id: 'head',
    ours: 'less',
    cause: (one) => (one.method === 'HEAD' ? { ...one, method: 'GET' } : null),
  },
  {
    id: 'targeted',
    ours: 'either',
    cause: (one) => (one.cdnControl === null ? null : { ...one, cdnControl: null }),
  },
  { id: 'max-stale-edge', ours: 'more', cause: withoutMaxStaleEdge },
  {
    id: 'vary-star',
    ours: 'less',
    cause: (one) => (one.vary === '*' ? { ...one, vary: null, askControl: ['no-cache'] } : null),
  },
  { id: 'of-no-use', ours: 'less', cause: withUse },
];

function nameOf(directive: string): string {
  return directive.toLowerCase().split('=')[0] ?? '';
}

function withoutDirective(one: CacheCase, name: string): CacheCase | null {
  const control = one.control.filter((directive) => nameOf(directive) !== name);
  return control.length === one.control.length ? null : { ...one, control };
}

function withoutFieldLists(one: CacheCase): CacheCase | null {
  const control = one.control.filter((directive) => !/^(no-cache|private)=/i.test(directive));
  return control.length === one.control.length ? null : { ...one, control };
}

/** Each directive once, in the form that both read alike, with the value that we read. */
function withPlainDirectives(one: CacheCase): CacheCase | null {
  const read = parseCacheControl(one.control.join(', '));
  const control: string[] = [];
  const seconds = {
    'max-age': read.maxAge,
    's-maxage': read.sMaxage,
    'stale-while-revalidate': read.staleWhileRevalidate,
  };
  for (const [name, value] of Object.entries(seconds))
    if (value >= 0) control.push(`${name}=${value}`);
  const kept = /^(max-age|s-maxage|stale-while-revalidate|.*[A-Z].*)(\s|=|$)/;
  control.push(...one.control.filter((directive) => !kept.test(directive)));
  for (const directive of one.control) {
    if (/[A-Z]/.test(directive) && !/=/.test(directive)) control.push(directive.toLowerCase());
  }
  const same = [...control].sort().join() === [...one.control].sort().join();
  return same ? null : { ...one, control };
}

function asksStale(directive: string): boolean {
  return nameOf(directive) === 'max-stale';
}

function withoutStaleNoCache(one: CacheCase): CacheCase | null {
  if (!one.control.some((directive) => nameOf(directive) === 'no-cache')) return null;
  const askControl = one.askControl.filter((directive) => !asksStale(directive));
  const control = one.control.filter((directive) => nameOf(directive) !== 'stale-while-revalidate');
  const same = askControl.length === one.askControl.length && control.length === one.control.length;
  return same ? null : { ...one, askControl, control };
}

function withoutMaxStale(one: CacheCase): CacheCase | null {
  const askControl = one.askControl.filter((directive) => !asksStale(directive));
  return askControl.length === one.askControl.length ? null : { ...one, askControl };
}

function withoutMaxStaleOfShared(one: CacheCase): CacheCase | null {
  const shared = one.control.some((directive) => nameOf(directive) === 's-maxage');
  return shared ? withoutMaxStale(one) : null;
}

/** Staleness that is exactly what max-stale says: one second later both must refuse it. */
function withoutMaxStaleEdge(one: CacheCase): CacheCase | null {
  if (!one.askControl.some(asksStale)) return null;
  const later = { ...one, elapsed: one.elapsed + 1 };
  return ourOutcome(later).answer === ourOutcome(one).answer ? null : later;
}

/** Statuses that http-cache-semantics stores, and 206, which neither does. */
function isCommon(status: number): boolean {
  return [200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501].includes(
    status,
  );
}

function withDateOfNow(one: CacheCase): CacheCase | null {
  const { date } = one;
  if (date === null || date >= 0) return null;
  const shifted = (at: number | string | null) => (typeof at === 'number' ? at - date : at);
  return {
    ...one,
    date: 0,
    expires: shifted(one.expires),
    lastModified: shifted(one.lastModified),
  };
}

const tenDays = 10 * 86_400;

function withinDay(one: CacheCase): CacheCase | null {
  const oldest = (one.date ?? 0) - tenDays;
  if (typeof one.lastModified !== 'number' || one.lastModified >= oldest) return null;
  return { ...one, lastModified: oldest };
}

function isAge(age: string | null): boolean {
  return age === null || /^\d+$/.test(age);
}

function withDates(one: CacheCase): CacheCase | null {
  const isDate = (at: number | string | null) =>
    typeof at !== 'string' || parseHttpDate(at) !== null;
  if (isDate(one.expires) && isDate(one.lastModified)) return null;
  return {
    ...one,
    expires: isDate(one.expires) ? one.expires : '0 is no date',
    lastModified: isDate(one.lastModified) ? one.lastModified : null,
  };
}

function withoutIdlePragma(one: CacheCase): CacheCase | null {
  return one.askPragma === null || one.askControl.length === 0 ? null : { ...one, askPragma: null };
}

function withoutMaxAgeZero(one: CacheCase): CacheCase | null {
  if (!one.askControl.includes('max-age=0')) return null;
  return { ...one, askControl: [...one.askControl, 'no-cache'] };
}

function withEqualSelecting(one: CacheCase): CacheCase | null {
  const [first, second] = one.selecting;
  if (first === second) return null;
  const normal = (text: string) => normaliseSelecting('accept-language', text);
  return normal(first) === normal(second) ? { ...one, selecting: [first, first] } : null;
}

/** What can neither be reused nor validated we do not keep: with a validator we do. */
function withUse(one: CacheCase, ours: CacheOutcome): CacheCase | null {
  switch (ours.reason) {
    case 'stale':
    case 'no-cache':
      // A POST cannot be validated, so it is of use only while it is fresh.
      return one.method === 'POST' ? { ...one, method: 'GET', etag: true } : { ...one, etag: true };
    case 'no-freshness':
      return {
        ...one,
        control: [...one.control, 'max-age=1'],
        elapsed: one.elapsed + 1,
        etag: true,
      };
    default:
      return null;
  }
}

export function agree(one: CacheCase): boolean {
  const ours = ourOutcome(one);
  const oracle = oracleOutcome(one);
  return ours.stored === oracle.stored && ours.answer === oracle.answer;
}

/** Differences whose cause is in a case. */
export function causesIn(one: CacheCase): readonly Difference[] {
  const ours = ourOutcome(one);
  return differences.filter((difference) => difference.cause(one, ours) !== null);
}

const causesMax = 6;

/**
 * The fewest differences that together explain a case; null: none do. Taking one cause out may
 * lay another bare, so each is looked for in what those before it left.
 */
export function explain(one: CacheCase): readonly Difference[] | null {
  let open = new Map<
    string,
    { readonly rest: CacheCase; readonly causes: readonly Difference[] }
  >();
  open.set('', { rest: one, causes: [] });
  for (let count = 0; count <= causesMax; count++) {
    const next: typeof open = new Map();
    for (const { rest, causes } of open.values()) {
      if (agree(rest)) return causes;
      const ours = ourOutcome(rest);
      for (const difference of differences) {
        const without = causes.includes(difference) ? null : difference.cause(rest, ours);
        if (without !== null) {
          next.set(JSON.stringify(without), { rest: without, causes: [...causes, difference] });
        }
      }
    }
    open = next;
  }
  return null;
}
