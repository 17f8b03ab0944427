import { createRequire } from 'node:module';
import { requestDirectives } from '../../src/gateway/caching/cache-control.ts';
import { formatHttpDate } from '../../src/gateway/caching/http-date.ts';
import { judgeReuse } from '../../src/gateway/caching/reusing.ts';
import { judgeResponse, type StoreVerdict } from '../../src/gateway/caching/storing.ts';
import { variantSuffix } from '../../src/gateway/caching/vary.ts';
import { entryFlag } from '../../src/memory/cache/cache-record.ts';
import { headerLines } from './header-lines.ts';

/** A response, and a second request for it some time later. Numbers are seconds from `nowMs`. */
export interface CacheCase {
  readonly method: string;
  readonly firstControl: string | null;
  readonly authorized: boolean;
  readonly status: number;
  readonly control: readonly string[];
  readonly cdnControl: string | null;
  readonly date: number | null;
  readonly expires: number | string | null;
  readonly lastModified: number | string | null;
  readonly age: string | null;
  readonly etag: boolean;
  readonly setCookie: boolean;
  readonly pragma: string | null;
  readonly vary: string | null;
  /** What the first and the second request say in the field that Vary may name. */
  readonly selecting: readonly [string, string];
  readonly askControl: readonly string[];
  readonly askPragma: string | null;
  readonly elapsed: number;
}

export interface CacheOutcome {
  /** Kept at all. */
  readonly stored: boolean;
  /** What answers the second request: the store, the store and a revalidation, or the origin. */
  readonly answer: 'fresh' | 'while-revalidating' | 'origin';
  /** Why we keep it not; null where we do, and for the oracle. */
  readonly reason: string | null;
}

const nowMs = Date.UTC(2026, 0, 15, 12, 0, 0);

function responseLines(one: CacheCase): string[] {
  const lines: string[] = [];
  const add = (name: string, value: number | string | null) => {
    if (value === null) return;
    lines.push(
      `${name}: ${typeof value === 'number' ? formatHttpDate(nowMs + value * 1000) : value}`,
    );
  };
  if (one.control.length > 0) lines.push(`cache-control: ${one.control.join(', ')}`);
  add('cdn-cache-control', one.cdnControl);
  add('date', one.date);
  add('expires', one.expires);
  add('last-modified', one.lastModified);
  add('age', one.age);
  add('pragma', one.pragma);
  add('vary', one.vary);
  if (one.etag) lines.push('etag: "a"');
  if (one.setCookie) lines.push('set-cookie: a=b');
  return lines;
}

function firstRequestLines({ firstControl, authorized, selecting }: CacheCase): string[] {
  const lines = ['host: test', `accept-language: ${selecting[0]}`];
  if (firstControl !== null) lines.push(`cache-control: ${firstControl}`);
  if (authorized) lines.push('authorization: Bearer x');
  return lines;
}

function secondRequestLines({ askControl, askPragma, selecting }: CacheCase): string[] {
  const lines = ['host: test', `accept-language: ${selecting[1]}`];
  if (askControl.length > 0) lines.push(`cache-control: ${askControl.join(', ')}`);
  if (askPragma !== null) lines.push(`pragma: ${askPragma}`);
  return lines;
}

/** What Cutover does, by the rules of `cache: {}`. */
export function ourOutcome(one: CacheCase): CacheOutcome {
  const requestHeaders = headerLines(...firstRequestLines(one));
  const verdict = judgeResponse(
    {
      method: one.method,
      requestHeaders,
      status: one.status,
      headers: headerLines(...responseLines(one)),
      requestTimeMs: nowMs,
      responseTimeMs: nowMs,
    },
    {
      ttlMs: -1,
      negativeTtlMs: -1,
      override: 'origin',
      staleWhileRevalidateMs: -1,
      staleIfErrorMs: -1,
      setCookie: 'refuse',
      heuristics: true,
    },
  );
  if (!verdict.store) return { stored: false, answer: 'origin', reason: verdict.reason };
  const again = headerLines(...secondRequestLines(one));
  const sameVariant =
    variantSuffix(verdict.vary, requestHeaders) === variantSuffix(verdict.vary, again);
  if (!sameVariant) return { stored: true, answer: 'origin', reason: null };
  const reuse = judgeReuse(entryOf(verdict), requestDirectives(again), one.elapsed * 1000, {
    honour: true,
  });
  const answers = {
    fresh: 'fresh',
    'stale-while-revalidate': 'while-revalidating',
    revalidate: 'origin',
    'only-if-cached-miss': 'origin',
  } as const;
  return { stored: true, answer: answers[reuse], reason: null };
}

/** The times of an entry whose response came at 0. */
function entryOf(verdict: Extract<StoreVerdict, { store: true }>) {
  const freshUntilMs = verdict.freshnessMs - verdict.ageMs;
  return {
    bornMs: -verdict.ageMs,
    freshUntilMs,
    staleWhileRevalidateUntilMs: freshUntilMs + verdict.staleWhileRevalidateMs,
    staleIfErrorUntilMs: freshUntilMs + verdict.staleIfErrorMs,
    flags:
      (verdict.noCache ? entryFlag.noCache : 0) |
      (verdict.mustRevalidate ? entryFlag.mustRevalidate : 0),
    softStale: false,
  };
}

interface Message {
  readonly method?: string;
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** The part of http-cache-semantics that is asked; the package has no types. */
interface Policy {
  now(): number;
  storable(): boolean;
  evaluateRequest(request: Message): {
    response: object | undefined;
    revalidation: object | undefined;
  };
}

const CachePolicy = createRequire(import.meta.url)('http-cache-semantics') as {
  new (request: Message, response: Message, options: { shared: boolean }): Policy;
  readonly prototype: Policy;
};

/** A policy whose clock stands where the case says. */
class ClockedPolicy extends CachePolicy {
  elapsedMs = 0;

  // The constructor of the base class asks for the time before this one's fields are there.
  override now(): number {
    return nowMs + (this.elapsedMs ?? 0);
  }
}

function record(lines: readonly string[]): Record<string, string> {
  const { names, values } = headerLines(...lines);
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? '']));
}

/** What http-cache-semantics does as a shared cache. */
export function oracleOutcome(one: CacheCase): CacheOutcome {
  const policy = new ClockedPolicy(
    { method: one.method, headers: record(firstRequestLines(one)) },
    { status: one.status, headers: record(responseLines(one)) },
    { shared: true },
  );
  const stored = policy.storable();
  policy.elapsedMs = one.elapsed * 1000;
  const { response, revalidation } = policy.evaluateRequest({
    method: one.method,
    headers: record(secondRequestLines(one)),
  });
  if (!stored || response === undefined) return { stored, answer: 'origin', reason: null };
  return { stored, answer: revalidation ? 'while-revalidating' : 'fresh', reason: null };
}
