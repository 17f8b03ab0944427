import { pathSegmentCountMax } from '../base/limits.ts';
import {
  candidateWords,
  edgeSlot,
  edgeWords,
  fnvOffset,
  fnvStep,
  hostSlot,
  hostWords,
  nodesHeader,
  nodeWords,
} from './matcher-layout.ts';
import { otherMethodsBit } from './shape-kinds.ts';

/** The vectors of a compiled matcher, each a view on the shape's shared bytes. */
export interface MatcherVectors {
  readonly hosts: Uint32Array;
  readonly edges: Uint32Array;
  readonly nodes: Uint32Array;
  readonly candidates: Uint32Array;
  readonly text: Uint8Array;
}

/** Decides a candidate's header and query predicates and methods without a bit. */
export interface CandidateJudge {
  /** Whether the request meets all predicates of the route. */
  predicatesHold(routeIndex: number): boolean;
  /** Whether the route lists the request's method, which has no bit. */
  otherMethodListed(routeIndex: number): boolean;
}

/** Answers of `match` that are no route's index. */
export const noRoute = -1;
export const tooManySegments = -2;

/** Labels of a host name: 253 characters hold no more. */
const hostLabelCountMax = 128;
const colon = 0x3a;
const slash = 0x2f;
const dot = 0x2e;
const upperA = 0x41;
const upperZ = 0x5a;

/**
 * Where the segments of the path matched last begin and end: `path.slice(start[i], end[i])`.
 * One per worker, overwritten by the next match.
 */
export class SegmentScratch {
  readonly start = new Int32Array(pathSegmentCountMax + 1);
  readonly end = new Int32Array(pathSegmentCountMax + 1);
  readonly hash = new Int32Array(pathSegmentCountMax + 1);
  count = 0;

  /** Splits at slashes; the path must begin with one. False: more segments than the limit. */
  split(path: string): boolean {
    let hash = fnvOffset;
    let from = 1;
    let count = 0;
    const length = path.length;
    for (let i = 1; i < length; i++) {
      const byte = path.charCodeAt(i);
      if (byte !== slash) {
        hash = fnvStep(hash, byte);
        continue;
      }
      if (count === pathSegmentCountMax) return false;
      this.start[count] = from;
      this.end[count] = i;
      this.hash[count] = hash;
      count += 1;
      from = i + 1;
      hash = fnvOffset;
    }
    if (count === pathSegmentCountMax) return false;
    this.start[count] = from;
    this.end[count] = length;
    this.hash[count] = hash;
    this.count = count + 1;
    return true;
  }
}

/**
 * Finds the route of a request in a compiled matcher. Allocates nothing: reads the shared words,
 * the two strings by character code, and its own scratch.
 */
export class Matcher {
  /** Method bits of candidates that met everything but the method, for `Allow`. */
  allowMask = 0;
  /** Routes among these that list methods without a bit. */
  readonly allowOthers: number[] = [];
  readonly segments: SegmentScratch;
  readonly #vectors: MatcherVectors;
  readonly #suffixHash = new Int32Array(hostLabelCountMax);
  readonly #suffixStart = new Int32Array(hostLabelCountMax);
  #path = '';
  #methodBit = 0;
  #judge: CandidateJudge;

  constructor(vectors: MatcherVectors, segments: SegmentScratch, judge: CandidateJudge) {
    this.#vectors = vectors;
    this.segments = segments;
    this.#judge = judge;
  }

  /**
   * The index of the most specific route that matches, or `noRoute` or `tooManySegments`.
   * `methodBit` is 0 for a method without a bit. `path` is normalised and begins with a slash.
   */
  match(host: string, methodBit: number, path: string): number {
    this.allowMask = 0;
    this.allowOthers.length = 0;
    if (!this.segments.split(path)) return tooManySegments;
    this.#path = path;
    this.#methodBit = methodBit;
    const nodes = this.#vectors.nodes;
    if ((nodes[nodesHeader.hostMask] as number) > 0) {
      const found = this.#matchHosts(host);
      if (found >= 0) return found;
    }
    const root = nodes[nodesHeader.anyHostRoot] as number;
    return root === 0 ? noRoute : this.#walk(root, 0);
  }

