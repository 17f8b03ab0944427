import { cacheEntryBytesMax, cacheTagBytesMax, cacheTtlMsMax } from '../base/limits.ts';
import { parseDurationMs, parseSizeBytes } from '../base/units.ts';
import type { CacheDefinition, StatusTtl, TtlRule } from './cache-definition.ts';
import type { WrittenCache } from './cache-schema.ts';
import type { Match, PathPattern, Template } from './definitions.ts';
import type { Path, Problems } from './problem.ts';
import {
  isUnconditional,
  resolveConditions,
  resolveInputCondition,
} from './resolve-cache-conditions.ts';
import { resolveBody, resolveMethods, resolveVary } from './resolve-cache-key.ts';
import { resolveSecret } from './resolve-secret.ts';
import { resolveTemplate } from './resolve-template.ts';
import { resolveDurationMs, resolveSizeBytes } from './resolve-units.ts';

/** Units and paths parsed, shorthand expanded, what belongs together checked. */
export function resolveCache(
  written: WrittenCache,
  match: Match,
  path: Path,
  problems: Problems,
): CacheDefinition {
  const { stale, negative, debug } = written;
  const ttlMs = (text: string | undefined, ...at: string[]): number | null =>
    text === undefined ? null : resolveTtlMs(text, [...path, ...at], problems);
  const methods = resolveMethods(written, match, path, problems);
  const ttl = resolveTtl(written, path, problems);
  const statusTtl = resolveStatusTtl(written['status-ttl'], [...path, 'status-ttl'], problems);
  if (written.override !== 'origin' && ttl.length + statusTtl.length === 0) {
    const message = `${written.override} needs a TTL of the route's own`;
    problems.add('missing', [...path, 'override'], message, 'add ttl or status-ttl');
  }
  if (negative !== undefined && parseDurationMs(negative) === 0) {
    const hint = 'leave it out, and what has failed is not cached';
    problems.add('bad-value', [...path, 'negative'], 'must be more than zero', hint);
  }
  return {
    ttl,
    statusTtl,
    override: written.override,
    staleWhileRevalidateMs: ttlMs(stale['while-revalidate'], 'stale', 'while-revalidate'),
    staleIfErrorMs: ttlMs(stale['if-error'], 'stale', 'if-error'),
    negativeTtlMs: ttlMs(negative, 'negative'),
    methods,
    body: resolveBody(written, path, problems),
    vary: resolveVary(written.vary, [...path, 'vary'], problems),
    tags: written.tags.map((text, index) =>
      resolveTag(text, match.path, [...path, 'tags', index], problems),
    ),
    minUses: written['min-uses'],
    bytesMax: resolveEntryBytes(written['max-size'], [...path, 'max-size'], problems),
    bypass: resolveConditions(written.bypass, [...path, 'bypass'], problems),
    noStore: resolveConditions(written['no-store'], [...path, 'no-store'], problems),
    requestDirectives: written['request-directives'],
    setCookie: written['set-cookie'],
    coalesce: written.coalesce,
    strict: written.strict,
    secondLevel: written['second-level'],
    waitMs: resolveDurationMs(written.wait, [...path, 'wait'], problems),
    debugToken:
      debug === undefined
        ? null
        : resolveSecret(debug.token, [...path, 'debug', 'token'], problems),
  };
}

/** A time that an answer may be used; no timer runs on it, and none at all is one. */
function resolveTtlMs(text: string, path: Path, problems: Problems): number {
  const ms = parseDurationMs(text);
  if (ms === null) problems.add('bad-value', path, `${text} is not a duration`, 'write 30s');
  else if (ms > cacheTtlMsMax) {
    problems.add('limit', path, `${text} is longer than the limit of 8760h (cacheTtlMsMax)`);
  }
  return ms ?? 0;
}

function resolveTtl({ ttl, methods }: WrittenCache, path: Path, problems: Problems): TtlRule[] {
  if (ttl === undefined) return [];
  const at = [...path, 'ttl'];
  const always = { headers: [], query: [], cookies: [], body: [] };
  if (typeof ttl === 'string') {
    return [{ when: always, ttlMs: resolveTtlMs(ttl, at, problems) }];
  }
  const rules = ttl.map((rule, index): TtlRule => {
    const when = resolveInputCondition(rule.when, [...at, index, 'when'], problems);
    if (when.body.length > 0 && !methods.includes('POST')) {
      const hint = 'add POST to methods';
      problems.add('bad-value', [...at, index, 'when', 'body'], 'holds for a POST only', hint);
    }
    return { when, ttlMs: resolveTtlMs(rule.ttl, [...at, index, 'ttl'], problems) };
  });
  const last = rules.findIndex(({ when }) => isUnconditional(when));
  if (last >= 0 && last < rules.length - 1) {
    const message = `can never be reached: rule ${last} holds always`;
    problems.add('conflict', [...at, last + 1], message, 'put the rule without when last');
  }
  return rules;
}

/** What is never stored by itself, whatever the route says: a part, and news of a stored answer. */
const notStored = [206, 304];

function resolveStatusTtl(
  written: Readonly<Record<string, string>>,
  path: Path,
  problems: Problems,
): StatusTtl[] {
  return Object.entries(written)
    .map(([key, text]): StatusTtl => {
      const at = [...path, key];
      const ttlMs = resolveTtlMs(text, at, problems);
      const base = Number(key.slice(0, 1)) * 100;
      if (/^[2-5]xx$/.test(key)) return { from: base, to: base + 99, ttlMs };
      const status = /^[2-5]\d\d$/.test(key) ? Number(key) : 0;
      if (status === 0) {
        const hint = 'write 404, or 5xx for all of a class';
        problems.add('bad-value', at, `${key} is not a status from 200 to 599`, hint, 'key');
      } else if (notStored.includes(status)) {
        problems.add(
          'bad-value',
          at,
          `an answer of ${status} is not stored by itself`,
          null,
          'key',
        );
      }
      return { from: status, to: status, ttlMs };
    })
    .sort((a, b) => a.to - a.from - (b.to - b.from) || a.from - b.from);
}

function resolveTag(text: string, pattern: PathPattern, path: Path, problems: Problems): Template {
  const tag = resolveTemplate(text, path, pattern, true, problems);
  if (text.trim() === '') problems.add('bad-value', path, 'is empty');
  if (!/^[\x20-\x7e]*$/.test(text)) {
    problems.add('bad-value', path, 'has characters that a tag may not hold', 'use visible ASCII');
  }
  const plain = tag.reduce((sum, part) => sum + (part.kind === 'text' ? part.text.length : 0), 0);
  if (plain > cacheTagBytesMax) {
    problems.add('limit', path, `is over ${cacheTagBytesMax} bytes (cacheTagBytesMax)`);
  }
  return tag;
}

function resolveEntryBytes(
  text: string | undefined,
  path: Path,
  problems: Problems,
): number | null {
  if (text === undefined) return null;
  const bytes = resolveSizeBytes(text, path, problems);
  if (parseSizeBytes(text) === 0) problems.add('bad-value', path, 'must be more than zero');
  if (bytes > cacheEntryBytesMax) {
    problems.add('limit', path, `${text} is over the limit of 256MiB (cacheEntryBytesMax)`);
  }
  return bytes;
}
