import { RE2JS } from 're2js';
import type { PredicateT } from '#generated/cutover.js';
import { predicateKind } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import { decodeQuery, queryValue, textOf } from './template.ts';

/** Whether one field of a request is as the route wants it. */
export type Predicate = (exchange: Exchange) => boolean;

export function decodeHeaderPredicate({ name, kind, value }: PredicateT): Predicate {
  const field = textOf(name);
  return judge(kind, textOf(value), (exchange) => exchange.headers.joined(field));
}

/** Query values are compared after percent-decoding; `+` is a space, as forms write it. */
export function decodeQueryPredicate({ name, kind, value }: PredicateT): Predicate {
  const field = textOf(name);
  return judge(kind, textOf(value), ({ query }) => {
    const raw = queryValue(query, field);
    return raw === undefined ? undefined : decodeQuery(raw);
  });
}

function judge(
  kind: number,
  wanted: string,
  read: (exchange: Exchange) => string | undefined,
): Predicate {
  switch (kind) {
    case predicateKind.present:
      return (exchange) => read(exchange) !== undefined;
    case predicateKind.absent:
      return (exchange) => read(exchange) === undefined;
    case predicateKind.regex: {
      const pattern = RE2JS.compile(wanted);
      return (exchange) => {
        const value = read(exchange);
        return value !== undefined && pattern.matches(value);
      };
    }
    default:
      return (exchange) => read(exchange) === wanted;
  }
}
