import { cacheQueryParameterCountMax } from '../../base/limits.ts';
import { queryChoice } from '../../memory/shape-kinds.ts';

/** Which parameters of a query stand in a key. */
export class QueryChooser {
  readonly #choice: number;
  /** As written, and those of an allow list as an origin reads them too. */
  readonly #names: ReadonlySet<string>;

  constructor(choice: number, names: readonly string[]) {
    this.#choice = choice;
    const read = names.flatMap((name) => readings(name) ?? []);
    this.#names = new Set(choice === queryChoice.allow ? [...names, ...read] : names);
  }

  /**
   * The chosen parameters of a raw query, as they stand in a key: sorted by name, those of one name
   * in the order they came, without empty ones between two `&`. Names and values stay as they are
   * written: nothing is decoded, so `%41` and `A` are two values. But an origin reads `%6cang` as
   * `lang`, so an allow list chooses it too. Null: too many to sort, or a name nobody can read.
   */
  of(query: string): string | null {
    if (this.#choice === queryChoice.all) {
      return isSorted(query) ? query : sortedQuery(query, null, true);
    }
    const wanted = this.#choice === queryChoice.allow;
    if (query === '' || (wanted && this.#names.size === 0)) return '';
    return sortedQuery(query, this.#names, wanted);
  }
}

function hasEscape(text: string): boolean {
  return text.includes('%') || text.includes('+');
}

/** What a name that is written so may be read as, where that is another; null: it has no reading. */
function readings(name: string): readonly string[] | null {
  if (!hasEscape(name)) return [];
  try {
    return [decodeURIComponent(name), decodeURIComponent(name.replaceAll('+', ' '))];
  } catch {
    return null;
  }
}

const ampersand = 0x26;
const equals = 0x3d;

/** Whether the query stands in the order of a key already. One pass, allocates nothing. */
function isSorted(query: string): boolean {
  let before = 0;
  for (let from = query.indexOf('&') + 1; from > 0; from = query.indexOf('&', from) + 1) {
    const length = query.length;
    // Behind each `&` stands a parameter whose name is not less than the one before.
    if (from === length || from - 1 === before) return false;
    if (query.charCodeAt(from) === ampersand || !isOrdered(query, before, from)) return false;
    before = from;
  }
  return true;
}

/** Whether the name at `a` is at most that at `b`, by code units. */
function isOrdered(query: string, a: number, b: number): boolean {
  for (let i = 0; ; i++) {
    const left = endsName(query, a + i) ? -1 : query.charCodeAt(a + i);
    const right = endsName(query, b + i) ? -1 : query.charCodeAt(b + i);
    if (left !== right) return left < right;
    if (left === -1) return true;
  }
}

function endsName(query: string, at: number): boolean {
  if (at >= query.length) return true;
  const byte = query.charCodeAt(at);
  return byte === ampersand || byte === equals;
}

/** `names` null: all. Else those that are (`wanted`) or are not among them. */
function sortedQuery(
  query: string,
  names: ReadonlySet<string> | null,
  wanted: boolean,
): string | null {
  const parameters = query.split('&', cacheQueryParameterCountMax + 1);
  if (parameters.length > cacheQueryParameterCountMax) return null;
  if (names !== null && wanted && hasEscape(query)) {
    if (parameters.some((one) => readings(nameOf(one)) === null)) return null;
  }
  const kept = parameters.filter(
    (one) => one !== '' && (names === null || isAmong(names, nameOf(one), wanted) === wanted),
  );
  if (kept.length > 1) kept.sort(byName);
  return kept.join('&');
}

/** A name that is to be left out of keys must be written as it is listed: to keep it is no harm. */
function isAmong(names: ReadonlySet<string>, name: string, alsoRead: boolean): boolean {
  if (names.has(name)) return true;
  return alsoRead && hasEscape(name) && readings(name)?.some((one) => names.has(one)) === true;
}

/** The sort is stable, so those of one name keep their order. */
function byName(a: string, b: string): number {
  const left = nameOf(a);
  const right = nameOf(b);
  return left === right ? 0 : left < right ? -1 : 1;
}

function nameOf(parameter: string): string {
  const end = parameter.indexOf('=');
  return end < 0 ? parameter : parameter.slice(0, end);
}
