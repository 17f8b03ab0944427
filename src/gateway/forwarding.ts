import { assert } from '../base/assert.ts';
import { ClientBacklog } from './caching/client-backlog.ts';
import { lookUp } from './caching/lookup.ts';
import { passedMember } from './caching/member.ts';
import { invalidateFor, receiveForCache } from './caching/receive.ts';
import { isErrorStatus } from './caching/statuses.ts';
import { account, crash, detain, finish, guarded, type Outcome, refuse } from './ending.ts';
import { isOpenEventStream } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { hashInput } from './hash-input.ts';
import { mayRepeat } from './repeat.ts';
import { isBodyless } from './reply.ts';
import { RequestBody } from './request-body.ts';
import { outgoingHead } from './request-head.ts';
import { notModifiedHead, responseHead } from './response-fields.ts';
import { asBytes } from './response-head.ts';
import { endWithoutBody, ResponseRelay } from './response-relay.ts';
import { Attempt, type AttemptReceiver } from './upstream/attempt.ts';
import type { ParsedHead } from './upstream/response-parser.ts';
import {
  type AttemptFailure,
  type Sent,
  wantsRepeat,
  wantsRepeatOfStatus,
} from './upstream/retry-rule.ts';

/**
 * An exchange upstream:
 *
 *   forward → attempt ─► head → (store) → response policies → relay → finish
 *                └─ repeat ◄─ failure ─► stands in, out of the cache | refused
 */
export function forward(exchange: Exchange): void {
  const { headers } = exchange;
  detain(exchange);
  const upstreams = exchange.generation.upstreams;
  exchange.upstream = upstreams[exchange.plan?.targets.draw(Math.random()) ?? 0] ?? null;
  if (!headers.hasBody || exchange.body !== null) {
    attempt(exchange);
    return;
  }
  if (takeBody(exchange) === null) return;
  // A short body comes in the same packet as its head, right after this callback.
  queueMicrotask(() => {
    if (!exchange.finished) guarded(exchange, attempt);
  });
}

/** The request's body, as it comes; null: it is too large, and the exchange is refused. */
export function takeBody(exchange: Exchange): RequestBody | null {
  const { res, worker, headers } = exchange;
  const bytesMax = worker.settings.limits.bodyBytes ?? Number.POSITIVE_INFINITY;
  if (Number(headers.contentLength) > bytesMax) {
    refuse(exchange, 'body-too-large');
    return null;
  }
  const length = headers.chunked ? -1 : Number(headers.contentLength);
  const body = new RequestBody(res, length, bytesMax, () => bodyTooLarge(exchange));
  exchange.body = body;
  return body;
}

/** Sends the request to one endpoint; also the second time. */
function attempt(exchange: Exchange): void {
  const { upstream, worker } = exchange;
  assert(upstream !== null, 'an exchange that goes upstream has its upstream');
  const nowMs = worker.nowMs();
  const endpoint = upstream.balancer.pick(hashInput(exchange, upstream), exchange.tried, nowMs);
  if (typeof endpoint === 'string') {
    refuse(exchange, endpoint);
    return;
  }
  const head = outgoingHead(exchange, upstream, endpoint);
  if (typeof head !== 'string') {
    refuse(exchange, head.refusal);
    return;
  }
  if (exchange.attemptCount === 0) upstream.budget.first(nowMs);
  exchange.attemptCount += 1;
  exchange.tried.push(endpoint);
  const current = new Attempt(exchange, endpoint, receiver, nowMs);
  exchange.attempt = current;
  current.call = endpoint.pool.send(
    {
      method: exchange.method,
      head,
      body: exchange.body,
      headersMs: upstream.headersMs,
      idleMs: upstream.idleMs,
    },
    current,
  );
  if (current.call === null) {
    current.abandon();
    refuse(exchange, 'upstream-busy');
  }
}

