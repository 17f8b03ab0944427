import { isAscii } from 'node:buffer';
import { cacheBodyDepthMax } from '../../base/limits.ts';

/**
 * A JSON value that is read for its place in a cache key. Equal values have equal canonical texts;
 * what two readers could take for two values is no value at all: members named twice, and bytes
 * that are not UTF-8. Numbers keep their digits where a double would lose some, so that two ids of
 * 19 digits are never one.
 */
export type JsonValue =
  | { readonly kind: 'object'; readonly members: ReadonlyMap<string, JsonValue> }
  | { readonly kind: 'array'; readonly items: readonly JsonValue[] }
  | { readonly kind: 'string'; readonly text: string }
  /** A number, true, false or null, in its canonical text. */
  | { readonly kind: 'plain'; readonly text: string };

/** Null: it is no JSON (RFC 8259), is ambiguous, or lies deeper than cacheBodyDepthMax. */
export function readJson(bytes: Buffer): JsonValue | null {
  const text = textOf(bytes);
  if (text === null) return null;
  const reader = new JsonReader(text);
  const value = reader.value(0);
  return value !== null && reader.isAtEnd() ? value : null;
}

/** Most bodies are ASCII, which costs a tenth of a strict decoding. */
function textOf(bytes: Buffer): string | null {
  if (isAscii(bytes)) return bytes.toString('latin1');
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The value at a path, or undefined. */
export function valueAt(
  root: JsonValue,
  steps: readonly (string | number)[],
): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const step of steps) {
    if (typeof step === 'string') {
      value = value.kind === 'object' ? value.members.get(step) : undefined;
    } else {
      value = value.kind === 'array' ? value.items[step] : undefined;
    }
    if (value === undefined) return undefined;
  }
  return value;
}

/** JSON without white space, members sorted by name. */
export function canonicalText(value: JsonValue): string {
  switch (value.kind) {
    case 'plain':
      return value.text;
    case 'string':
      return JSON.stringify(value.text);
    case 'array':
      return `[${value.items.map(canonicalText).join(',')}]`;
    default:
      return `{${[...value.members]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, member]) => `${JSON.stringify(name)}:${canonicalText(member)}`)
        .join(',')}}`;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a string may not hold
const escaped = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const plain = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const quote = 0x22;
const backslash = 0x5c;
const space = 0x20;

class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#skip();
    return this.#at === this.#text.length;
  }

  value(depth: number): JsonValue | null {
    if (depth > cacheBodyDepthMax) return null;
    this.#skip();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"': {
        const text = this.#string();
        return text === null ? null : { kind: 'string', text };
      }
      default: {
        const text = this.#token(plain);
        return text === null ? null : { kind: 'plain', text: canonicalNumber(text) };
      }
    }
  }

  #object(depth: number): JsonValue | null {
    const members = new Map<string, JsonValue>();
    this.#at += 1;
    if (this.#takes('}')) return { kind: 'object', members };
    for (;;) {
      this.#skip();
      const name = this.#string();
      if (name === null || members.has(name) || !this.#takes(':')) return null;
      const member = this.value(depth + 1);
      if (member === null) return null;
      members.set(name, member);
      if (this.#takes('}')) return { kind: 'object', members };
      if (!this.#takes(',')) return null;
    }
  }

  #array(depth: number): JsonValue | null {
    const items: JsonValue[] = [];
    this.#at += 1;
    if (this.#takes(']')) return { kind: 'array', items };
    for (;;) {
      const item = this.value(depth + 1);
      if (item === null) return null;
      items.push(item);
      if (this.#takes(']')) return { kind: 'array', items };
      if (!this.#takes(',')) return null;
    }
  }

  #string(): string | null {
    const text = this.#text;
    const from = this.#at;
    if (text.charCodeAt(from) !== quote) return null;
    for (let at = from + 1; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (unit === quote) {
        this.#at = at + 1;
        return text.slice(from + 1, at);
      }
      if (unit === backslash) break;
      if (unit < space) return null;
    }
    const token = this.#token(escaped);
    return token === null ? null : (JSON.parse(token) as string);
  }

  #token(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at = pattern.lastIndex;
    return found[0];
  }

  #takes(character: string): boolean {
    this.#skip();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  /** White space (RFC 8259, section 2): space, tab, line feed, carriage return. */
  #skip(): void {
    for (; ; this.#at++) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== space && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
    }
  }
}

/** Decimal digits that any double of ordinary size keeps (IEEE 754 binary64). */
const digitsKept = 15;
const ordinaryMin = 1e-300;
const shortInteger = /^(?:0|-?[1-9]\d{0,14})$/;

function canonicalNumber(text: string): string {
  if (shortInteger.test(text)) return text;
  const value = Number(text);
  if (Number.isNaN(value)) return text;
  const digits = text
    .replace(/[eE].*$/, '')
    .replace(/\D/g, '')
    .replace(/^0+/, '');
  if (digits === '') return '0';
  const kept = digits.length <= digitsKept && Math.abs(value) >= ordinaryMin;
  return kept && Number.isFinite(value) ? String(value) : text;
}
