import { PredicateT } from '#generated/cutover.js';
import { predicateKind } from '../../memory/shape-kinds.ts';
import type { FieldPredicate } from '../../model/definitions.ts';

export function encodePredicate(predicate: FieldPredicate): PredicateT {
  const value = 'value' in predicate ? predicate.value : null;
  return new PredicateT(predicate.name, predicateKind[predicate.kind], value);
}
