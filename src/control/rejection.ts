import { CutoverError, messageOf } from '../base/errors.ts';
import type { RejectedAnswer } from '../model/orders.ts';

/** The answer to an order that was not done because of what was thrown. */
export function rejection(id: number, thrown: unknown): RejectedAnswer {
  const error =
    thrown instanceof CutoverError
      ? thrown
      : new CutoverError('node-failed', messageOf(thrown), { source: 'internal', cause: thrown });
  return { kind: 'rejected', id, code: error.code, message: error.message };
}

export function rejected(id: number, code: string, message: string): RejectedAnswer {
  return { kind: 'rejected', id, code, message };
}
