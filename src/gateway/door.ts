import { needsNormalizing, normalizePath } from '../base/path.ts';
import { HeaderList } from './header-list.ts';
import { isHopByHop, listedNames } from './hop-by-hop.ts';

/**
 * The strict door: what two HTTP parsers could read differently is refused before anything is
 * sent anywhere, and the connection is closed so that bytes which came along are never read as a
 * further request. Framing and line ends were checked before uWebSockets.js parsed the request
 * (native/request-guard.c); this catches what else it lets through (RFC 9112, sections 3, 5 and 6;
 * docs/architecture.md has the list).
 */
export type DoorCode =
  | 'bad-method'
  | 'bad-target'
  | 'bad-path-escape'
  | 'bad-path-dot-segment'
  | 'bad-host'
  | 'bad-header-name'
  | 'bad-header-value'
  | 'bad-content-length'
  | 'bad-transfer-encoding'
  | 'bad-expect';

/** Bits of `cacheBits`: which fields that concern caches a request has. */
export const requestBit = {
  condition: 1,
  range: 2,
  control: 4,
  authorization: 8,
  /** If-Match and If-Unmodified-Since: for the origin alone to weigh. */
  precondition: 16,
} as const;

/** What one pass over the header lines learned. */
export class RequestHeaders extends HeaderList {
  host = '';
  contentLength = '';
  hostCount = 0;
  contentLengthCount = 0;
  transferEncodingCount = 0;
  chunked = false;
  expectContinue = false;
  hasConnection = false;
  /**
   * The client wants the connection closed (RFC 9112, section 9.6), and says so in more than the one
   * word that uWebSockets.js knows.
   */
  asksClose = false;
  /** Bits of `requestBit`. */
  cacheBits = 0;
  /** The first thing that was wrong with a line, or empty. */
  problem: DoorCode | '' = '';

  override clear(): void {
    super.clear();
    this.host = '';
    this.contentLength = '';
    this.hostCount = 0;
    this.contentLengthCount = 0;
    this.transferEncodingCount = 0;
    this.chunked = false;
    this.expectContinue = false;
    this.hasConnection = false;
    this.asksClose = false;
    this.cacheBits = 0;
    this.problem = '';
  }

  /** One header line, in order. `name` is lower case already. */
  readonly line = (name: string, value: string): void => {
    this.names.push(name);
    this.values.push(value);
    switch (name.length) {
      case 0:
        this.problem ||= 'bad-header-name';
        break;
      case 1:
        // What native/request-guard.c puts in the place of a line that is wrong.
        if (name === '!') this.problem ||= value === 'v' ? 'bad-header-value' : 'bad-header-name';
        break;
      case 4:
        if (name === 'host') {
          this.host = value;
          this.hostCount += 1;
        }
        break;
      case 5:
        if (name === 'range') this.cacheBits |= requestBit.range;
        break;
      case 6:
        if (name === 'expect') this.#expect(value);
        else if (name === 'pragma') this.cacheBits |= requestBit.control;
        break;
      case 8:
        if (name === 'if-match') this.cacheBits |= requestBit.precondition;
        break;
      case 10:
        if (name === 'connection') this.#connection(value);
        break;
      case 13:
        if (name === 'if-none-match') this.cacheBits |= requestBit.condition;
        else if (name === 'cache-control') this.cacheBits |= requestBit.control;
        else if (name === 'authorization') this.cacheBits |= requestBit.authorization;
        break;
      case 14:
        if (name === 'content-length') {
          this.contentLength = value;
          this.contentLengthCount += 1;
        }
        break;
      case 17:
        if (name === 'transfer-encoding') {
          this.transferEncodingCount += 1;
          this.chunked = value === 'chunked' || value.toLowerCase() === 'chunked';
        } else if (name === 'if-modified-since') this.cacheBits |= requestBit.condition;
        break;
      case 19:
        if (name === 'if-unmodified-since') this.cacheBits |= requestBit.precondition;
        break;
      default:
        break;
    }
  };

  /**
   * What `Connection` lists ends here (RFC 9110, section 7.6.1). It goes before anything is decided:
   * a field that the upstream does not see must choose no route, no key and no policy. Framing and
   * Host stay, and what policies add under such a name is theirs. Of headers that were checked.
   */
  dropListed(): void {
    if (!this.hasConnection) return;
    const listed = listedNames(this.joined('connection') as string);
    if (listed === null) return;
    const ends = (name: string) => listed.has(name) && !isHopByHop(name) && !isKept(name);
    if (!this.names.some(ends)) return;
    const names = [...this.names];
    const values = [...this.values];
    this.clear();
    for (const [at, name] of names.entries()) {
      if (!ends(name)) this.line(name, values[at] as string);
    }
  }

