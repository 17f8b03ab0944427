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
import { AnyCondition } from './cache-condition.ts';
import { KeyPlan } from './cache-key-text.ts';
import { TagPlan } from './cache-tags.ts';
import { TtlPlan } from './cache-ttl.ts';
import { textOf } from './template.ts';

/** The cache block of a route as a worker runs it: what is looked up, under which key, how long. */
export class CachePlan {
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
  /** And in a whole cluster. */
  readonly coalescesCluster: boolean;
  /** Whether a miss asks what other nodes stored; whether they may use what this one stores. */
  readonly readsSecondLevel: boolean;
  readonly writesSecondLevel: boolean;
  /** Only what is proven to be busted by nobody answers. */
  readonly strict: boolean;
  /** How long an exchange waits for the fetch of another. */
  readonly waitMs: number;
  /** A request with this in `x-cutover-debug` is answered with what the cache did; null: nobody is. */
  readonly debugToken: string | null;
  /** Whether all response policies are constant, so that the stored head is ready to send. */
  readonly constantResponse: boolean;
  readonly #key: KeyPlan;
  readonly #tags: TagPlan;
  readonly #ttl: TtlPlan;
  readonly #bypass: AnyCondition;
  readonly #noStore: AnyCondition;
  readonly #languages: readonly string[];
  readonly #encoding: boolean;

  constructor(cache: CachePolicyT, responsePolicies: readonly PolicyRunner[]) {
    const vary = present(cache.vary, 'a cache block says what keys vary by');
    this.shapeKey = textOf(cache.shapeKey);
    this.previousShapeKey = cache.previousShapeKey === null ? null : textOf(cache.previousShapeKey);
    this.methodMask = cache.methodMask;
    this.needsBody = (cache.methodMask & (methodBits['POST'] ?? 0)) !== 0;
    this.queryFiltered = vary.query !== queryChoice.all;
    this.override = nameIn(cacheOverride, cache.overrideKind);
    this.staleWhileRevalidateMs = cache.staleWhileRevalidateMs;
    this.staleIfErrorMs = cache.staleIfErrorMs;
    this.negativeTtlMs = cache.negativeTtlMs;
    this.minUses = cache.minUses;
    this.bytesMax = cache.bytesMax === 0 ? Number.POSITIVE_INFINITY : cache.bytesMax;
    this.honoursRequest = cache.honoursRequest;
    this.setCookie = nameIn(cacheSetCookie, cache.setCookie);
    this.coalesces = cache.coalesces;
    this.coalescesCluster = cache.coalescesCluster;
    this.readsSecondLevel = cache.readsSecondLevel;
    this.writesSecondLevel = cache.writesSecondLevel;
    this.waitMs = cache.waitMs;
    this.strict = cache.strict;
    this.debugToken = cache.debugToken === null ? null : textOf(cache.debugToken);
    this.constantResponse = responsePolicies.every(({ constantResponse }) => constantResponse);
    this.#key = new KeyPlan(cache, vary);
    this.#tags = new TagPlan(cache.tags);
    this.#ttl = new TtlPlan(cache);
    this.#bypass = new AnyCondition(cache.bypass);
    this.#noStore = new AnyCondition(cache.noStore);
    this.#languages = vary.languages.map((tag) => textOf(tag));
    this.#encoding = vary.encoding;
  }

  /**
   * The text of the key but for a stored Vary, one character per byte; null: this exchange has no
   * key (over the limit, or a body that is needed and is not JSON) and is not cached.
   */
  keyText(exchange: Exchange, body: Buffer | null): string | null {
    return this.#key.text(exchange, body);
  }

  /** The chosen query parameters, sorted, as they stand in the key. */
  query(exchange: Exchange): string {
    return this.#key.query.of(exchange.query) ?? '';
  }

  /** Neither looked up nor stored. */
  bypasses(exchange: Exchange): boolean {
    return this.#bypass.holds(exchange);
  }

  /** Looked up, not stored. */
  refusesToStore(exchange: Exchange): boolean {
    return this.#noStore.holds(exchange) || this.#tags.areTooLong(exchange);
  }

  /** The TTL that the route states for a status, in ms; -1: none. */
  ttlMs(exchange: Exchange, status: number, body: Buffer | null): number {
    return this.#ttl.of(exchange, status, body);
  }

  /**
   * Rendered, trimmed, without empty and double ones; at most cacheTagCountMax. One over
   * cacheTagBytesMax is not among them, and `refusesToStore` says so.
   */
  tags(exchange: Exchange): string[] {
    return this.#tags.of(exchange);
  }

  /**
   * Makes Accept-Language and Accept-Encoding say no more than the key does, where the key goes by
   * their class, so that an answer stored under a class was asked for by it. Before a fetch.
   */
  narrowRequest({ headers }: Exchange): void {
    if (this.#languages.length > 0) {
      const language = languageClass(headers.joined('accept-language'), this.#languages);
      if (language !== '') headers.set('accept-language', language);
    }
    if (this.#encoding) {
      headers.set('accept-encoding', encodingClass(headers.joined('accept-encoding')));
    }
  }
}

/** The name of a kind; the bytes were verified before. */
function nameIn<K extends string>(kinds: Readonly<Record<K, number>>, kind: number): K {
  const names = Object.keys(kinds) as K[];
  return present(
    names.find((name) => kinds[name] === kind),
    'the compiler writes known kinds only',
  );
}
