import { type BareItem, parseDictionary, parseList, Token } from 'structured-headers';

/** A member's value as directives need it; null: of a kind that no directive has. */
export type MemberValue = number | string | boolean | null;

/**
 * A Dictionary (RFC 9651, section 3.2) with its members' values; parameters are left out. Null:
 * it does not parse, so the field counts as absent.
 */
export function readDictionary(text: string): ReadonlyMap<string, MemberValue> | null {
  try {
    const members = new Map<string, MemberValue>();
    for (const [name, [value]] of parseDictionary(text)) {
      members.set(name, Array.isArray(value) ? null : plain(value));
    }
    return members;
  } catch {
    return null;
  }
}

/** A List of Strings (RFC 9651, section 3.1); null: it does not parse, or holds something else. */
export function readStringList(text: string): readonly string[] | null {
  try {
    const strings: string[] = [];
    for (const [value] of parseList(text)) {
      if (typeof value !== 'string') return null;
      strings.push(value);
    }
    return strings;
  } catch {
    return null;
  }
}

function plain(value: BareItem): MemberValue {
  switch (typeof value) {
    case 'number':
    case 'string':
    case 'boolean':
      return value;
    default:
      return value instanceof Token ? value.toString() : null;
  }
}
