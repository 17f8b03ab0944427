import type { FieldPredicate, Template } from './definitions.ts';
import type { SecretReference } from './secret.ts';

/** The cache block of a route in its resolved form (docs/definitions-cache.md). Pure, JSON-able. */
export interface CacheDefinition {
  /** In order; the first whose `when` holds wins. A single TTL is a rule that always holds. */
  readonly ttl: readonly TtlRule[];
  /** Single statuses first, then classes, each in order of its numbers. */
  readonly statusTtl: readonly StatusTtl[];
  readonly override: CacheOverride;
  /** Null: as the origin says. */
  readonly staleWhileRevalidateMs: number | null;
  readonly staleIfErrorMs: number | null;
  /** Null: what has failed is not cached unless the origin says so. */
  readonly negativeTtlMs: number | null;
  /** Sorted. */
  readonly methods: readonly CacheMethod[];
  /** Fields of a POST's body that are part of its key, sorted; empty without POST. */
  readonly body: readonly BodyPath[];
  readonly vary: CacheVary;
  readonly tags: readonly Template[];
  readonly minUses: number;
  /** Bytes of an entry; null: as the settings say. */
  readonly bytesMax: number | null;
  /** Neither looked up nor stored where one of these holds. */
  readonly bypass: readonly RequestCondition[];
  /** Looked up and not stored where one of these holds. */
  readonly noStore: readonly RequestCondition[];
  readonly requestDirectives: 'honour' | 'ignore';
  readonly setCookie: CacheSetCookie;
  /** How far one fetch per key reaches. */
  readonly coalesce: 'node' | 'cluster' | 'off';
  /** With the other nodes of a cluster: read and write, write only, or neither. */
  readonly secondLevel: 'on' | 'write' | 'off';
  /** In a cluster: nothing stored answers while a bust may have been missed. */
  readonly strict: boolean;
  /** How long an exchange waits for the fetch of another. */
  readonly waitMs: number;
  readonly debugToken: SecretReference | null;
}

export type CacheMethod = 'GET' | 'HEAD' | 'POST';

/** What a route's TTL wins over: nothing, the origin's freshness, or all that the origin says. */
export type CacheOverride = 'origin' | 'ttl' | 'none';

export type CacheSetCookie = 'refuse' | 'strip' | 'store';

export interface TtlRule {
  readonly when: InputCondition;
  readonly ttlMs: number;
}

export interface StatusTtl {
  /** Both included: 404 to 404, or 500 to 599. */
  readonly from: number;
  readonly to: number;
  readonly ttlMs: number;
}

/** Holds when all of its predicates do. */
export interface RequestCondition {
  readonly headers: readonly FieldPredicate[];
  readonly query: readonly FieldPredicate[];
  readonly cookies: readonly FieldPredicate[];
}

export interface InputCondition extends RequestCondition {
  readonly body: readonly BodyPredicate[];
}

/** A predicate over one field of a JSON body. */
export interface BodyPredicate {
  readonly path: BodyPath;
  /** Its `name` is the path's text. */
  readonly predicate: FieldPredicate;
}

/** `$.a.b[0]`: a way into a JSON value. No steps: the whole value. */
export interface BodyPath {
  readonly text: string;
  readonly steps: readonly (string | number)[];
}

export interface CacheVary {
  /** Lower case, sorted. */
  readonly headers: readonly string[];
  readonly query: QueryChoice;
  /** Sorted. */
  readonly cookies: readonly string[];
  readonly consumer: boolean;
  /** Lower case, in order of preference between equals. */
  readonly language: readonly string[];
  readonly encoding: boolean;
}

/** Which parameters are part of the key; names are compared as they are written in a URL. */
export type QueryChoice =
  | { readonly kind: 'all' }
  | { readonly kind: 'allow'; readonly names: readonly string[] }
  | { readonly kind: 'deny'; readonly names: readonly string[] };
