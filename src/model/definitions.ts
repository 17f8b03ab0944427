import type { CacheDefinition } from './cache-definition.ts';

/**
 * The resolved form of a set of definitions: what a person wrote, validated, shorthand expanded,
 * units parsed, defaults filled in. Pure, immutable, JSON-able: no functions, maps or dates.
 * The compiler reads only this.
 */
export interface Definitions {
  readonly upstreams: readonly Upstream[];
  /** In order of appearance, which is the last tie-breaker of precedence. */
  readonly routes: readonly Route[];
}

export interface Upstream {
  readonly name: string;
  readonly endpoints: readonly Endpoint[];
  readonly balance: Balance;
  /** Connections per endpoint and worker, at most. */
  readonly connections: number;
  readonly timeout: UpstreamTimeout;
  readonly retry: Retry;
  readonly health: Health | null;
  readonly breaker: Breaker | null;
  readonly host: HostPolicy;
}

export interface Endpoint {
  /** `http://host:port`, lower case, the port always written, no path. */
  readonly origin: string;
  readonly weight: number;
}

export type Balance =
  | { readonly kind: 'round-robin' }
  | { readonly kind: 'least-requests' }
  | { readonly kind: 'hash'; readonly by: 'header' | 'cookie'; readonly name: string }
  | { readonly kind: 'hash'; readonly by: 'ip' };

export interface UpstreamTimeout {
  readonly connectMs: number;
  /** From the last byte of the request to the head of the response. */
  readonly headersMs: number;
  /** Between two chunks of a body, in either direction. */
  readonly idleMs: number;
}

export type RetryCause = 'connect' | 'reset' | 'timeout' | '502' | '503' | '504';

export interface Retry {
  /** How often one exchange may be sent in all, the first time included. 1: never again. */
  readonly attempts: number;
  readonly on: readonly RetryCause[];
  /** Repeats in percent of first attempts, per worker and upstream, over a sliding window. */
  readonly budgetPercent: number;
}

export interface Health {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures in a row, of checks or of live requests, until an endpoint gets no more traffic. */
  readonly unhealthy: number;
  /** Good checks in a row until it gets traffic again. */
  readonly healthy: number;
}

export interface Breaker {
  readonly failuresPercent: number;
  /** The number of latest outcomes that the share is taken over. */
  readonly of: number;
  readonly openMs: number;
}

/** Which `Host` an upstream sees: the client's, the endpoint's own, or a fixed name. */
export type HostPolicy =
  | { readonly kind: 'preserve' }
  | { readonly kind: 'endpoint' }
  | { readonly kind: 'fixed'; readonly value: string };

export interface Route {
  readonly id: string;
  readonly match: Match;
  readonly action: Action;
  readonly policies: readonly Policy[];
  /** Null: never cached. */
  readonly cache: CacheDefinition | null;
}

export interface Match {
  /** Lower case; `*.name` is a wildcard over one or more labels; empty: any host. */
  readonly hosts: readonly string[];
  /** Upper case; empty: any method. */
  readonly methods: readonly string[];
  readonly path: PathPattern;
  readonly headers: readonly FieldPredicate[];
  readonly query: readonly FieldPredicate[];
}

/** Segments between slashes, in order; `rest` (a final `**`) matches zero or more further ones. */
export interface PathPattern {
  readonly text: string;
  readonly segments: readonly PathSegment[];
  readonly rest: boolean;
}

export type PathSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'param'; readonly name: string };

export type FieldPredicate =
  | { readonly name: string; readonly kind: 'equals'; readonly value: string }
  | { readonly name: string; readonly kind: 'regex'; readonly value: string }
  | { readonly name: string; readonly kind: 'present' }
  | { readonly name: string; readonly kind: 'absent' };

export type Action =
  | {
      readonly kind: 'proxy';
      readonly targets: readonly Target[];
      /** The path sent upstream; null: as it came. The query always goes along. */
      readonly rewritePath: Template | null;
    }
  | {
      readonly kind: 'respond';
      readonly status: number;
      readonly headers: readonly HeaderValue[];
      readonly body: Template;
    }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: Template };

export interface Target {
  readonly upstream: string;
  readonly weight: number;
}

/** A policy is a tagged union so that new ones are a new member, an encoder and a runner. */
export type Policy = HeadersPolicy | RateLimitPolicy;

export interface HeadersPolicy {
  readonly kind: 'headers';
  readonly request: HeaderChanges;
  readonly response: HeaderChanges;
}

/** How many requests of one caller a window admits. */
export interface RateLimitPolicy {
  readonly kind: 'rate-limit';
  /** Identity of its counts: `route:ID:N` unless a name was given, which has no colon. */
  readonly id: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly by: LimitBy;
}

/** What tells callers apart; `route`: all of them together. */
export type LimitBy =
  | { readonly kind: 'ip' }
  | { readonly kind: 'route' }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'cookie'; readonly name: string };

/** Applied in this order: remove, set, add. Names are lower case. */
export interface HeaderChanges {
  readonly remove: readonly string[];
  readonly set: readonly HeaderValue[];
  readonly add: readonly HeaderValue[];
}

export interface HeaderValue {
  readonly name: string;
  readonly value: Template;
}

/** A text with holes. A template without holes has one part, or none for the empty text. */
export type Template = readonly TemplatePart[];

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'field'; readonly source: FieldSource }
  | { readonly kind: 'field'; readonly source: NamedFieldSource; readonly name: string };

/** What a hole may hold. `request.query` is the raw query string without its question mark. */
export type FieldSource =
  | 'request.method'
  | 'request.scheme'
  | 'request.host'
  | 'request.path'
  | 'request.query'
  | 'request.id'
  | 'client.ip'
  | 'consumer.name'
  | 'route.id'
  | 'upstream.name'
  | 'node.id'
  | 'revision';

/** Holes that need a name: `${request.header.x-id}`, `${path.sku}`; the rest is `${path.**}`. */
export type NamedFieldSource = 'request.header' | 'request.query' | 'request.cookie' | 'path';
