import { z } from 'zod';
import {
  bustItemCountMax,
  cacheKeyBytesMax,
  cacheTagBytesMax,
  explainHeaderCountMax,
  keyBodyBytesMax,
  nameLengthMax,
  textBytesMax,
} from '../base/limits.ts';
import { type Bust, noBust, parseBustUrl, splitUrl } from './bust.ts';
import type { ExplainRequest } from './cache-orders.ts';
import { repeatsKey } from './json-keys.ts';
import { type Refused, readObject } from './parse.ts';
import { Problems } from './problem.ts';
import { bounded } from './schema-parts.ts';
import { addIssues } from './schema-problems.ts';

/** Bodies of the admin interface's calls about the cache: JSON or YAML, unknown fields are errors. */

const bustSchema = z.strictObject({
  tags: z.array(bounded(cacheTagBytesMax, 'cacheTagBytesMax')).default([]),
  urls: z.array(bounded(textBytesMax, 'textBytesMax')).default([]),
  keys: z.array(bounded(cacheKeyBytesMax, 'cacheKeyBytesMax')).default([]),
  routes: z.array(bounded(nameLengthMax, 'nameLengthMax')).default([]),
  all: z.boolean().default(false),
  soft: z.boolean().default(false),
});

const explainSchema = z.strictObject({
  url: bounded(textBytesMax, 'textBytesMax'),
  method: bounded(nameLengthMax, 'nameLengthMax').default('GET'),
  headers: z
    .record(bounded(nameLengthMax, 'nameLengthMax'), bounded(textBytesMax, 'textBytesMax'))
    .default({}),
  body: bounded(keyBodyBytesMax, 'keyBodyBytesMax').nullable().default(null),
});

export type ParsedBody<T> = { readonly ok: true; readonly value: T } | Refused;

/** What to bust. A body that names nothing is refused: it would look like success. */
export function parseBust(text: string): ParsedBody<Bust> {
  return parse(text, bustSchema, (written, problems) => {
    const items = (['tags', 'urls', 'keys', 'routes'] as const).flatMap((kind) =>
      written[kind].map((item, index) => ({ kind, item, path: [kind, index] })),
    );
    if (items.length > bustItemCountMax) {
      const message = `${items.length} tags, urls, keys and routes are more than ${bustItemCountMax} (bustItemCountMax)`;
      problems.add('limit', [], message, 'send several busts');
    }
    if (items.length === 0 && !written.all) {
      const hint = 'give tags, urls, keys or routes, or all: true';
      problems.add('missing', [], 'names nothing to bust', hint);
    }
    for (const { kind, item, path } of items) {
      if (item === '') problems.add('bad-value', path, 'is empty');
      else if (kind === 'urls' && parseBustUrl(item) === null) {
        const hint = 'write http://host/path?query';
        problems.add('bad-value', path, `${item} is no URL that could be cached`, hint);
      }
    }
    return { ...noBust, ...written };
  });
}

/** The request that is to be explained. */
export function parseExplain(text: string): ParsedBody<ExplainRequest> {
  return parse(text, explainSchema, ({ url, method, headers, body }, problems) => {
    const parts = splitUrl(url);
    if (parts === null) {
      problems.add('bad-value', ['url'], `${url} is no URL`, 'write http://host/path?query');
    }
    const entries = Object.entries(headers);
    if (entries.length > explainHeaderCountMax) {
      const message = `more than ${explainHeaderCountMax} headers (explainHeaderCountMax)`;
      problems.add('limit', ['headers'], message);
    }
    for (const [name, value] of entries) {
      if (/^[!#$%&'*+.^_`|~\w-]+$/.test(name) && /^[\t -~]*$/.test(value)) continue;
      problems.add('bad-header', ['headers', name], 'is no header field', null, 'key');
    }
    return {
      method,
      host: parts?.authority ?? '',
      path: parts?.path ?? '',
      query: parts?.query ?? '',
      headers: entries.map(([name, value]) => [name.toLowerCase(), value.trim()] as const),
      body,
    };
  });
}

function parse<Written, T>(
  text: string,
  schema: z.ZodType<Written>,
  finish: (written: Written, problems: Problems) => T,
): ParsedBody<T> {
  const read = readBody(text);
  if (!read.ok) return read;
  const problems = new Problems(() => ({ file: 'request body', line: 1, column: 1 }));
  const parsed = schema.safeParse(read.value);
  if (!parsed.success) {
    addIssues(parsed.error.issues, [], read.value, schema, problems);
    return refusedBy(problems);
  }
  const value = finish(parsed.data, problems);
  return problems.count > 0 ? refusedBy(problems) : { ok: true, value };
}

function refusedBy(problems: Problems): Refused {
  return { ok: false, problems: problems.list, truncated: problems.truncated };
}

/** JSON is read much faster than YAML; what is no JSON goes to the reader that says where and why. */
function readBody(text: string): ParsedBody<unknown> {
  if (!repeatsKey(text)) {
    try {
      return { ok: true, value: JSON.parse(text) };
    } catch {
      // Not JSON.
    }
  }
  return readObject(text);
}
