import { assert } from '../base/assert.ts';
import { monotonicMs } from '../base/clock.ts';
import type { HttpRequest, HttpResponse } from '../base/uws.ts';
import { noSlot } from '../memory/control-block.ts';
import { noRoute, tooManySegments } from '../memory/matcher.ts';
import { methodBits } from '../memory/shape-kinds.ts';
import { checkHeaders, checkPath, isTargetText, isToken } from './door.ts';
import { crash, finish, guarded, refuse } from './ending.ts';
import { isOpenEventStream } from './event-stream.ts';
import { Exchange } from './exchange.ts';
import { hashInput } from './hash-input.ts';
import { type ProblemCode, problems } from './problems.ts';
import { mayRepeat } from './repeat.ts';
import { isBodyless, sendReply } from './reply.ts';
import { RequestBody } from './request-body.ts';
import { outgoingHead } from './request-head.ts';
import { responseHead } from './response-fields.ts';
import { ResponseRelay } from './response-relay.ts';
import { Attempt, type AttemptReceiver } from './upstream/attempt.ts';
import type { ParsedHead } from './upstream/response-parser.ts';
import {
  type AttemptFailure,
  type Sent,
  wantsRepeat,
  wantsRepeatOfStatus,
} from './upstream/retry-rule.ts';
import type { WorkerContext } from './worker-context.ts';

/**
 * The life of an exchange, all of it:
 *
 *   admit → pin → match → request policies → reply | forward → response policies → relay → finish
 *
 * Each step returns and this page says what is next; `finish` runs once on every path. Nothing
 * that a client or an upstream does throws out of here.
 */
export function serve(worker: WorkerContext, res: HttpResponse, req: HttpRequest): void {
  const beganMs = monotonicMs();
  let exchange: Exchange | null = null;
  // Before anything else: uWebSockets.js ends the process when a callback comes back with neither a
  // response nor this, and one whose thread is ended (out of heap, wedged) comes back from anywhere.
  res.onAborted(() => {
    if (exchange !== null) clientGone(exchange);
  });
  const slot = worker.words.pin();
  const generation = slot === noSlot ? undefined : worker.generations[slot];
  if (generation === undefined) {
    // No apply has come yet, or a new control has not applied to this new worker yet.
    if (slot !== noSlot) worker.words.unpin(slot);
    res.writeStatus(problems['not-ready'].head).end(problems['not-ready'].body, true);
    return;
  }
  worker.ledger.accepted(slot);
  exchange = new Exchange(worker, res, generation, worker.readHeaders(req), beganMs);
  // Behind its response `res` is not there any more.
  if (worker.access.wantsAddress) exchange.clientIp();
  try {
    begin(exchange, req);
  } catch (error) {
    crash(exchange, error);
  }
}

function begin(exchange: Exchange, req: HttpRequest): void {
  const refusal = admit(exchange, req) || match(exchange);
  if (refusal !== '') {
    refuse(exchange, refusal);
    return;
  }
  const { plan, worker } = exchange;
  assert(plan !== null, 'a matched exchange has its route');
  for (const policy of plan.requestPolicies) policy.onRequest(exchange, exchange.headers);
  if (plan.reply !== null) {
    sendReply(exchange, plan.reply.prepared ?? plan.reply.render(exchange), worker.draining);
    finish(exchange, 'completed');
    return;
  }
  forward(exchange);
}

/** The strict door: what the request says of itself must be readable in one way only. */
function admit(exchange: Exchange, req: HttpRequest): ProblemCode | '' {
  const method = req.getCaseSensitiveMethod();
  exchange.method = method;
  exchange.path = req.getUrl();
  exchange.query = req.getQuery() ?? '';
  if (methodBits[method] === undefined) {
    if (!isToken(method)) return 'bad-method';
    if (method === 'TRACE' || method === 'CONNECT') return 'method-not-implemented';
  }
  const problem = checkHeaders(exchange.headers);
  if (problem !== '') return problem;
  if (!isTargetText(exchange.query)) return 'bad-target';
  const checked = checkPath(exchange.path);
  if (checked === null) return '';
  // A path that is refused stays as it came, for the log.
  if (checked.code === '') exchange.path = checked.path;
  return checked.code;
}