const receiver: AttemptReceiver = {
  onHead({ exchange }, head) {
    guarded(exchange, () => receiveHead(exchange, head));
  },
  onChunk({ exchange }, chunk) {
    if (exchange.finished) return true;
    try {
      return receiveChunk(exchange, chunk);
    } catch (error) {
      crash(exchange, error);
      return true;
    }
  },
  onEnd({ exchange }) {
    guarded(exchange, receiveEnd);
  },
  onFailure({ exchange }, failure, sent, message) {
    guarded(exchange, () => attemptFailed(exchange, failure, sent, message));
  },
};

function receiveHead(exchange: Exchange, received: ParsedHead): void {
  const { upstream, worker, ticket } = exchange;
  const { status } = received;
  assert(upstream !== null && exchange.plan !== null, 'a response belongs to a forwarded exchange');
  if (exchange.behind) exchange.status = status;
  if (wantsRepeatOfStatus(upstream.retryOn, status) && mayRepeat(exchange, 'maybe')) {
    exchange.attempt?.abandon();
    repeat(exchange);
    return;
  }
  if (isErrorStatus(status) && standIn(exchange)) return;
  if (ticket === null || worker.cache === null) {
    if (worker.cache !== null) invalidateFor(exchange, worker.cache, received);
    if (!exchange.gone) openRelay(exchange, received, passedMember(exchange, status));
    return;
  }
  const { client, status: member } = receiveForCache(exchange, worker.cache, ticket, received);
  if (client === 'later') exchange.answersLater = true;
  else if (client === 'again') {
    exchange.attempt?.abandon();
    exchange.startOver();
    attempt(exchange);
  } else if (exchange.gone) return;
  else if (client === 'not-modified') clientHasIt(exchange, received, member);
  else openRelay(exchange, received, member);
}

/** Begins the client's response. `cacheMember`: ours of Cache-Status; null: no part of the cache. */
function openRelay(exchange: Exchange, received: ParsedHead, cacheMember: string | null): void {
  const { status } = received;
  const opensAtOnce = isOpenEventStream(received);
  const head = responseHead(exchange, received, cacheMember);
  const bodyless = exchange.method === 'HEAD' || isBodyless(status);
  exchange.status = status;
  exchange.relay = new ResponseRelay(
    exchange.res,
    head,
    // 204 has none, whatever the upstream says (RFC 9110, section 8.6).
    status === 204 ? -1 : received.contentLength,
    bodyless,
    exchange.closes,
    { ending: () => exchange.body?.discard(), drained: () => drained(exchange) },
  );
  // A first event often comes along with the head: after this read it is known.
  if (opensAtOnce) queueMicrotask(() => guarded(exchange, () => exchange.relay?.openEventStream()));
}

/** The client has what it asked about: it is told so, and the response is fetched for the cache. */
function clientHasIt(exchange: Exchange, received: ParsedHead, cacheMember: string): void {
  const { res } = exchange;
  exchange.status = 304;
  res.cork(() => {
    res.writeStatus(asBytes(notModifiedHead(exchange, received, cacheMember)));
    endWithoutBody(res, -1, exchange.closes);
  });
  if (exchange.closes) exchange.endConnection();
  leaveToCache(exchange, 'completed');
}

/** False: the origin is to wait. */
function receiveChunk(exchange: Exchange, chunk: Buffer): boolean {
  const fill = exchange.ticket?.fill ?? null;
  fill?.chunk(chunk);
  if (exchange.gone && fill?.stores !== true) {
    exchange.attempt?.abandon();
    finish(exchange, 'aborted');
    return true;
  }
  const { relay, backlog } = exchange;
  if (relay === null) return true;
  if (backlog !== null) return backlog.add(chunk);
  if (relay.chunk(chunk)) return true;
  if (fill?.wanted !== true) return false;
  // Others wait for the rest: it comes at the origin's pace, and this client gets it at its own.
  exchange.backlog = new ClientBacklog(fill.bytesMax);
  return true;
}

