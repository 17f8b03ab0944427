import {
  HeaderChangesT,
  HeadersPolicyT,
  HeaderValueT,
  PartT,
  PolicyT,
  RouteT,
  TemplateT,
} from '#generated/cutover.js';
import { actionKind, partSource, policyKind } from '../../src/memory/shape-kinds.ts';

type Source = keyof typeof partSource;
/** A text, or a hole: its source with the name of the field or the index of the segment. */
export type WrittenPart = string | readonly [source: Source, of?: string | number];

/** A template as the compiler would have written it. */
export function template(...parts: readonly WrittenPart[]): TemplateT {
  return new TemplateT(
    parts.map((part) => {
      if (typeof part === 'string') return new PartT(partSource.text, part, 0);
      const [source, of = ''] = part;
      const index = typeof of === 'number' ? of : 0;
      return new PartT(partSource[source], typeof of === 'number' ? '' : of, index);
    }),
  );
}

type WrittenHeaders = Readonly<Record<string, readonly WrittenPart[]>>;

interface WrittenChanges {
  readonly remove?: readonly string[];
  readonly set?: WrittenHeaders;
  readonly add?: WrittenHeaders;
}

export function headerValues(headers: WrittenHeaders = {}): HeaderValueT[] {
  return Object.entries(headers).map(([name, parts]) => new HeaderValueT(name, template(...parts)));
}

export function headersPolicy(
  request: WrittenChanges = {},
  response: WrittenChanges = {},
): HeadersPolicyT {
  const changes = ({ remove = [], set, add }: WrittenChanges): HeaderChangesT =>
    new HeaderChangesT([...remove], headerValues(set), headerValues(add));
  return new HeadersPolicyT(changes(request), changes(response));
}

export function policyOf(headers: HeadersPolicyT): PolicyT {
  return new PolicyT(policyKind.headers, headers);
}

/** A route that answers by itself. */
export function respondRoute(
  status: number,
  headers: WrittenHeaders,
  ...body: readonly WrittenPart[]
): RouteT {
  const route = new RouteT('answer', 1);
  route.action = actionKind.respond;
  route.status = status;
  route.replyHeaders = headerValues(headers);
  route.replyBody = body.length === 0 ? null : template(...body);
  return route;
}

export function redirectRoute(status: number, ...location: readonly WrittenPart[]): RouteT {
  const route = new RouteT('redirect', 1);
  route.action = actionKind.redirect;
  route.status = status;
  route.location = template(...location);
  return route;
}
