import { assert } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import type { Outcome } from '../telemetry/recorder.ts';
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
  const allow = code === 'method-not-allowed' ? exchange.generation.allowedMethods() : '';
  const reply = problemReply(exchange, problem, allow);
  const close = problem.close || exchange.worker.draining || exchange.headers.hasBody;
  exchange.res.cork(() => sendReply(exchange, reply, close));
  finish(exchange, problem.ledger.kind === 'refused' ? problem.ledger : problem.ledger.reason);
}

/** Runs exactly once per exchange: ledger, figures, access log, unpin. */
export function finish(exchange: Exchange, outcome: Outcome): void {
  assert(!exchange.finished, 'an exchange finishes once');
  exchange.finished = true;
  const { worker, generation } = exchange;
  if (exchange.relay !== null) exchange.bytesOut = exchange.relay.bytes;
  worker.running.remove(exchange);
  if (!exchange.gone) exchange.body?.discard();
  exchange.leaveConnection();
  worker.recorder.finished(exchange, outcome);
  worker.access.finished(exchange, outcome);
  worker.giveHeaders(exchange.headers);
  worker.words.unpin(generation.slot);
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
