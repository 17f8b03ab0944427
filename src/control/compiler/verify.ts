import type { RateLimitT } from '#generated/cutover.js';
import { assert } from '../../base/assert.ts';
import { rateLimitMax, rateLimitWindowMsMax, rateLimitWindowMsMin } from '../../base/limits.ts';
import type { MatcherVectors } from '../../memory/matcher.ts';
import {
  candidateWords,
  edgeWords,
  hostWords,
  nodesHeader,
  nodeWords,
} from '../../memory/matcher-layout.ts';
import { type ShapeBytes, ShapeReader } from '../../memory/shape.ts';
import { limitBy } from '../../memory/shape-kinds.ts';
import { verifyCache } from './verify-cache.ts';

const dot = 0x2e;

/**
 * Reads a compiled shape the way a worker will, to its last field, before any worker sees it:
 * every index lies in its vector, every route and upstream unpacks. Throws an assertion, which
 * rejects the apply: such bytes are a mistake of the compiler.
 */
export function verifyShape(bytes: ShapeBytes): ShapeReader {
  const shape = new ShapeReader(bytes);
  verifyMatcher(shape.matcher, shape.routeCount);
  for (let index = 0; index < shape.routeCount; index++) {
    const route = shape.route(index);
    for (const { upstream } of route.targets) {
      assert(upstream < shape.upstreamCount, 'a target lies among the upstreams');
    }
    if (route.cache !== null) verifyCache(route.cache);
    for (const { rateLimit } of route.policies) {
      if (rateLimit !== null) verifyRateLimit(rateLimit);
    }
  }
  for (let index = 0; index < shape.upstreamCount; index++) {
    assert(shape.upstream(index).endpoints.length > 0, 'an upstream has an endpoint');
  }
  return shape;
}

function verifyRateLimit({ limit, windowMs, by, name }: RateLimitT): void {
  assert(limit >= 1 && limit <= rateLimitMax, 'a limit admits what can be counted');
  assert(windowMs >= rateLimitWindowMsMin, 'a window is not too short');
  assert(windowMs <= rateLimitWindowMsMax, 'a window is not too long');
  assert(Object.values<number>(limitBy).includes(by), 'what a limit counts by is known');
  const named = by === limitBy.header || by === limitBy.cookie;
  assert(named === (name !== null), 'a header or cookie has its name');
}

function verifyMatcher(matcher: MatcherVectors, routeCount: number): void {
  const { hosts, edges, nodes, candidates, text } = matcher;
  const nodeCount = nodes[nodesHeader.nodeCount] ?? 0;
  assert(nodes.length === nodesHeader.words + (nodeCount + 1) * nodeWords, 'all nodes are there');
  assert((nodes[nodesHeader.anyHostRoot] ?? 0) <= nodeCount, 'the root lies among the nodes');
  verifyTable(hosts, hostWords, 1, nodeCount, text.length);
  verifyTable(edges, edgeWords, 2, nodeCount, text.length);
  const hostMask = nodes[nodesHeader.hostMask] ?? 0;
  const keys = hostKeys(hosts, text);
  const hostSlots = keys.length === 0 ? 1 : hosts.length / hostWords;
  assert(hostMask + 1 === hostSlots, 'the host mask fits');
  const wildcardCount = keys.filter((first) => first === dot).length;
  assert(nodes[nodesHeader.wildcardCount] === wildcardCount, 'all wildcards are counted');
  assert((nodes[nodesHeader.edgeMask] ?? 0) + 1 === edges.length / edgeWords, 'the edge mask fits');
  const candidateCount = candidates.length / candidateWords;
  for (let node = 1; node <= nodeCount; node++) {
    const at = nodesHeader.words + node * nodeWords;
    const param = nodes[at] as number;
    assert(param <= nodeCount, 'a parameter leads to a node');
    assert(param === 0 || param > node, 'a parameter leads down, so that no walk goes round');
    for (const list of [at + 1, at + 3]) {
      const end = (nodes[list] as number) + (nodes[list + 1] as number);
      assert(end <= candidateCount, 'candidates of a node lie in their vector');
    }
  }
  for (let at = 0; at < edges.length; at += edgeWords) {
    const [parent, child] = [edges[at] as number, edges[at + edgeWords - 1] as number];
    assert(child === 0 || child > parent, 'an edge leads down, so that no walk goes round');
  }
  for (let at = 0; at < candidates.length; at += candidateWords) {
    assert((candidates[at] as number) < routeCount, 'a candidate is a route');
  }
}

/** The first byte of each host pattern that is there; a wildcard begins with a dot. */
function hostKeys(hosts: Uint32Array, text: Uint8Array): number[] {
  const keys: number[] = [];
  for (let at = 0; at < hosts.length; at += hostWords) {
    if (hosts[at + 3] !== 0) keys.push(text[hosts[at + 1] as number] as number);
  }
  return keys;
}

/** Offset, length and node stand at `textField` and after; a free slot must end every probe. */
function verifyTable(
  table: Uint32Array,
  words: number,
  textField: number,
  nodeCount: number,
  textLength: number,
): void {
  const slots = table.length / words;
  assert(Number.isInteger(Math.log2(slots)), 'a table has a power of two of slots');
  let free = 0;
  for (let at = 0; at < table.length; at += words) {
    const offset = table[at + textField] as number;
    const length = table[at + textField + 1] as number;
    const node = table[at + textField + 2] as number;
    if (node === 0) free += 1;
    assert(node <= nodeCount, 'an entry leads to a node');
    assert(offset + length <= textLength, 'the text of an entry lies in its vector');
  }
  assert(free > 0, 'a table has a free slot');
}