  /** Tries the exact host, then wildcards from the longest suffix to the shortest. */
  #matchHosts(host: string): number {
    const end = hostEnd(host);
    let hash = fnvOffset;
    let suffixes = 0;
    for (let i = end - 1; i >= 0; i--) {
      const byte = lowerCase(host.charCodeAt(i));
      hash = fnvStep(hash, byte);
      if (byte === dot && suffixes < hostLabelCountMax && i > 0) {
        this.#suffixHash[suffixes] = hash;
        this.#suffixStart[suffixes] = i;
        suffixes += 1;
      }
    }
    // A host that begins with a dot reads like the text of a wildcard, and is none.
    const exact = host.charCodeAt(0) === dot ? 0 : this.#hostRoot(host, 0, end, hash);
    if (exact !== 0) {
      const found = this.#walk(exact, 0);
      if (found >= 0) return found;
    }
    if (this.#vectors.nodes[nodesHeader.wildcardCount] === 0) return noRoute;
    for (let i = suffixes - 1; i >= 0; i--) {
      const from = this.#suffixStart[i] as number;
      const root = this.#hostRoot(host, from, end, this.#suffixHash[i] as number);
      if (root === 0) continue;
      const found = this.#walk(root, 0);
      if (found >= 0) return found;
    }
    return noRoute;
  }

  #hostRoot(host: string, from: number, end: number, hash: number): number {
    const { hosts, nodes, text } = this.#vectors;
    const mask = nodes[nodesHeader.hostMask] as number;
    const length = end - from;
    for (let slot = hostSlot(hash, mask); ; slot = (slot + 1) & mask) {
      const at = slot * hostWords;
      const root = hosts[at + 3] as number;
      if (root === 0) return 0;
      if ((hosts[at] as number) !== hash >>> 0 || hosts[at + 2] !== length) continue;
      const offset = hosts[at + 1] as number;
      let same = 0;
      while (same < length && lowerCase(host.charCodeAt(from + same)) === text[offset + same]) {
        same += 1;
      }
      if (same === length) return root;
    }
  }

  /** Depth first: literal before parameter before rest, each node at most once. */
  #walk(node: number, depth: number): number {
    const nodes = this.#vectors.nodes;
    const at = nodesHeader.words + node * nodeWords;
    if (depth === this.segments.count) {
      const found = this.#choose(nodes[at + 1] as number, nodes[at + 2] as number);
      if (found >= 0) return found;
    } else {
      const child = this.#literalChild(node, depth);
      if (child !== 0) {
        const found = this.#walk(child, depth + 1);
        if (found >= 0) return found;
      }
      const param = nodes[at] as number;
      if (param !== 0 && this.segments.start[depth] !== this.segments.end[depth]) {
        const found = this.#walk(param, depth + 1);
        if (found >= 0) return found;
      }
    }
    return this.#choose(nodes[at + 3] as number, nodes[at + 4] as number);
  }

  #literalChild(node: number, depth: number): number {
    const { edges, nodes, text } = this.#vectors;
    const mask = nodes[nodesHeader.edgeMask] as number;
    const hash = this.segments.hash[depth] as number;
    const from = this.segments.start[depth] as number;
    const length = (this.segments.end[depth] as number) - from;
    const path = this.#path;
    for (let slot = edgeSlot(node, hash, mask); ; slot = (slot + 1) & mask) {
      const at = slot * edgeWords;
      const child = edges[at + 4] as number;
      if (child === 0) return 0;
      if (edges[at] !== node || edges[at + 1] !== hash >>> 0 || edges[at + 3] !== length) continue;
      const offset = edges[at + 2] as number;
      let same = 0;
      while (same < length && path.charCodeAt(from + same) === text[offset + same]) same += 1;
      if (same === length) return child;
    }
  }

  #choose(offset: number, count: number): number {
    const candidates = this.#vectors.candidates;
    for (let i = 0; i < count; i++) {
      const at = (offset + i) * candidateWords;
      const route = candidates[at] as number;
      const mask = candidates[at + 1] as number;
      const predicates = candidates[at + 2] as number;
      if (predicates > 0 && !this.#judge.predicatesHold(route)) continue;
      if (mask === 0 || (mask & this.#methodBit) !== 0) return route;
      if (this.#methodBit === 0 && this.#judge.otherMethodListed(route)) return route;
      this.allowMask |= mask;
      if ((mask & otherMethodsBit) !== 0) this.allowOthers.push(route);
    }
    return noRoute;
  }
}

/** The end of the host's name: before `:port`, and never inside the brackets of an IPv6 literal. */
function hostEnd(host: string): number {
  for (let i = host.length - 1; i >= 0; i--) {
    const byte = host.charCodeAt(i);
    if (byte === colon) return i;
    if (byte < 0x30 || byte > 0x39) return host.length;
  }
  return host.length;
}

function lowerCase(byte: number): number {
  return byte >= upperA && byte <= upperZ ? byte | 0x20 : byte;
}
