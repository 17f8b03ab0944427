import { RE2JS } from 're2js';
import type { PredicateT } from '#generated/cutover.js';
import { predicateKind } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import { cookieValue, decodeQuery, queryValue, textOf } from './template.ts';

/** Whether one field of a request is as the route wants it. */
export abstract class Predicate {
  protected readonly field: string;
  readonly #test: ValueTest;

  constructor({ name, kind, value }: PredicateT) {
    this.field = textOf(name);
    this.#test = new ValueTest(kind, textOf(value));
  }

  holds(exchange: Exchange): boolean {
    return this.#test.holds(this.read(exchange));
  }

  protected abstract read(exchange: Exchange): string | undefined;
}

export class HeaderPredicate extends Predicate {
  protected read(exchange: Exchange): string | undefined {
    return exchange.headers.joined(this.field);
  }
}

/** Query values are compared after percent-decoding; `+` is a space, as forms write it. */
export class QueryPredicate extends Predicate {
  protected read(exchange: Exchange): string | undefined {
    const raw = queryValue(exchange.query, this.field);
    return raw === undefined ? undefined : decodeQuery(raw);
  }
}

export class CookiePredicate extends Predicate {
  protected read(exchange: Exchange): string | undefined {
    return cookieValue(exchange.headers.joined('cookie'), this.field);
  }
}

/** Whether a value is as wanted; undefined: there is none. */
export class ValueTest {
  readonly #kind: number;
  readonly #wanted: string;
  readonly #pattern: RE2JS | null;

  constructor(kind: number, wanted: string) {
    this.#kind = kind;
    this.#wanted = wanted;
    this.#pattern = kind === predicateKind.regex ? RE2JS.compile(wanted) : null;
  }

  holds(value: string | undefined): boolean {
    switch (this.#kind) {
      case predicateKind.present:
        return value !== undefined;
      case predicateKind.absent:
        return value === undefined;
      case predicateKind.regex:
        return value !== undefined && this.#pattern?.matches(value) === true;
      default:
        return value === this.#wanted;
    }
  }
}