function match(exchange: Exchange): ProblemCode | '' {
  const { generation, worker, headers, method, path } = exchange;
  worker.matching = exchange;
  const route = generation.matcher.match(headers.host, methodBits[method] ?? 0, path);
  worker.matching = null;
  if (route >= 0) {
    exchange.plan = generation.plan(route);
    return '';
  }
  if (route === tooManySegments) return 'path-too-long';
  assert(route === noRoute, 'a match is a route, none, or too long a path');
  return generation.matcher.allowMask === 0 ? 'no-route' : 'method-not-allowed';
}

/** Goes upstream: from here on the exchange outlives its callback. */
function forward(exchange: Exchange): void {
  const { res, worker, headers } = exchange;
  worker.running.add(exchange);
  exchange.holdConnection();
  const upstreams = exchange.generation.upstreams;
  exchange.upstream = upstreams[exchange.plan?.targets.draw(Math.random()) ?? 0] ?? null;
  if (!headers.hasBody) {
    attempt(exchange);
    return;
  }
  const bytesMax = worker.settings.limits.bodyBytes ?? Number.POSITIVE_INFINITY;
  if (Number(headers.contentLength) > bytesMax) {
    refuse(exchange, 'body-too-large');
    return;
  }
  const length = headers.chunked ? -1 : Number(headers.contentLength);
  exchange.body = new RequestBody(res, length, bytesMax, () => bodyTooLarge(exchange));
  // A short body comes in the same packet as its head, right after this callback.
  queueMicrotask(() => {
    if (!exchange.finished) guarded(exchange, attempt);
  });
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
      return exchange.relay === null || exchange.relay.chunk(chunk);
    } catch (error) {
      crash(exchange, error);
      return true;
    }
  },
  onEnd({ exchange }) {
    guarded(exchange, () => {
      if (exchange.relay?.end() === true) finish(exchange, 'completed');
    });
  },
  onFailure({ exchange }, failure, sent, message) {
    guarded(exchange, () => attemptFailed(exchange, failure, sent, message));
  },
};

function receiveHead(exchange: Exchange, received: ParsedHead): void {
  const { upstream, worker } = exchange;
  const { status } = received;
  assert(upstream !== null && exchange.plan !== null, 'a response belongs to a forwarded exchange');
  if (wantsRepeatOfStatus(upstream.retryOn, status) && mayRepeat(exchange, 'maybe')) {
    exchange.attempt?.abandon();
    repeat(exchange);
    return;
  }
  const opensAtOnce = isOpenEventStream(received);
  const head = responseHead(exchange, received);
  const bodyless = exchange.method === 'HEAD' || isBodyless(status);
  exchange.status = status;
  exchange.relay = new ResponseRelay(
    exchange.res,
    head,
    // 204 has none, whatever the upstream says (RFC 9110, section 8.6).
    status === 204 ? -1 : received.contentLength,
    bodyless,
    worker.draining,
    { ending: () => exchange.body?.discard(), drained: () => drained(exchange) },
  );
  // A first event often comes along with the head: after this read it is known.
  if (opensAtOnce) queueMicrotask(() => guarded(exchange, () => exchange.relay?.openEventStream()));
}

/** The client took what had waited for it. */
function drained(exchange: Exchange): void {
  if (exchange.relay?.isComplete === true) finish(exchange, 'completed');
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
    res.close();
    return;
  }
  if (wantsRepeat(upstream.retryOn, failure) && mayRepeat(exchange, sent)) {
    repeat(exchange);
    return;
  }
  worker.access.upstreamFailed(exchange, failure, message);
  refuse(exchange, `upstream-${failure}`);
}

function repeat(exchange: Exchange): void {
  exchange.worker.recorder.retried(exchange.upstream?.number ?? 0);
  attempt(exchange);
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

function clientGone(exchange: Exchange): void {
  exchange.gone = true;
  if (exchange.finished) return;
  exchange.body?.clientGone();
  exchange.attempt?.abandon();
  finish(exchange, 'aborted');
}

/** Ends a running exchange from outside: a drain that took too long. */
export function cutOff(exchange: Exchange): void {
  if (exchange.finished) return;
  exchange.attempt?.abandon();
  finish(exchange, 'drain-timeout');
  exchange.res.close();
}
