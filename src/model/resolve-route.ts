import type { CacheDefinition } from './cache-definition.ts';
import type { WrittenCache } from './cache-schema.ts';
import type { Action, HeaderValue, Match, PathPattern, Route, Template } from './definitions.ts';
import { parseHost } from './host.ts';
import { parsePathPattern, unreadablePath } from './path-pattern.ts';
import type { Path, Problems } from './problem.ts';
import { resolveCache } from './resolve-cache.ts';
import { resolveHeaders } from './resolve-headers.ts';
import { resolvePolicies } from './resolve-policies.ts';
import { resolvePredicates, tokenPattern } from './resolve-predicates.ts';
import { resolveTemplate } from './resolve-template.ts';
import type { WrittenRoute } from './schema.ts';
import { isUrlText, notUrlText, percentEncode } from './url-text.ts';

/** Texts parsed and checked, shorthand expanded. Problems are added, never thrown. */
export function resolveRoute(written: WrittenRoute, path: Path, problems: Problems): Route {
  const match = resolveMatch(written, [...path, 'match'], problems);
  return {
    id: written.id,
    match,
    action: resolveAction(written, match.path, path, problems),
    policies: resolvePolicies(
      written.policies,
      written.id,
      match.path,
      [...path, 'policies'],
      problems,
    ),
    cache:
      written.cache === undefined ? null : cacheOf(written, written.cache, match, path, problems),
  };
}

function cacheOf(
  written: WrittenRoute,
  cache: WrittenCache,
  match: Match,
  path: Path,
  problems: Problems,
): CacheDefinition {
  const at = [...path, 'cache'];
  if (written.upstream === undefined && (written.respond ?? written.redirect) !== undefined) {
    const hint = 'what the gateway answers by itself is at hand already';
    problems.add('bad-value', at, 'goes with upstream only', hint, 'key');
  }
  return resolveCache(cache, match, at, problems);
}

function resolveMatch({ match }: WrittenRoute, path: Path, problems: Problems): Match {
  const pattern = parsePathPattern(match.path);
  if ('message' in pattern) {
    problems.add('bad-path', [...path, 'path'], pattern.message, pattern.hint);
  }
  const hosts = match.hosts.flatMap((text, index) => {
    const host = parseHost(text);
    if (host !== null) return [host];
    const hint = 'write shop.example or *.shop.example, without a port';
    problems.add('bad-host', [...path, 'hosts', index], `${text} is not a host name`, hint);
    return [];
  });
  const methods = match.methods.flatMap((text, index) => {
    const method = text.toUpperCase();
    if (tokenPattern.test(text) && method !== 'CONNECT' && method !== 'TRACE') return [method];
    problems.add('bad-value', [...path, 'methods', index], `${text} is not a method to route`);
    return [];
  });
  return {
    hosts: [...new Set(hosts)].sort(),
    methods: [...new Set(methods)].sort(),
    path: 'message' in pattern ? unreadablePath : pattern,
    headers: resolvePredicates(match.headers, [...path, 'headers'], true, problems),
    query: resolvePredicates(match.query, [...path, 'query'], false, problems),
  };
}

function resolveAction(
  written: WrittenRoute,
  pattern: PathPattern,
  path: Path,
  problems: Problems,
): Action {
  const { upstream, respond, redirect, rewrite } = written;
  const given = [upstream, respond, redirect].filter((one) => one !== undefined).length;
  if (given !== 1) {
    const message = `has ${given} of upstream, respond and redirect`;
    problems.add(given === 0 ? 'missing' : 'bad-value', path, message, 'give exactly one of them');
  }
  if (rewrite !== undefined && upstream === undefined) {
    problems.add('bad-value', [...path, 'rewrite'], 'goes with upstream only', null, 'key');
  }
  const template = (text: string, at: Path, braces: boolean): Template =>
    resolveTemplate(text, at, pattern, braces, problems);
  if (respond !== undefined) {
    const at = [...path, 'respond'];
    const headers: HeaderValue[] = resolveHeaders(
      respond.headers,
      [...at, 'headers'],
      pattern,
      problems,
    );
    if (respond.body !== '' && (respond.status === 204 || respond.status === 304)) {
      const hint = 'leave the body out, or use another status';
      problems.add('bad-value', [...at, 'body'], `a ${respond.status} has no body`, hint);
    }
    const body = template(respond.body, [...at, 'body'], false);
    return { kind: 'respond', status: respond.status, headers, body };
  }
  if (redirect !== undefined) {
    const at = [...path, 'redirect', 'to'];
    if (!isUrlText(redirect.to)) problems.add('bad-value', at, notUrlText, percentEncode);
    else if (redirect.to === '') problems.add('bad-value', at, 'is empty', 'write a URL or a path');
    const location = template(redirect.to, at, true);
    return { kind: 'redirect', status: redirect.status, location };
  }
  const targets =
    typeof upstream === 'string' ? [{ upstream, weight: 1 }] : (upstream ?? []).map(toTarget);
  checkTwice(targets, [...path, 'upstream'], problems);
  if (rewrite !== undefined) checkRewrite(rewrite.path, [...path, 'rewrite', 'path'], problems);
  const rewritePath =
    rewrite === undefined ? null : template(rewrite.path, [...path, 'rewrite', 'path'], true);
  return { kind: 'proxy', targets, rewritePath };
}

/** A typing error mostly, and where it is not, one weight says the same. */
function checkTwice(
  targets: readonly { readonly upstream: string }[],
  path: Path,
  problems: Problems,
): void {
  const seen = new Set<string>();
  for (const [index, { upstream }] of targets.entries()) {
    if (seen.has(upstream)) {
      const hint = 'give it one weight, the sum of both';
      problems.add('duplicate', [...path, index, 'name'], `lists ${upstream} a second time`, hint);
    }
    seen.add(upstream);
  }
}

function checkRewrite(text: string, path: Path, problems: Problems): void {
  if (!text.startsWith('/')) problems.add('bad-path', path, 'must begin with a slash');
  if (!isUrlText(text)) problems.add('bad-path', path, notUrlText, percentEncode);
  else if (/[?#]/.test(text)) {
    const hint = "the request's own query goes along by itself";
    problems.add('bad-path', path, 'holds a query or a fragment', hint);
  }
}

function toTarget({ name, weight }: { name: string; weight: number }): {
  upstream: string;
  weight: number;
} {
  return { upstream: name, weight };
}
