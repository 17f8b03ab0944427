import { acceptFieldBytesMax, acceptFieldCountMax, cacheVaryCountMax } from '../../base/limits.ts';

/** One member of an Accept-Language or Accept-Encoding field: lower case, with its weight. */
interface Weighted {
  readonly value: string;
  /** 0 to 1; 0: not acceptable. */
  readonly weight: number;
}

/**
 * Splits a field at its commas (RFC 9110, section 12.4.2). A weight that cannot be read is 0, as
 * if the member were not there; members past the limit do not count.
 */
function weightedList(field: string): Weighted[] {
  return field
    .toLowerCase()
    .split(',', cacheVaryCountMax)
    .flatMap((member) => {
      const [value = '', ...parameters] = member.split(';').map((one) => one.trim());
      if (value === '') return [];
      const q = parameters.find((one) => one.startsWith('q='))?.slice(2) ?? '1';
      return [{ value, weight: weightPattern.test(q) ? Number(q) : 0 }];
    });
}

const weightPattern = /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/;

/**
 * The listed language that fits Accept-Language best: by weight, then by the order of the field,
 * each range first as it is, then as the beginning of a listed tag (`en` takes `en-gb`), then cut
 * short (`de-at` takes `de`; RFC 4647, section 3.4). Empty: none of them, or no field.
 */
export function languageClass(field: string | undefined, listed: readonly string[]): string {
  if (field === undefined || field === '') return '';
  const ranges = weightedList(field);
  const refused = new Set(ranges.filter(({ weight }) => weight === 0).map(({ value }) => value));
  const offered = listed.filter((tag) => !refused.has(tag));
  const wanted = ranges.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight);
  for (const { value } of wanted) {
    const found = value === '*' ? offered[0] : fitting(value, offered);
    if (found !== undefined) return found;
  }
  return '';
}

function fitting(range: string, offered: readonly string[]): string | undefined {
  if (offered.includes(range)) return range;
  const narrower = offered.find((tag) => tag.startsWith(`${range}-`));
  if (narrower !== undefined) return narrower;
  for (let end = range.lastIndexOf('-'); end > 0; end = range.lastIndexOf('-', end - 1)) {
    const shorter = range.slice(0, end);
    if (offered.includes(shorter)) return shorter;
  }
  return undefined;
}

export type EncodingClass = 'br' | 'gzip' | 'identity';

/**
 * What an answer to this Accept-Encoding is best coded in, of the codings that origins use: the
 * heavier of br and gzip, br between equals, identity where neither is acceptable or where it is
 * asked for with more weight (RFC 9110, section 12.5.3).
 */
export function encodingClass(field: string | undefined): EncodingClass {
  if (field === undefined || field === '') return 'identity';
  const codings = weightedList(field);
  const weightOf = (...names: string[]): number =>
    (
      codings.find(({ value }) => names.includes(value)) ??
      codings.find(({ value }) => value === '*')
    )?.weight ?? 0;
  const br = weightOf('br');
  const gzip = weightOf('gzip', 'x-gzip');
  const identity = codings.find(({ value }) => value === 'identity')?.weight ?? 0;
  if (Math.max(br, gzip) === 0 || identity > Math.max(br, gzip)) return 'identity';
  return gzip > br ? 'gzip' : 'br';
}

/**
 * Remembers the classes of fields: clients send a few dozen different ones, and to read one costs
 * more than all the rest of a key. Past `acceptFieldCountMax` it starts anew, so nobody can fill it.
 */
export class RememberedClasses {
  readonly #known = new Map<string, string>();
  readonly #classOf: (field: string | undefined) => string;

  constructor(classOf: (field: string | undefined) => string) {
    this.#classOf = classOf;
  }

  of(field: string | undefined): string {
    if (field === undefined || field.length > acceptFieldBytesMax) return this.#classOf(field);
    let found = this.#known.get(field);
    if (found === undefined) {
      found = this.#classOf(field);
      if (this.#known.size >= acceptFieldCountMax) this.#known.clear();
      this.#known.set(field, found);
    }
    return found;
  }
}
