import { Matcher, noRoute, SegmentScratch } from '../../src/memory/matcher.ts';
import { methodBits, otherMethodsBit } from '../../src/memory/shape-kinds.ts';
import type { Definitions, Route } from '../../src/model/definitions.ts';
import { shapeOf } from './compiled.ts';
import { type PlainAnswer, type PlainRequest, predicatesFit } from './naive-matcher.ts';

/** Definitions compiled, verified and matched with the words that workers read. */
export function realMatcher(definitions: Definitions): (request: PlainRequest) => PlainAnswer {
  let current: PlainRequest | null = null;
  const route = (index: number): Route => definitions.routes[index] as Route;
  const matcher = new Matcher(shapeOf(definitions).matcher, new SegmentScratch(), {
    predicatesHold: (index) => predicatesFit(route(index), current as PlainRequest),
    otherMethodListed: (index) =>
      route(index).match.methods.includes((current as PlainRequest).method),
  });
  return (request) => {
    current = request;
    const found = matcher.match(request.host, methodBits[request.method] ?? 0, request.path);
    if (found !== noRoute) return { route: route(found).id };
    return { route: null, allow: methodsOf(matcher.allowMask) };
  };
}

/** The names of the bits; methods that have none are one name, `other`. */
function methodsOf(mask: number): string[] {
  const named = Object.entries({ ...methodBits, other: otherMethodsBit });
  return named.flatMap(([name, bit]) => ((mask & bit) === 0 ? [] : [name])).sort();
}
