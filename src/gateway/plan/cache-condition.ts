import type { CacheConditionT } from '#generated/cutover.js';
import { present } from '../../base/assert.ts';
import type { Exchange } from '../exchange.ts';
import { decodeSteps } from './body-steps.ts';
import { canonicalText, type JsonValue, valueAt } from './json-value.ts';
import {
  CookiePredicate,
  HeaderPredicate,
  type Predicate,
  QueryPredicate,
  ValueTest,
} from './predicates.ts';
import { textOf } from './template.ts';

/** Conditions over a request, of which one must hold. */
export class AnyCondition {
  readonly #conditions: readonly RequestCondition[];

  constructor(conditions: readonly CacheConditionT[]) {
    this.#conditions = conditions.map((one) => new RequestCondition(one));
  }

  holds(exchange: Exchange): boolean {
    for (const condition of this.#conditions) if (condition.holds(exchange)) return true;
    return false;
  }
}

/** Predicates over a request, all of which must hold. */
class RequestCondition {
  readonly #predicates: readonly Predicate[];

  constructor({ headers, query, cookies }: CacheConditionT) {
    this.#predicates = [
      ...headers.map((one) => new HeaderPredicate(one)),
      ...query.map((one) => new QueryPredicate(one)),
      ...cookies.map((one) => new CookiePredicate(one)),
    ];
  }

  holds(exchange: Exchange): boolean {
    for (const predicate of this.#predicates) if (!predicate.holds(exchange)) return false;
    return true;
  }
}

/** A condition over a request and the JSON value of its body, which undefined is not there. */
export class InputCondition {
  readonly readsBody: boolean;
  readonly #request: RequestCondition;
  readonly #body: readonly { steps: readonly (string | number)[]; test: ValueTest }[];

  constructor(condition: CacheConditionT) {
    this.#request = new RequestCondition(condition);
    this.#body = condition.body.map(({ path, predicate }) => {
      const { kind, value } = present(predicate, 'a predicate over a body says what it wants');
      const steps = decodeSteps(present(path, 'a predicate over a body has its path'));
      return { steps, test: new ValueTest(kind, textOf(value)) };
    });
    this.readsBody = this.#body.length > 0;
  }

  holds(exchange: Exchange, json: JsonValue | undefined): boolean {
    if (!this.#request.holds(exchange)) return false;
    for (const { steps, test } of this.#body) if (!test.holds(textAt(json, steps))) return false;
    return true;
  }
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
