import type { FailedReason, RefusedReason } from '../memory/ledger.ts';
import type { DoorCode } from './door.ts';
import { statusText } from './response-head.ts';

/**
 * Every response that the gateway makes because something is wrong: problem documents (RFC 9457)
 * with stable codes. The one place where errors become responses; docs/errors.md lists them.
 */
export interface Problem {
  readonly code: string;
  readonly status: number;
  readonly ledger:
    | { readonly kind: 'refused'; readonly reason: RefusedReason }
    | { readonly kind: 'failed'; readonly reason: FailedReason };
  /** Whether the connection is closed: what follows on it cannot be trusted or is not wanted. */
  readonly close: boolean;
  /** The status line with its header lines, and the document: made once. */
  readonly head: string;
  readonly body: string;
}

export type ProblemCode = DoorCode | keyof typeof refusals | keyof typeof failures;

const doorDetails: Readonly<Record<DoorCode, string>> = {
  'bad-method': 'The method is not a token.',
  'bad-target': 'The request target holds characters that must be percent-encoded.',
  'bad-path-escape': 'The path holds a malformed or forbidden percent escape.',
  'bad-path-dot-segment': 'The path holds a dot segment; send the path that is meant.',
  'bad-host': 'There must be one Host header with a host name and at most a port.',
  'bad-header-name': 'A header has an empty or malformed name.',
  'bad-header-value': 'A header value holds bytes other than visible ASCII, space and tab.',
  'bad-content-length': 'There must be one Content-Length of digits alone.',
  'bad-transfer-encoding':
    'Transfer-Encoding may be given once, as chunked, without Content-Length.',
  'bad-expect': 'The only expectation that is met is 100-continue.',
};

const refusals = {
  'no-route': ['no-route', 404, 'No route matches the request.'],
  'method-not-allowed': ['method', 405, 'The route does not take this method; see Allow.'],
  'method-not-implemented': ['method', 501, 'CONNECT and TRACE are not implemented.'],
  'path-too-long': ['limit', 414, 'The path has more segments than the limit of 64.'],
  'body-too-large': ['limit', 413, 'The body is longer than limits.body allows.'],
  'rate-limited': ['rate-limit', 429, 'Too many requests; Retry-After says when to come again.'],
  'upstream-busy': ['limit', 503, 'Too many requests wait for the upstream already.'],
  'breaker-open': [
    'breaker-open',
    503,
    'The upstream failed too often; it is left alone for a while.',
  ],
  'no-endpoint': ['no-endpoint', 503, 'The upstream has no endpoint.'],
  'not-in-cache': [
    'not-in-cache',
    504,
    'The request wants a stored response, and there is none (only-if-cached).',
  ],
  'not-ready': ['not-ready', 503, 'The gateway has no definitions yet.'],
} as const satisfies Record<string, readonly [RefusedReason, number, string]>;

const failures = {
  'upstream-connect': ['connect', 502, 'The upstream does not accept connections.'],
  'upstream-connect-timeout': [
    'connect-timeout',
    504,
    'The upstream did not accept a connection in time.',
  ],
  'upstream-headers-timeout': [
    'headers-timeout',
    504,
    'The upstream did not begin its response in time.',
  ],
  'upstream-idle-timeout': ['idle-timeout', 504, 'The upstream stopped sending.'],
  'upstream-reset': ['reset', 502, 'The upstream closed the connection before its response.'],
  'upstream-protocol': ['protocol', 502, 'The upstream did not send valid HTTP.'],
  internal: ['internal', 500, 'The gateway failed; its log says why.'],
} as const satisfies Record<string, readonly [FailedReason, number, string]>;

/** The rest of a body that is too large is not read; what follows a CONNECT is for a tunnel. */
const closing = new Set(['body-too-large', 'method-not-implemented']);
const retryAfterSeconds = 1;
const retryLater = new Set(['breaker-open', 'upstream-busy', 'no-endpoint', 'not-ready']);

export const problems: Readonly<Record<ProblemCode, Problem>> = Object.fromEntries([
  ...Object.entries(doorDetails).map(([code, detail]) => [
    code,
    make(code, 400, detail, { kind: 'refused', reason: doorReason(code) }, true),
  ]),
  ...Object.entries(refusals).map(([code, [reason, status, detail]]) => [
    code,
    make(code, status, detail, { kind: 'refused', reason }, closing.has(code)),
  ]),
  ...Object.entries(failures).map(([code, [reason, status, detail]]) => [
    code,
    make(code, status, detail, { kind: 'failed', reason }, false),
  ]),
]) as Record<ProblemCode, Problem>;

function doorReason(code: string): RefusedReason {
  return code === 'bad-expect' ? 'expectation' : 'door';
}

function make(
  code: string,
  status: number,
  detail: string,
  ledger: Problem['ledger'],
  close: boolean,
): Problem {
  const title = statusText(status).slice(4);
  const later = retryLater.has(code) ? `\r\nretry-after: ${retryAfterSeconds}` : '';
  return {
    code,
    status,
    ledger,
    close,
    head: `${statusText(status)}\r\ncontent-type: application/problem+json${later}`,
    body: JSON.stringify({ type: `urn:cutover:problem:${code}`, title, status, code, detail }),
  };
}
