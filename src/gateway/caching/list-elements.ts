/**
 * The elements of a comma separated field value (RFC 9110, section 5.6.1), trimmed, empty ones
 * left out. A comma inside a quoted string separates nothing; a quote that is never closed counts
 * as an ordinary character, so that what follows it is still seen. `escapes`: whether a backslash
 * takes the next character out of its meaning, as in a quoted string, but not in an entity tag.
 */
export function listElements(value: string, escapes = true): string[] {
  const elements: string[] = [];
  let from = 0;
  for (let at = 0; at <= value.length; at++) {
    const code = at === value.length ? comma : value.charCodeAt(at);
    if (code === quote) {
      const close = closingQuote(value, at + 1, escapes);
      if (close > 0) at = close;
    } else if (code === comma) {
      const element = value.slice(from, at).trim();
      if (element !== '') elements.push(element);
      from = at + 1;
    }
  }
  return elements;
}

/** Where the quoted string ends that began before `from`; -1: nowhere. */
export function closingQuote(value: string, from: number, escapes: boolean): number {
  for (let at = from; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === quote) return at;
    if (escapes && code === backslash) at += 1;
  }
  return -1;
}

const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;
