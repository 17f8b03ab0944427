import { methodBits, otherMethodsBit } from '../../memory/shape-kinds.ts';
import type { Route } from '../../model/definitions.ts';

/** What counts against another route of the same host and path: a method list, each predicate. */
export function predicateCountOf({ match }: Route): number {
  return (match.methods.length > 0 ? 1 : 0) + match.headers.length + match.query.length;
}

/** Bits of the methods; 0 when the route takes any. */
export function methodMaskOf({ match }: Route): number {
  return match.methods.reduce((mask, method) => mask | (methodBits[method] ?? otherMethodsBit), 0);
}

/** The methods that have no bit. */
export function otherMethodsOf({ match }: Route): string[] {
  return match.methods.filter((method) => methodBits[method] === undefined);
}
