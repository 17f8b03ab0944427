import type { CacheConditionT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import type { Exchange } from '../exchange.ts';
import { decodeSteps } from './body-steps.ts';
import { canonicalText, type JsonValue, valueAt } from './json-value.ts';
import {
  decodeCookiePredicate,
  decodeHeaderPredicate,
  decodeQueryPredicate,
  decodeTest,
  type Predicate,
} from './predicates.ts';
import { textOf } from './template.ts';

/** Whether one of several conditions holds. */
export function decodeConditions(conditions: readonly CacheConditionT[]): Predicate {
  if (conditions.length === 0) return () => false;
  const decoded = conditions.map(decodeRequest);
  return (exchange) => decoded.some((holds) => holds(exchange));
}

/** A condition over a request and the JSON value of its body, which undefined is not there. */
export interface InputTest {
  readonly readsBody: boolean;
  holds(exchange: Exchange, body: JsonValue | undefined): boolean;
}

export function decodeInput(condition: CacheConditionT): InputTest {
  const request = decodeRequest(condition);
  const body = condition.body.map(({ path, predicate }) => {
    const { kind, value } = present(predicate, 'a predicate over a body says what it wants');
    const steps = decodeSteps(present(path, 'a predicate over a body has its path'));
    return { steps, test: decodeTest(kind, textOf(value)) };
  });
  return {
    readsBody: body.length > 0,
    holds: (exchange, json) =>
      request(exchange) && body.every(({ steps, test }) => test(textAt(json, steps))),
  };
}

/** The text of a field of a body: of a string what is in it, else its canonical JSON. */
function textAt(
  json: JsonValue | undefined,
  steps: readonly (string | number)[],
): string | undefined {
  const value = json === undefined ? undefined : valueAt(json, steps);
  if (value === undefined) return undefined;
  return value.kind === 'string' ? value.text : canonicalText(value);
}

function decodeRequest({ headers, query, cookies }: CacheConditionT): Predicate {
  const predicates = [
    ...headers.map(decodeHeaderPredicate),
    ...query.map(decodeQueryPredicate),
    ...cookies.map(decodeCookiePredicate),
  ];
  return (exchange) => predicates.every((holds) => holds(exchange));
}
