import { assert } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import type { Outcome } from '../telemetry/recorder.ts';
import type { CacheTicket } from './caching/ticket.ts';
import type { Exchange } from './exchange.ts';
import { type ProblemCode, problems } from './problems.ts';
import { problemReply, sendReply } from './reply.ts';

/**
 * How exchanges end, whatever led there: `refuse` for what is answered with a problem document,
 * `crash` for our own mistakes, and `finish`, which runs once for each.
 */

/** Ends an exchange that has no response yet with a problem document. */
export function refuse(exchange: Exchange, code: ProblemCode): void {
  const problem = problems[code];
  const outcome = problem.ledger.kind === 'refused' ? problem.ledger : problem.ledger.reason;
  if (exchange.gone) {
    finish(exchange, outcome);
    return;
  }
  const reply = problemReply(exchange, problem, lineFor(exchange, code));
  const close = problem.close || exchange.closes || exchange.headers.hasBody;
  exchange.res.cork(() => sendReply(exchange, reply, close));
  finish(exchange, outcome);
}

/** The header line of a problem that is not the same for all. */
function lineFor({ generation, worker }: Exchange, code: ProblemCode): string {
  if (code === 'method-not-allowed') return `allow: ${generation.allowedMethods()}`;
  return code === 'rate-limited' ? `retry-after: ${worker.retryAfterSeconds}` : '';
}

/** From here on the exchange outlives its callback; its connection gets no other request. */
export function detain(exchange: Exchange): void {
  if (exchange.detained) return;
  exchange.detained = true;
  exchange.worker.running.add(exchange);
  if (!exchange.gone) exchange.holdConnection();
}

/** What the client got, into the ledger, the figures and the access log. */
export function account(exchange: Exchange, outcome: Outcome): void {
  if (exchange.accounted) return;
  exchange.accounted = true;
  const { worker, relay, ticket } = exchange;
  if (relay !== null) exchange.bytesOut = relay.bytes;
  exchange.leaveConnection();
  worker.recorder.finished(exchange, outcome);
  if (ticket !== null && exchange.plan !== null) {
    worker.recorder.lookedUp(exchange.plan.number, ticket.outcome ?? 'left');
  }
  worker.access.finished(exchange, outcome);
}

/** Runs exactly once per exchange: accounts for it, lets go of all it holds, unpins. */
export function finish(exchange: Exchange, outcome: Outcome): void {
  assert(!exchange.finished, 'an exchange finishes once');
  exchange.finished = true;
  const { worker, generation, ticket } = exchange;
  worker.running.remove(exchange);
  if (!exchange.gone) exchange.body?.discard();
  account(exchange, outcome);
  if (exchange.behind) worker.recorder.fetchedBehind(exchange, outcome);
  exchange.stream?.release();
  if (ticket !== null) leaveCache(exchange, ticket);
  worker.giveHeaders(exchange.headers);
  worker.words.unpin(generation.slot);
}

/** It waits for nothing any more, and nobody waits for it. */
function leaveCache(exchange: Exchange, ticket: CacheTicket): void {
  if (ticket.waited) exchange.worker.cache?.waiting.remove(ticket.key.text, exchange);
  ticket.fill?.fail();
}

/** Runs a step in a callback of the upstream's: what it throws is our mistake and ends in a 500. */
export function guarded(exchange: Exchange, step: (exchange: Exchange) => void): void {
  if (exchange.finished) return;
  try {
    step(exchange);
  } catch (error) {
    crash(exchange, error);
  }
}

/** A mistake of ours: logged, answered with a 500 where nothing is out yet, else closed. */
export function crash(exchange: Exchange, error: unknown): void {
  const { worker, res } = exchange;
  worker.access.crashed(
    exchange,
    messageOf(error),
    error instanceof Error ? error.stack : undefined,
  );
  const began = exchange.status !== 0;
  if (!exchange.finished) {
    exchange.attempt?.abandon();
    finish(exchange, 'internal');
  }
  if (exchange.gone) return;
  try {
    const { head, body } = problems.internal;
    if (began) res.close();
    else res.cork(() => res.writeStatus(head).end(body, true));
  } catch {
    // What failed had ended the response already.
  }
}

export type { Outcome };
