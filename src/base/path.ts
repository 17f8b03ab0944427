/**
 * Normal form of a request's path, so that the gateway and an upstream cannot read one path in two
 * ways (RFC 3986, section 6.2.2): escapes of unreserved characters are decoded, the hex digits of
 * the others are upper case. What would still be ambiguous is refused: dot segments, also between
 * escaped slashes or with parameters behind, backslashes, escaped control characters, malformed
 * escapes.
 */
export type PathProblem = 'bad-escape' | 'dot-segment' | 'backslash' | 'control';

export type NormalPath = { readonly path: string } | { readonly problem: PathProblem };

const percent = 0x25;
const slash = 0x2f;
const dot = 0x2e;
const backslash = 0x5c;

/** Whether `normalizePath` could change or refuse the path. One pass, allocates nothing. */
export function needsNormalizing(path: string): boolean {
  let before = 0;
  for (let i = 0; i < path.length; i++) {
    const byte = path.charCodeAt(i);
    if (byte === percent || byte === backslash) return true;
    if (byte === dot && before === slash) return true;
    before = byte;
  }
  return false;
}

/** The normal form of a path that begins with a slash, or why there is none. */
export function normalizePath(raw: string): NormalPath {
  let path = '';
  for (let i = 0; i < raw.length; i++) {
    const byte = raw.charCodeAt(i);
    if (byte === backslash) return { problem: 'backslash' };
    if (byte !== percent) {
      path += raw[i];
      continue;
    }
    const value = hexByte(raw, i + 1);
    if (value < 0) return { problem: 'bad-escape' };
    if (value < 0x20 || value === 0x7f) return { problem: 'control' };
    if (value === backslash) return { problem: 'backslash' };
    path += isUnreserved(value) ? String.fromCharCode(value) : raw.slice(i, i + 3).toUpperCase();
    i += 2;
  }
  return hasDotSegment(path) ? { problem: 'dot-segment' } : { path };
}

/**
 * In normal form. Some servers decode `%2F` before they cut the path at its slashes, and some take
 * what follows a `;` for parameters (RFC 3986, section 3.3) and read `..;x` as `..`.
 */
const dotSegment = /(?:\/|%2F)\.\.?(?:$|\/|%2F|;|%3B)/;

function hasDotSegment(path: string): boolean {
  return dotSegment.test(path);
}

function hexByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at));
  const low = hexDigit(text.charCodeAt(at + 1));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isUnreserved(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x5f ||
    byte === 0x7e
  );
}
