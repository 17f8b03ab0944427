import { hash } from 'node:crypto';
import type { CachePolicyT, CacheVaryT } from '#generated/cutover.js';
import { cacheKeyBytesMax, keyBodyBytesMax } from '../../base/limits.ts';
import { isFieldValue } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import { encodingClass, languageClass, RememberedClasses } from './accept-class.ts';
import { decodeSteps } from './body-steps.ts';
import { QueryChooser } from './cache-query.ts';
import { canonicalText, readJson, valueAt } from './json-value.ts';
import { cookieValue, textOf } from './template.ts';

/**
 * What a route makes keys of (docs/definitions-cache.md, "The key"). A key is lines: shape key, G
 * or P, host, path, query, then one line for each thing that the route varies by. No part can hold
 * a line end, so no two keys are spelled alike.
 */
export class KeyPlan {
  readonly query: QueryChooser;
  readonly #beginning: string;
  readonly #beginningOfPost: string;
  readonly #variant: VariantPlan | null;
  readonly #bodyFields: readonly (readonly (string | number)[])[];

  constructor(cache: CachePolicyT, vary: CacheVaryT) {
    const shapeKey = textOf(cache.shapeKey);
    this.#beginning = `${shapeKey}\nG\n`;
    this.#beginningOfPost = `${shapeKey}\nP\n`;
    this.query = new QueryChooser(
      vary.query,
      vary.queryNames.map((name) => textOf(name)),
    );
    const variant = new VariantPlan(vary);
    this.#variant = variant.isEmpty ? null : variant;
    this.#bodyFields = cache.body.map(decodeSteps);
  }

  /** Null: the exchange has no key. */
  text(exchange: Exchange, body: Buffer | null): string | null {
    const chosen = this.query.of(exchange.query);
    if (chosen === null) return null;
    const posts = exchange.method === 'POST';
    let text = `${posts ? this.#beginningOfPost : this.#beginning}${hostInKey(exchange.headers.host)}\n${exchange.path}\n${chosen}`;
    if (this.#variant !== null) {
      const lines = this.#variant.lines(exchange);
      if (lines === null) return null;
      text += lines;
    }
    if (posts) {
      const line = body === null ? null : digestLine(body, this.#bodyFields);
      if (line === null) return null;
      text += line;
    }
    return text.length <= cacheKeyBytesMax ? text : null;
  }
}

/** Lower case, without the port that `http` means anyway. */
function hostInKey(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(':80') ? lower.slice(0, -3) : lower;
}

/** The lines of all that varies, each with its line end in front. */
class VariantPlan {
  readonly #headers: readonly string[];
  readonly #cookies: readonly string[];
  readonly #consumer: boolean;
  readonly #language: RememberedClasses | null;
  readonly #encoding: RememberedClasses | null;

  constructor(vary: CacheVaryT) {
    const languages = vary.languages.map((tag) => textOf(tag));
    this.#headers = vary.headers.map((name) => textOf(name));
    this.#cookies = vary.cookies.map((name) => textOf(name));
    this.#consumer = vary.consumer;
    this.#language =
      languages.length === 0
        ? null
        : new RememberedClasses((field) => languageClass(field, languages));
    this.#encoding = vary.encoding ? new RememberedClasses(encodingClass) : null;
  }

  get isEmpty(): boolean {
    const listed = this.#headers.length + this.#cookies.length > 0;
    return !listed && !this.#consumer && this.#language === null && this.#encoding === null;
  }

  /** Null: a value that is refused before it goes upstream too, since it is not ASCII. */
  lines({ headers }: Exchange): string | null {
    let text = '';
    for (const name of this.#headers) {
      const next = line('h', name, headers.joined(name));
      if (next === null) return null;
      text += next;
    }
    for (const name of this.#cookies) {
      const next = line('c', name, cookieValue(headers.joined('cookie'), name));
      if (next === null) return null;
      text += next;
    }
    // Who calls is known once consumers are; until then everybody is nobody.
    if (this.#consumer) text += '\nu:';
    if (this.#language !== null) {
      text += `\nl:${this.#language.of(headers.joined('accept-language'))}`;
    }
    if (this.#encoding !== null) {
      text += `\ne:${this.#encoding.of(headers.joined('accept-encoding'))}`;
    }
    return text;
  }
}

/** Without the sign: it is not there, which is not the same as empty. */
function line(kind: string, name: string, value: string | undefined): string | null {
  if (value === undefined) return `\n${kind}:${name}`;
  return isFieldValue(value) ? `\n${kind}:${name}=${value.trim()}` : null;
}

/** The line of a body: the SHA-256 of its chosen fields, one to a line, absent ones empty. */
function digestLine(
  body: Buffer,
  fields: readonly (readonly (string | number)[])[],
): string | null {
  if (body.length > keyBodyBytesMax) return null;
  const root = readJson(body);
  if (root === null) return null;
  let text = '';
  for (const steps of fields) {
    const value = valueAt(root, steps);
    text += value === undefined ? '\n' : `${canonicalText(value)}\n`;
  }
  return `\nb:${hash('sha256', text, 'base64url')}`;
}
