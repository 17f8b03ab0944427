import { pathSegmentCountMax } from '../base/limits.ts';
import { needsNormalizing, normalizePath } from '../base/path.ts';
import type { PathPattern, PathSegment } from './definitions.ts';

/** What is wrong with a path, for a person. */
export interface PathMessage {
  readonly message: string;
  readonly hint: string | null;
}

const paramPattern = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}$/;
/** Characters of a path segment (RFC 3986, section 3.3). */
const segmentPattern = /^[A-Za-z0-9\-._~!$&'()+,;=:@%]*$/;

/**
 * Reads `/catalog/{sku}/**`. A slash at the end is meant: `/a/` has an empty last segment and does
 * not match `/a`. Literals are put into the normal form that requests are put into.
 */
export function parsePathPattern(text: string): PathPattern | PathMessage {
  if (!text.startsWith('/')) return { message: 'must begin with a slash', hint: `write /${text}` };
  const pieces = text.slice(1).split('/');
  const rest = pieces.at(-1) === '**';
  if (rest) pieces.pop();
  if (pieces.length > pathSegmentCountMax) {
    return {
      message: `has more than ${pathSegmentCountMax} segments (pathSegmentCountMax)`,
      hint: null,
    };
  }
  const segments: PathSegment[] = [];
  const names = new Set<string>();
  for (const [index, piece] of pieces.entries()) {
    const segment = parseSegment(piece, index < pieces.length - 1 || rest);
    if ('message' in segment) return segment;
    if (segment.kind === 'param') {
      if (names.has(segment.name)) {
        return { message: `has the parameter ${segment.name} twice`, hint: null };
      }
      names.add(segment.name);
    }
    segments.push(segment);
  }
  return { text, segments, rest };
}

function parseSegment(piece: string, inner: boolean): PathSegment | PathMessage {
  const param = paramPattern.exec(piece);
  if (param !== null) return { kind: 'param', name: param[1] as string };
  if (piece === '' && inner) return { message: 'has an empty segment', hint: 'remove one slash' };
  if (piece.includes('*')) {
    return { message: `has a * in the segment ${piece}`, hint: '** may only be the last segment' };
  }
  if (/[{}]/.test(piece)) {
    return {
      message: `has the segment ${piece}, which is neither a literal nor one parameter`,
      hint: 'a parameter takes a whole segment: {name}',
    };
  }
  if (!segmentPattern.test(piece)) {
    return {
      message: `has characters in ${piece} that a path may not hold`,
      hint: 'percent-encode them',
    };
  }
  if (!needsNormalizing(`/${piece}`)) return { kind: 'literal', text: piece };
  const normal = normalizePath(`/${piece}`);
  if ('problem' in normal) {
    return { message: `has the segment ${piece}: ${normal.problem}`, hint: null };
  }
  return { kind: 'literal', text: normal.path.slice(1) };
}
