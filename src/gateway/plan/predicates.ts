import { RE2JS } from 're2js';
import type { PredicateT } from '#generated/cutover.js';
import { predicateKind } from '../../memory/shape-kinds.ts';
import type { Exchange } from '../exchange.ts';
import { cookieValue, decodeQuery, queryValue, textOf } from './template.ts';

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

export function decodeCookiePredicate({ name, kind, value }: PredicateT): Predicate {
  const field = textOf(name);
  return judge(kind, textOf(value), (exchange) =>
    cookieValue(exchange.headers.joined('cookie'), field),
  );
}

function judge(
  kind: number,
  wanted: string,
  read: (exchange: Exchange) => string | undefined,
): Predicate {
  const holds = decodeTest(kind, wanted);
  return (exchange) => holds(read(exchange));
}

/** Whether a value is as wanted; undefined: there is none. */
export function decodeTest(kind: number, wanted: string): (value: string | undefined) => boolean {
  switch (kind) {
    case predicateKind.present:
      return (value) => value !== undefined;
    case predicateKind.absent:
      return (value) => value === undefined;
    case predicateKind.regex: {
      const pattern = RE2JS.compile(wanted);
      return (value) => value !== undefined && pattern.matches(value);
    }
    default:
      return (value) => value === wanted;
  }
}
