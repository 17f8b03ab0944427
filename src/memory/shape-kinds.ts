/**
 * Names for the bytes in a compiled shape (schema/shape.fbs). The compiler writes them, the
 * gateway reads them; a change of meaning needs a new `shapeLayout`.
 */
export const shapeLayout = 2;

export const actionKind = { proxy: 1, respond: 2, redirect: 3 } as const;

export const policyKind = { headers: 1, 'rate-limit': 2 } as const;

/** `RateLimit.by`: what tells callers apart. */
export const limitBy = { ip: 1, route: 2, header: 3, cookie: 4 } as const;

export const predicateKind = { equals: 1, regex: 2, present: 3, absent: 4 } as const;

export const balanceKind = {
  roundRobin: 1,
  leastRequests: 2,
  hashHeader: 3,
  hashCookie: 4,
  hashIp: 5,
} as const;

export const hostKind = { preserve: 1, endpoint: 2, fixed: 3 } as const;

/** Bits of `Upstream.retry_on`. */
export const retryBits = {
  connect: 1,
  reset: 2,
  timeout: 4,
  '502': 8,
  '503': 16,
  '504': 32,
} as const;

/** `CachePolicy.override_kind`: what the TTL of a route wins over. */
export const cacheOverride = { origin: 1, ttl: 2, none: 3 } as const;

/** `CachePolicy.set_cookie`: what becomes of a response that sets a cookie. */
export const cacheSetCookie = { refuse: 1, strip: 2, store: 3 } as const;

/** `CacheVary.query`: which parameters are part of the key. */
export const queryChoice = { all: 1, allow: 2, deny: 3 } as const;

/** Bits of a method mask; a method without a bit is compared as text (`otherMethodsBit`). */
export const methodBits: Readonly<Record<string, number | undefined>> = {
  // A method named like a property of every object is no known one.
  __proto__: null as never,
  GET: 1,
  HEAD: 2,
  POST: 4,
  PUT: 8,
  PATCH: 16,
  DELETE: 32,
  OPTIONS: 64,
};

/** Set in a candidate's mask when its route also lists methods that have no bit. */
export const otherMethodsBit = 128;

/** `Part.source`: where the text of a template's part comes from. 0 is the text itself. */
export const partSource = {
  text: 0,
  'request.method': 1,
  'request.scheme': 2,
  'request.host': 3,
  'request.path': 4,
  'request.query': 5,
  'request.id': 6,
  'client.ip': 7,
  'consumer.name': 8,
  'route.id': 9,
  'upstream.name': 10,
  'node.id': 11,
  revision: 12,
  'request.header': 13,
  'request.query.named': 14,
  'request.cookie': 15,
  path: 16,
  'path.rest': 17,
} as const;
