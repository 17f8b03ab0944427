import type { Exchange } from './exchange.ts';
import { isSafeToRepeat, type Sent } from './upstream/retry-rule.ts';

/** Whether an exchange may be sent once more: attempts are left, it is safe, and in the budget. */
export function mayRepeat(exchange: Exchange, sent: Sent): boolean {
  const { upstream, worker, method, body } = exchange;
  if (upstream === null || exchange.attemptCount >= upstream.attempts) return false;
  if (!isSafeToRepeat(method, sent, body?.consumed ?? false)) return false;
  return upstream.budget.take(upstream.budgetPercent, worker.nowMs());
}
