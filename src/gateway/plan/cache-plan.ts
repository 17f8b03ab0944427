import type { CachePolicyT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import {
  cacheOverride,
  cacheSetCookie,
  methodBits,
  queryChoice,
} from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import type { PolicyRunner } from '../policies/policy.ts';
import { encodingClass, languageClass } from './accept-class.ts';
import { decodeConditions } from './cache-condition.ts';
import { decodeKey } from './cache-key-text.ts';
import { decodeTags } from './cache-tags.ts';
import { decodeTtl } from './cache-ttl.ts';
import { textOf } from './template.ts';

/** The cache block of a route as a worker runs it: what is looked up, under which key, how long. */
export interface CachePlan {
  /** 11 characters; alike exactly while what was stored may be used (docs/definitions-cache.md). */
  readonly shapeKey: string;
  /** The route's shape key before the last change of it; null: there was none, or it is the same. */
  readonly previousShapeKey: string | null;
  /** Bits of methodBits that are looked up: GET and HEAD, and POST where the route lists it. */
  readonly methodMask: number;
  /** Whether a POST's body must be there before the key is known. */
  readonly needsBody: boolean;
  /** False: the chosen query is the whole query, so a URL says all of it. */
  readonly queryFiltered: boolean;
  readonly override: 'origin' | 'ttl' | 'none';
  /** -1: as the origin says. */
  readonly staleWhileRevalidateMs: number;
  /** -1: as the origin says. */
  readonly staleIfErrorMs: number;
  /** For 404, 405, 410, 414 and 501 of which the origin says nothing; -1: none. */
  readonly negativeTtlMs: number;
  /** Stored from this many misses on. */
  readonly minUses: number;
  /** Bytes of one entry, head, key and body; the settings may allow less. */
  readonly bytesMax: number;
  /** Whether a client's Cache-Control and Pragma count. */
  readonly honoursRequest: boolean;
  readonly setCookie: 'refuse' | 'strip' | 'store';
  /** One fetch per key on a node. */
  readonly coalesces: boolean;
  /** How long an exchange waits for the fetch of another. */
  readonly waitMs: number;
  readonly variesByConsumer: boolean;
  /** A request with this in `x-cutover-debug` is answered with what the cache did; null: nobody is. */
  readonly debugToken: string | null;
  /** Whether all response policies are constant, so that the stored head is ready to send. */
  readonly constantResponse: boolean;
  /**
   * The text of the key but for a stored Vary, one character per byte; null: this exchange has no
   * key (over the limit, or a body that is needed and is not JSON) and is not cached.
   */
  keyText(exchange: Exchange, body: Buffer | null): string | null;
  /** The chosen query parameters, sorted, as they stand in the key. */
  query(exchange: Exchange): string;
  /** Neither looked up nor stored. */
  bypasses(exchange: Exchange): boolean;
  /** Looked up, not stored. */
  refusesToStore(exchange: Exchange): boolean;
  /** The TTL that the route states for a status, in ms; -1: none. */
  ttlMs(exchange: Exchange, status: number, body: Buffer | null): number;
  /**
   * Rendered, trimmed, without empty and double ones; at most cacheTagCountMax. One over
   * cacheTagBytesMax is not among them, and `refusesToStore` says so.
   */
  tags(exchange: Exchange): string[];
  /**
   * Makes Accept-Language and Accept-Encoding say no more than the key does, where the key goes by
   * their class, so that an answer stored under a class was asked for by it. Before a fetch.
   */
  narrowRequest(exchange: Exchange): void;
}

export function decodeCache(
  cache: CachePolicyT,
  responsePolicies: readonly PolicyRunner[],
): CachePlan {
  const vary = present(cache.vary, 'a cache block says what keys vary by');
  const key = decodeKey(cache, vary);
  const tags = decodeTags(cache.tags);
  const noStore = decodeConditions(cache.noStore);
  const languages = vary.languages.map((tag) => textOf(tag));
  return {
    shapeKey: textOf(cache.shapeKey),
    previousShapeKey: cache.previousShapeKey === null ? null : textOf(cache.previousShapeKey),
    methodMask: cache.methodMask,
    needsBody: (cache.methodMask & (methodBits['POST'] ?? 0)) !== 0,
    queryFiltered: vary.query !== queryChoice.all,
    override: nameIn(cacheOverride, cache.overrideKind),
    staleWhileRevalidateMs: cache.staleWhileRevalidateMs,
    staleIfErrorMs: cache.staleIfErrorMs,
    negativeTtlMs: cache.negativeTtlMs,
    minUses: cache.minUses,
    bytesMax: cache.bytesMax === 0 ? Number.POSITIVE_INFINITY : cache.bytesMax,
    honoursRequest: cache.honoursRequest,
    setCookie: nameIn(cacheSetCookie, cache.setCookie),
    coalesces: cache.coalesces,
    waitMs: cache.waitMs,
    variesByConsumer: vary.consumer,
    debugToken: cache.debugToken === null ? null : textOf(cache.debugToken),
    constantResponse: responsePolicies.every(({ constantResponse }) => constantResponse),
    keyText: key.text,
    query: (exchange) => key.query(exchange.query) ?? '',
    bypasses: decodeConditions(cache.bypass),
    refusesToStore: (exchange) => noStore(exchange) || tags.areTooLong(exchange),
    ttlMs: decodeTtl(cache),
    tags: tags.of,
    narrowRequest({ headers }) {
      if (languages.length > 0) {
        const language = languageClass(headers.joined('accept-language'), languages);
        if (language !== '') headers.set('accept-language', language);
      }
      if (vary.encoding) {
        headers.set('accept-encoding', encodingClass(headers.joined('accept-encoding')));
      }
    },
  };
}

/** The name of a kind; the bytes were verified before. */
function nameIn<K extends string>(kinds: Readonly<Record<K, number>>, kind: number): K {
  const names = Object.keys(kinds) as K[];
  return present(
    names.find((name) => kinds[name] === kind),
    'the compiler writes known kinds only',
  );
}
