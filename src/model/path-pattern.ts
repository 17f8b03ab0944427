import { pathSegmentCountMax } from '../base/limits.ts';
import { needsNormalizing, normalizePath, type PathProblem } from '../base/path.ts';
import type { PathPattern, PathSegment } from './definitions.ts';

/** What is wrong with a path, for a person. */
export interface PathMessage {
  readonly message: string;
  readonly hint: string | null;
}

const paramPattern = /^\{([A-Za-z_][A-Za-z0-9_-]*)\}$/;
/** Stands for a path that is wrong itself, so that nothing else is blamed for it. */
export const unreadablePath: PathPattern = { text: '', segments: [], rest: true };

const explained: Readonly<Record<PathProblem, PathMessage>> = {
  'bad-escape': {
    message: 'has a % without two hex digits behind it',
    hint: 'write %25 for a percent sign',
  },
  'dot-segment': {
    message: 'has a dot segment, which no request can hold',
    hint: 'write the path that it leads to',
  },
  backslash: { message: 'has a backslash, which no request can hold', hint: 'use slashes' },
  control: { message: 'has an escaped control character, which no request can hold', hint: null },
};

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
  return { text: printPattern(segments, rest), segments, rest };
}

/** One text for one meaning, so that `/%61` and `/a` are the same pattern. */
function printPattern(segments: readonly PathSegment[], rest: boolean): string {
  const texts = segments.map((one) => (one.kind === 'param' ? `{${one.name}}` : one.text));
  return `/${[...texts, ...(rest ? ['**'] : [])].join('/')}`;
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
    return explained[normal.problem];
  }
  return { kind: 'literal', text: normal.path.slice(1) };
}
