/**
 * Whether an object in a JSON text gives a key twice, of which `JSON.parse` keeps the last without a
 * word. One pass; a text that is no JSON gets some answer, and its error elsewhere.
 */
export function repeatsKey(text: string): boolean {
  const objects: (Set<string> | null)[] = [];
  let keyComes = false;
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at);
        const keys = objects.at(-1);
        if (keyComes && keys) {
          const key = decoded(text.slice(at, end + 1));
          if (keys.has(key)) return true;
          keys.add(key);
        }
        keyComes = false;
        at = end;
        break;
      }
      case openObject:
        objects.push(new Set());
        keyComes = true;
        break;
      case openArray:
        objects.push(null);
        keyComes = false;
        break;
      case closeObject:
      case closeArray:
        objects.pop();
        keyComes = false;
        break;
      case comma:
        keyComes = objects.at(-1) !== null;
        break;
      default:
        break;
    }
  }
  return false;
}

const quote = 0x22;
const comma = 0x2c;
const openArray = 0x5b;
const backslash = 0x5c;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;

/** The place of the closing quote, or the end of the text. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const byte = text.charCodeAt(at);
    if (byte === quote) return at;
    if (byte === backslash) at += 1;
  }
  return text.length;
}

/** Two spellings of a key are one key. */
function decoded(literal: string): string {
  if (!literal.includes('\\')) return literal;
  try {
    return JSON.stringify(JSON.parse(literal));
  } catch {
    return literal;
  }
}
