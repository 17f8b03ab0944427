import type { NodeStep } from './fleet.ts';
import type { AppliedAnswer, RejectedAnswer, StagedAnswer } from './orders.ts';

/** What a node tells the others of how it followed an order of an apply. */
export function stepOf(
  revision: number,
  answer: StagedAnswer | AppliedAnswer | Pick<RejectedAnswer, 'kind' | 'code' | 'message'>,
): NodeStep {
  const times = { compileMs: 0, stagedMs: 0, switchedMs: 0, workers: [] };
  const step = { revision, outcome: answer.kind, code: '', message: '', ...times };
  switch (answer.kind) {
    case 'staged':
      return step;
    case 'rejected':
      return { ...step, code: answer.code, message: answer.message };
    default:
      return { ...step, ...answer.timings, workers: byWorker(answer) };
  }
}

/** Negative for one that lags. */
function byWorker({ workers, laggards }: AppliedAnswer): number[] {
  const count = Math.max(-1, ...workers.map(({ id }) => id), ...laggards) + 1;
  const switched = new Map(workers.map(({ id, switchedMs }) => [id, switchedMs]));
  return Array.from({ length: count }, (_, id) => switched.get(id) ?? -1);
}