  /** A list of its own with the same fields. */
  copy(): RequestHeaders {
    const copy = new RequestHeaders();
    for (const [at, name] of this.names.entries()) copy.line(name, this.values[at] as string);
    return copy;
  }

  #connection(value: string): void {
    const plain = !this.hasConnection && (value === 'close' || value === 'keep-alive');
    if (!plain && listsClose.test(value)) this.asksClose = true;
    this.hasConnection = true;
  }

  #expect(value: string): void {
    if (value.toLowerCase() === '100-continue') this.expectContinue = true;
    else this.problem ||= 'bad-expect';
  }

  /** Whether a body follows the head. */
  get hasBody(): boolean {
    return this.chunked || (this.contentLengthCount > 0 && this.contentLength !== '0');
  }
}

const listsClose = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i;

function isKept(name: string): boolean {
  return name === 'host' || name === 'content-length';
}

/** Refuses what the header lines say, or the empty string. */
export function checkHeaders(headers: RequestHeaders): DoorCode | '' {
  if (headers.problem !== '') return headers.problem;
  if (headers.hostCount !== 1 || !isHost(headers.host)) return 'bad-host';
  if (headers.contentLengthCount > 0) {
    if (headers.contentLengthCount > 1 || !isDigits(headers.contentLength)) {
      return 'bad-content-length';
    }
    if (headers.transferEncodingCount > 0) return 'bad-transfer-encoding';
  }
  if (headers.transferEncodingCount > 0) {
    if (headers.transferEncodingCount > 1 || !headers.chunked) return 'bad-transfer-encoding';
  }
  return '';
}

/**
 * Visible ASCII, space and tab. uWebSockets.js refuses other control characters itself, but it
 * drops bytes over 0x7f at the ends of a value and reads others as UTF-8, so such a value cannot
 * be passed on as it came and is refused before it is.
 */
export function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const byte = value.charCodeAt(i);
    if ((byte < 0x20 && byte !== 0x09) || byte >= 0x7f) return false;
  }
  return true;
}

/** The path to match and forward, normalised; a refusal is in `code`. */
export interface CheckedTarget {
  readonly path: string;
  readonly code: DoorCode | '';
}

/** The path in origin form; null: it may be used as it is. */
export function checkPath(path: string): CheckedTarget | null {
  if (path.charCodeAt(0) !== 0x2f || !isTargetText(path)) return refused('bad-target');
  if (!needsNormalizing(path)) return null;
  const normal = normalizePath(path);
  if ('path' in normal) return { path: normal.path, code: '' };
  switch (normal.problem) {
    case 'dot-segment':
      return refused('bad-path-dot-segment');
    case 'backslash':
      return refused(path.includes('\\') ? 'bad-target' : 'bad-path-escape');
    default:
      return refused('bad-path-escape');
  }
}

function refused(code: DoorCode): CheckedTarget {
  return { path: '', code };
}

/** Visible ASCII without `#`: what a request target may hold at most (RFC 3986, appendix A). */
export function isTargetText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if (byte <= 0x20 || byte >= 0x7f || byte === 0x23) return false;
  }
  return true;
}

const tokenBytes = tableOf(
  "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
);
const hostBytes = tableOf(
  "-._~!$&'()*+,;=0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
);
const hexBytes = tableOf('0123456789abcdefABCDEF');
const literalBytes = tableOf('0123456789abcdefABCDEF:.');

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
}

export function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (tokenBytes[text.charCodeAt(i)] !== 1) return false;
  return text.length > 0;
}

/** `uri-host [":" port]` (RFC 9110, section 7.2): no user, no path, no white space, not empty. */
export function isHost(text: string): boolean {
  const length = text.length;
  if (length === 0 || length > 259) return false;
  let at = 0;
  if (text.charCodeAt(0) === 0x5b) {
    at = 1;
    while (at < length && literalBytes[text.charCodeAt(at)] === 1) at += 1;
    if (at === 1 || text.charCodeAt(at) !== 0x5d) return false;
    at += 1;
  } else {
    for (; at < length; at += 1) {
      if (hostBytes[text.charCodeAt(at)] === 1) continue;
      if (!isEscape(text, at)) break;
      at += 2;
    }
    if (at === 0) return false;
  }
  if (at === length) return true;
  if (text.charCodeAt(at) !== 0x3a || length - at > 6 || !isDigits(text, at + 1)) return false;
  return Number(text.slice(at + 1)) <= portMax;
}

const portMax = 65_535;

/** A percent sign and two hex digits. */
function isEscape(text: string, at: number): boolean {
  return (
    text.charCodeAt(at) === 0x25 &&
    hexBytes[text.charCodeAt(at + 1)] === 1 &&
    hexBytes[text.charCodeAt(at + 2)] === 1
  );
}

function isDigits(text: string, from = 0): boolean {
  if (text.length === from || text.length - from > 15) return false;
  for (let i = from; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}
