/** Heuristically cacheable (RFC 9110, section 15.1), but for 206, which is not stored. */
const heuristicallyCacheable: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501,
]);

/** Statuses whose caching this cache knows, so that `must-understand` lets it store them. */
const understood: ReadonlySet<number> = new Set([
  ...[200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 307, 308],
  ...[400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 417],
  ...[421, 422, 423, 424, 425, 426, 428, 429, 431, 451],
  ...[500, 501, 502, 503, 504, 505, 506, 507, 508, 511],
]);

/** A missing thing is worth remembering for a moment, also where the origin says nothing of it. */
const negative: ReadonlySet<number> = new Set([404, 405, 410, 414, 501]);

export function isHeuristicallyCacheable(status: number): boolean {
  return heuristicallyCacheable.has(status);
}

export function isUnderstood(status: number): boolean {
  return understood.has(status);
}

export function isNegative(status: number): boolean {
  return negative.has(status);
}

/**
 * Whether a route's plain `ttl` is meant for a status, where no `status-ttl` names it: success and
 * permanent redirects, never errors.
 */
export function takesPlainTtl(status: number): boolean {
  return heuristicallyCacheable.has(status) && status < 400;
}

/** Whether a status counts as the error that stale-if-error is for (RFC 5861, section 4). */
export function isErrorStatus(status: number): boolean {
  return status === 500 || status === 502 || status === 503 || status === 504;
}
