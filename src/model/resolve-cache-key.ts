import { parseBodyPath } from './body-path.ts';
import type { BodyPath, CacheMethod, CacheVary, QueryChoice } from './cache-definition.ts';
import type { WrittenCache } from './cache-schema.ts';
import type { Match } from './definitions.ts';
import type { Path, Problems } from './problem.ts';
import { bodyPathHint, checkCookieName } from './resolve-cache-conditions.ts';
import { tokenPattern } from './resolve-predicates.ts';

const credentials =
  'credentials must not stand in keys; list a header that says who asks, such as x-tenant, and ' +
  'let the origin answer with public or s-maxage what may be stored';

/** Headers whose values must not stand in keys, or stand there already. */
const ofForwarding = 'the gateway writes it anew, whatever the client says in it';
const otherwise: Readonly<Record<string, string>> = {
  authorization: credentials,
  'proxy-authorization': credentials,
  cookie: 'list the cookies that matter under cookies',
  host: 'the host is part of every key',
  forwarded: ofForwarding,
  via: ofForwarding,
  'x-forwarded-for': ofForwarding,
  'x-forwarded-host': ofForwarding,
  'x-forwarded-proto': ofForwarding,
};

export function resolveMethods(
  { methods, body }: WrittenCache,
  match: Match,
  path: Path,
  problems: Problems,
): CacheMethod[] {
  const at = [...path, 'methods'];
  const posts = methods.indexOf('POST');
  if (posts >= 0 && body.length === 0) {
    const hint = 'name what makes two of them alike: body: ["$.origin"]';
    problems.add('missing', [...at, posts], 'POST needs body, the fields that are its key', hint);
  }
  const routed = (method: string): boolean =>
    match.methods.length === 0 || match.methods.includes(method);
  if (posts >= 0 && !routed('POST')) {
    problems.add('bad-value', [...at, posts], 'the route does not match POST');
  } else if (!methods.some(routed)) {
    const message = `the route matches none of ${methods.join(', ')}`;
    problems.add('bad-value', at, message, 'without one of them nothing is cached');
  }
  return [...new Set(methods)].sort();
}

/** The fields of a POST that are its key, in one order whatever the order they are written in. */
export function resolveBody(
  { body, methods }: WrittenCache,
  path: Path,
  problems: Problems,
): BodyPath[] {
  const at = [...path, 'body'];
  if (body.length > 0 && !methods.includes('POST')) {
    problems.add('bad-value', at, 'goes with POST only', 'add POST to methods', 'key');
  }
  const paths = new Map<string, BodyPath>();
  for (const [index, text] of body.entries()) {
    const parsed = parseBodyPath(text);
    if (typeof parsed === 'string') {
      problems.add('bad-value', [...at, index], `${text} ${parsed}`, bodyPathHint);
    } else if (paths.has(text)) {
      problems.add('duplicate', [...at, index], `lists ${text} a second time`);
    } else paths.set(text, parsed);
  }
  return [...paths.values()].sort((a, b) => (a.text < b.text ? -1 : 1));
}

export function resolveVary(
  written: WrittenCache['vary'],
  path: Path,
  problems: Problems,
): CacheVary {
  const headers = written.headers.map((text, index) => {
    const at = [...path, 'headers', index];
    const name = text.toLowerCase();
    const hint = Object.hasOwn(otherwise, name) ? (otherwise[name] ?? null) : null;
    if (!tokenPattern.test(text)) problems.add('bad-header', at, `${text} is not a header name`);
    else if (hint !== null) problems.add('bad-header', at, `${name} cannot be part of a key`, hint);
    return name;
  });
  for (const [index, name] of written.cookies.entries()) {
    checkCookieName(name, [...path, 'cookies', index], problems);
  }
  return {
    headers: unique(headers).sort(),
    query: resolveQuery(written.query, [...path, 'query'], problems),
    cookies: unique(written.cookies).sort(),
    consumer: written.consumer,
    language: resolveLanguages(written.language, [...path, 'language'], problems),
    encoding: written.encoding,
  };
}

function resolveQuery(
  written: WrittenCache['vary']['query'],
  path: Path,
  problems: Problems,
): QueryChoice {
  if (written === undefined) return { kind: 'all' };
  const kind = Array.isArray(written) ? 'allow' : 'deny';
  const names = Array.isArray(written) ? written : written.deny;
  const at = kind === 'allow' ? path : [...path, 'deny'];
  for (const [index, name] of names.entries()) {
    if (/^[!-~]+$/.test(name) && !/[&=#]/.test(name)) continue;
    const hint = 'write it as it stands in a URL, percent-encoded where need be';
    problems.add('bad-value', [...at, index], `${name} is not the name of a parameter`, hint);
  }
  if (kind === 'deny' && names.length === 0) return { kind: 'all' };
  return { kind, names: unique(names).sort() };
}

function resolveLanguages(written: readonly string[], path: Path, problems: Problems): string[] {
  for (const [index, tag] of written.entries()) {
    if (/^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,7}$/.test(tag)) continue;
    problems.add(
      'bad-value',
      [...path, index],
      `${tag} is not a language tag`,
      'write de, or pt-BR',
    );
  }
  return unique(written.map((tag) => tag.toLowerCase()));
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