function receiveEnd(exchange: Exchange): void {
  const { backlog, relay } = exchange;
  exchange.received = true;
  exchange.ticket?.fill?.end();
  if (exchange.answersLater) return;
  if (exchange.gone) finish(exchange, 'completed');
  else if (backlog !== null) backlog.ended = true;
  else if (relay?.end() === true) finish(exchange, 'completed');
}

/** The client took what had waited for it. */
function drained(exchange: Exchange): void {
  const { backlog, relay } = exchange;
  if (backlog !== null && relay !== null) {
    if (!backlog.drain((piece) => relay.chunk(piece))) return;
    exchange.backlog = null;
    if (backlog.ended) {
      if (relay.end()) finish(exchange, 'completed');
      return;
    }
  }
  if (relay?.isComplete === true) finish(exchange, 'completed');
  else exchange.attempt?.call?.resume();
}

function attemptFailed(
  exchange: Exchange,
  failure: AttemptFailure,
  sent: Sent,
  message: string,
): void {
  const { upstream, worker, res } = exchange;
  assert(upstream !== null, 'an attempt belongs to a forwarded exchange');
  worker.recorder.attemptFailed(upstream.number, failure);
  if (exchange.relay !== null) {
    // The head is out: the one way to say that the body is broken is to close.
    worker.access.upstreamFailed(exchange, failure, message);
    finish(exchange, failure);
    if (!exchange.gone) res.close();
    return;
  }
  if (wantsRepeat(upstream.retryOn, failure) && mayRepeat(exchange, sent)) {
    repeat(exchange);
    return;
  }
  worker.access.upstreamFailed(exchange, failure, message);
  if (standIn(exchange)) return;
  refuse(exchange, `upstream-${failure}`);
}

function repeat(exchange: Exchange): void {
  exchange.worker.recorder.retried(exchange.upstream?.number ?? 0);
  attempt(exchange);
}

/** What is stored answers in the place of an error (RFC 5861, section 4). */
function standIn(exchange: Exchange): boolean {
  const { ticket, worker } = exchange;
  if (ticket === null || worker.cache === null || exchange.gone) return false;
  ticket.acceptsStale = true;
  const step = lookUp(exchange, worker.cache, ticket);
  ticket.acceptsStale = false;
  if (step === 'forward') return false;
  exchange.attempt?.abandon();
  ticket.fill?.standIn();
  if (step === 'answered') finish(exchange, 'completed');
  return true;
}

function bodyTooLarge(exchange: Exchange): void {
  if (exchange.finished) return;
  exchange.attempt?.abandon();
  if (exchange.relay === null) {
    guarded(exchange, () => refuse(exchange, 'body-too-large'));
    return;
  }
  finish(exchange, { kind: 'refused', reason: 'limit' });
  exchange.res.close();
}

/** What is fetched may be worth storing without the client who asked for it. */
export function clientGone(exchange: Exchange): void {
  exchange.gone = true;
  if (exchange.finished) return;
  exchange.body?.clientGone();
  const { attempt: current, ticket, body, received } = exchange;
  const goesOn = current !== null && !received && (body === null || body.sent);
  if (goesOn && ticket?.fill?.wanted === true) {
    leaveToCache(exchange, 'aborted');
    return;
  }
  current?.abandon();
  finish(exchange, 'aborted');
}

/** The client's part is done; what goes on is for the cache alone. */
function leaveToCache(exchange: Exchange, outcome: Outcome): void {
  exchange.gone = true;
  account(exchange, outcome);
  exchange.relay = null;
  exchange.backlog = null;
  exchange.attempt?.call?.resume();
}

/** Ends a running exchange from outside: a drain that took too long. */
export function cutOff(exchange: Exchange): void {
  if (exchange.finished) return;
  exchange.attempt?.abandon();
  finish(exchange, 'drain-timeout');
  if (!exchange.gone) exchange.res.close();
}
