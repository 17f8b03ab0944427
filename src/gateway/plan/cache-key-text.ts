import { hash } from 'node:crypto';
import type { CachePolicyT, CacheVaryT } from '#generated/cutover.js';
import { cacheKeyBytesMax, keyBodyBytesMax } from '../../base/limits.ts';
import { isFieldValue } from '../door.ts';
import type { Exchange } from '../exchange.ts';
import { encodingClass, languageClass, rememberClasses } from './accept-class.ts';
import { decodeSteps } from './body-steps.ts';
import { type QueryChooser, queryChooser } from './cache-query.ts';
import { canonicalText, readJson, valueAt } from './json-value.ts';
import { cookieValue, textOf } from './template.ts';

/** What a route makes keys of (docs/definitions-cache.md, "The key"). */
export interface KeyPlan {
  text(exchange: Exchange, body: Buffer | null): string | null;
  readonly query: QueryChooser;
}

/**
 * A key is lines: shape key, G or P, host, path, query, then one line for each thing that the
 * route varies by. No part can hold a line end, so no two keys are spelled alike.
 */
export function decodeKey(cache: CachePolicyT, vary: CacheVaryT): KeyPlan {
  const shapeKey = textOf(cache.shapeKey);
  const beginning = `${shapeKey}\nG\n`;
  const beginningOfPost = `${shapeKey}\nP\n`;
  const query = queryChooser(
    vary.query,
    vary.queryNames.map((name) => textOf(name)),
  );
  const variant = decodeVariant(vary);
  const digest = decodeDigest(cache.body.map(decodeSteps));
  return {
    query,
    text(exchange, body) {
      const chosen = query(exchange.query);
      if (chosen === null) return null;
      const posts = exchange.method === 'POST';
      let text = `${posts ? beginningOfPost : beginning}${hostInKey(exchange.headers.host)}\n${exchange.path}\n${chosen}`;
      if (variant !== null) {
        const lines = variant(exchange);
        if (lines === null) return null;
        text += lines;
      }
      if (posts) {
        const line = body === null ? null : digest(body);
        if (line === null) return null;
        text += line;
      }
      return text.length <= cacheKeyBytesMax ? text : null;
    },
  };
}

/** Lower case, without the port that `http` means anyway. */
function hostInKey(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(':80') ? lower.slice(0, -3) : lower;
}

/** Null: a value that is refused before it goes upstream too, since it is not ASCII. */
type LineOf = (exchange: Exchange) => string | null;

/** The lines of all that varies, each with its line end in front; null: nothing does. */
function decodeVariant(vary: CacheVaryT): LineOf | null {
  const languages = vary.languages.map((tag) => textOf(tag));
  const lines: LineOf[] = [
    ...vary.headers.map(textOf).map((name): LineOf => {
      return ({ headers }) => line('h', name, headers.joined(name));
    }),
    ...vary.cookies.map(textOf).map((name): LineOf => {
      return ({ headers }) => line('c', name, cookieValue(headers.joined('cookie'), name));
    }),
  ];
  // Who calls is known once consumers are; until then everybody is nobody.
  if (vary.consumer) lines.push(() => '\nu:');
  if (languages.length > 0) {
    const language = rememberClasses((field) => languageClass(field, languages));
    lines.push(({ headers }) => `\nl:${language(headers.joined('accept-language'))}`);
  }
  if (vary.encoding) {
    const encoding = rememberClasses(encodingClass);
    lines.push(({ headers }) => `\ne:${encoding(headers.joined('accept-encoding'))}`);
  }
  if (lines.length === 0) return null;
  return (exchange) => {
    let text = '';
    for (const one of lines) {
      const next = one(exchange);
      if (next === null) return null;
      text += next;
    }
    return text;
  };
}

/** Without the sign: it is not there, which is not the same as empty. */
function line(kind: string, name: string, value: string | undefined): string | null {
  if (value === undefined) return `\n${kind}:${name}`;
  return isFieldValue(value) ? `\n${kind}:${name}=${value.trim()}` : null;
}

/** The line of a body: the SHA-256 of its chosen fields, one to a line, absent ones empty. */
function decodeDigest(
  fields: readonly (readonly (string | number)[])[],
): (body: Buffer) => string | null {
  return (body) => {
    if (body.length > keyBodyBytesMax) return null;
    const root = readJson(body);
    if (root === null) return null;
    let text = '';
    for (const steps of fields) {
      const value = valueAt(root, steps);
      text += value === undefined ? '\n' : `${canonicalText(value)}\n`;
    }
    return `\nb:${hash('sha256', text, 'base64url')}`;
  };
}
