import { assert } from '../base/assert.ts';
import { monotonicMs } from '../base/clock.ts';
import { keyBodyBytesMax } from '../base/limits.ts';
import type { HttpRequest, HttpResponse } from '../base/uws.ts';
import { noSlot } from '../memory/control-block.ts';
import { noRoute, tooManySegments } from '../memory/matcher.ts';
import { methodBits } from '../memory/shape-kinds.ts';
import { type LookupStep, lookUp, openTicket } from './caching/lookup.ts';
import type { CacheTicket } from './caching/ticket.ts';
import type { CacheHooks } from './caching/worker-cache.ts';
import { checkHeaders, checkPath, isTargetText, isToken } from './door.ts';
import { crash, detain, finish, guarded, refuse } from './ending.ts';
import { Exchange } from './exchange.ts';
import { clientGone, forward, takeBody } from './forwarding.ts';
import type { RoutePlan } from './plan/route-plan.ts';
import { type ProblemCode, problems } from './problems.ts';
import { sendReply } from './reply.ts';
import type { WorkerContext } from './worker-context.ts';

/**
 * The life of an exchange, all of it:
 *
 *   admit → pin → match → limit → cache lookup → request policies → reply | forward → finish
 *                                   └─ answered | waits, and is looked up again
 *
 * Each step returns and this page says what is next. What happens upstream (attempts, response
 * policies, store, relay) is forwarding.ts, and how all of it ends is ending.ts: `finish` runs once
 * on every path. Nothing that a client or an upstream does throws out of here.
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
  const { pinnedRevision } = worker.words;
  const headers = worker.readHeaders(req);
  exchange = new Exchange(worker, res, generation, pinnedRevision, headers, beganMs);
  // Behind its response `res` is not there any more.
  if (worker.access.wantsAddress) exchange.clientIp();
  try {
    begin(exchange, req);
  } catch (error) {
    crash(exchange, error);
  }
}

/** What is read of a request besides its header lines. */
export type RequestLine = Pick<HttpRequest, 'getCaseSensitiveMethod' | 'getUrl' | 'getQuery'>;

function begin(exchange: Exchange, req: HttpRequest): void {
  const refusal = admit(exchange, req) || match(exchange) || limit(exchange);
  if (refusal !== '') refuse(exchange, refusal);
  else if (exchange.plan?.cache != null && exchange.worker.cache !== null) openCache(exchange);
  else goOn(exchange);
}

/** The strict door: what the request says of itself must be readable in one way only. */
export function admit(exchange: Exchange, req: RequestLine): ProblemCode | '' {
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
  exchange.headers.dropListed();
  if (!isTargetText(exchange.query)) return 'bad-target';
  const checked = checkPath(exchange.path);
  if (checked === null) return '';
  // A path that is refused stays as it came, for the log.
  if (checked.code === '') exchange.path = checked.path;
  return checked.code;
}

/** Finds the exchange's route. */
export function match(exchange: Exchange): ProblemCode | '' {
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

/** Before the cache is looked into: what is answered out of it counts too. */
function limit(exchange: Exchange): ProblemCode | '' {
  const limits = exchange.plan?.rateLimits;
  return limits == null ? '' : limits.check(exchange);
}

/** The first lookup of an exchange; a POST whose body is part of the key waits for its body. */
function openCache(exchange: Exchange): void {
  const { plan, headers, method } = exchange;
  if (!headers.hasBody) {
    lookUpAgain(exchange, openTicket(exchange, null));
    return;
  }
  if (method !== 'POST' || plan?.cache?.needsBody !== true) {
    goOn(exchange);
    return;
  }
  detain(exchange);
  takeBody(exchange)?.gather(keyBodyBytesMax, (whole) =>
    guarded(exchange, () =>
      lookUpAgain(exchange, whole === null ? null : openTicket(exchange, whole)),
    ),
  );
}

/** Looks an exchange up and does what that leads to; without a ticket it goes past the cache. */
function lookUpAgain(exchange: Exchange, ticket: CacheTicket | null): void {
  const { cache } = exchange.worker;
  if (ticket === null || cache === null) goOn(exchange);
  else followLookup(exchange, lookUp(exchange, cache, ticket));
}

function followLookup(exchange: Exchange, step: LookupStep): void {
  switch (step) {
    case 'answered':
      finish(exchange, 'completed');
      return;
    case 'sending':
      return;
    case 'asks':
    case 'waits':
      detain(exchange);
      return;
    case 'not-in-cache':
      refuse(exchange, 'not-in-cache');
      return;
    default:
      goOn(exchange);
  }
}

/** What the cache cannot answer: a local reply, or the way upstream. */
function goOn(exchange: Exchange): void {
  const { plan } = exchange;
  assert(plan !== null, 'a matched exchange has its route');
  changeRequest(exchange, plan);
  if (plan.reply === null) {
    forward(exchange);
    return;
  }
  sendReply(exchange, plan.reply.prepared ?? plan.reply.render(exchange), exchange.closes);
  finish(exchange, 'completed');
}

/** Once, however often the exchange is looked up and sent. */
function changeRequest(exchange: Exchange, { requestPolicies }: RoutePlan): void {
  if (requestPolicies.length === 0 || exchange.requestChanged) return;
  exchange.requestChanged = true;
  if (exchange.ticket?.fill != null) exchange.ticket.asked = exchange.headers.copy();
  for (const policy of requestPolicies) policy.onRequest(exchange, exchange.headers);
}

/** What the cache asks for when something has changed; each is a turn of its own. */
export const cacheHooks: CacheHooks = {
  wake(exchange) {
    guarded(exchange, () => {
      if (exchange.gone) {
        // It went on for the cache alone, and that is done.
        finish(exchange, 'completed');
        return;
      }
      exchange.startOver();
      lookUpAgain(exchange, exchange.ticket);
    });
  },
  forward(exchange) {
    guarded(exchange, goOn);
  },
  detain,
  sent(exchange) {
    guarded(exchange, () => finish(exchange, 'completed'));
  },
  broken(exchange) {
    guarded(exchange, () => {
      finish(exchange, 'reset');
      if (!exchange.gone) exchange.res.close();
    });
  },
};
