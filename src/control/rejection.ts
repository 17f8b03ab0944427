import { CutoverError, messageOf } from '../base/errors.ts';
import type { ApplyOrder, RejectedAnswer } from '../model/orders.ts';
import type { LinkAnswer } from './worker-link.ts';

/** The answer to an order that was not done because of what was thrown. */
export function rejection(id: number, thrown: unknown): RejectedAnswer {
  const error =
    thrown instanceof CutoverError
      ? thrown
      : new CutoverError('node-failed', messageOf(thrown), { source: 'internal', cause: thrown });
  return { kind: 'rejected', id, code: error.code, message: error.message };
}

/** The manager did not wait for it any longer. */
export function withdrawn(order: ApplyOrder): RejectedAnswer {
  return rejected(order, 'control-silent', 'the apply was given up before the node switched');
}

export function rejected({ id }: ApplyOrder, code: string, message: string): RejectedAnswer {
  return { kind: 'rejected', id, code, message };
}

/** A lost worker does not stop an apply: it attaches everything when it is back. */
export function describe(worker: number, answer: LinkAnswer, waitMs: number): string[] {
  if (answer.kind === 'failed') return [`worker ${worker}: ${answer.error}`];
  if (answer.kind === 'late') return [`worker ${worker} did not attach within ${waitMs} ms`];
  return [];
}
