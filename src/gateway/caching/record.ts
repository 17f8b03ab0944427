import { monotonicMs } from '../../base/clock.ts';
import { hitForMissMs } from '../../base/limits.ts';
import type { CacheKey } from '../../memory/cache/cache-key.ts';
import { type CacheRecord, entryFlag } from '../../memory/cache/cache-record.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import { prepareHead, statusText } from '../response-head.ts';
import type { StoreAcceptance } from './storing.ts';
import type { CacheTicket } from './ticket.ts';

/** A response as it is to be stored. */
export interface StorableResponse {
  readonly verdict: StoreAcceptance;
  readonly status: number;
  /** Ready to send, without a Date: uWebSockets.js writes its own into every response. */
  readonly headers: HeaderList;
  /** `originLines` of it. */
  readonly origin: string;
  /** -1: not known yet. */
  readonly bodyBytes: number;
}

/** The fetch that brought it: `position` is that of the invalidation stream when it began. */
export interface FetchOf {
  readonly key: CacheKey;
  readonly position: number;
}

export function responseRecord(
  exchange: Exchange,
  ticket: CacheTicket,
  { key, position }: FetchOf,
  { verdict, status, headers, origin, bodyBytes }: StorableResponse,
): CacheRecord {
  const { plan } = ticket;
  const bornMs = monotonicMs() - verdict.ageMs;
  const freshUntilMs = bornMs + verdict.freshnessMs;
  let flags = 0;
  if (verdict.mustRevalidate) flags |= entryFlag.mustRevalidate;
  if (verdict.noCache) flags |= entryFlag.noCache;
  if (plan.queryFiltered) flags |= entryFlag.queryFiltered;
  if (!plan.constantResponse) flags |= entryFlag.perAnswerPolicies;
  if (plan.writesSecondLevel) flags |= entryFlag.secondLevel;
  return {
    key: key.text,
    kind: 'response',
    status,
    head: prepareHead(statusText(status), headers),
    etag: verdict.etag,
    lastModified: verdict.lastModified,
    origin,
    bornMs,
    freshUntilMs,
    staleWhileRevalidateUntilMs: freshUntilMs + verdict.staleWhileRevalidateMs,
    staleIfErrorUntilMs: freshUntilMs + verdict.staleIfErrorMs,
    flags,
    position,
    labels: labelsOf(exchange, ticket, verdict.tags, verdict.groups),
    query: plan.query(exchange),
    bodyBytes,
  };
}

/** Under the plain key: by which request fields its variants, such as `record`, are told apart. */
export function varyRecord(
  { primary }: CacheTicket,
  names: readonly string[],
  record: CacheRecord,
): CacheRecord {
  return {
    ...record,
    ...untilMs(record.bornMs + 1000 * 86_400_000),
    key: primary.text,
    kind: 'vary',
    head: names.join(','),
    etag: '',
    lastModified: '',
    origin: '',
    flags: record.flags & (entryFlag.queryFiltered | entryFlag.secondLevel),
    bodyBytes: 0,
  };
}

/** In the place of a response that may not be stored (hit-for-miss). */
export function passRecord(
  exchange: Exchange,
  ticket: CacheTicket,
  { key, position }: FetchOf,
): CacheRecord {
  const nowMs = monotonicMs();
  return {
    ...untilMs(nowMs + hitForMissMs),
    key: key.text,
    kind: 'pass',
    status: 0,
    head: '',
    etag: '',
    lastModified: '',
    origin: '',
    bornMs: nowMs,
    flags: 0,
    position,
    labels: labelsOf(exchange, ticket, [], []),
    query: ticket.plan.query(exchange),
    bodyBytes: 0,
  };
}

/** A mark is good as long as that, with no window behind. */
function untilMs(
  ms: number,
): Pick<CacheRecord, 'freshUntilMs' | 'staleWhileRevalidateUntilMs' | 'staleIfErrorUntilMs'> {
  return { freshUntilMs: ms, staleWhileRevalidateUntilMs: ms, staleIfErrorUntilMs: ms };
}

function labelsOf(
  exchange: Exchange,
  { plan }: CacheTicket,
  tags: readonly string[],
  groups: readonly string[],
): string[] {
  const host = cacheHost(exchange.headers.host);
  const all = new Set([...plan.tags(exchange), ...tags]);
  return [
    `s:${plan.shapeKey}`,
    `r:${exchange.plan?.id ?? ''}`,
    `p:${host}${exchange.path}`,
    ...[...all].map((tag) => `t:${tag}`),
    ...groups.map((group) => `g:${host} ${group}`),
  ];
}

/** The host of a key and of a URL: lower case, without the default port. */
export function cacheHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(':80') ? lower.slice(0, -':80'.length) : lower;
}
