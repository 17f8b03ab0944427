/** A broken invariant: a mistake of this program, never of a client, an upstream or an operator. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** States what must hold. `claim` is a constant so that the check costs a branch and nothing else. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new AssertionError(claim);
}

/** The value, which must be there: for array reads whose index is known to be in range. */
export function present<T>(value: T | undefined | null, claim: string): T {
  if (value === undefined || value === null) throw new AssertionError(claim);
  return value;
}

/** Marks a branch that the types prove unreachable. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
