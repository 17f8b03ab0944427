/**
 * The words of a compiled matcher: a trie over path segments below each host pattern.
 *
 *   hosts        open addressing by the hash of a host pattern's text        ─► root node
 *   edges        open addressing by (node, hash of a literal segment)        ─► child node
 *   nodes        a header, then per node: param child, candidates that end here, and that
 *                match any rest from here
 *   candidates   routes in order of precedence, with what decides them without decoding
 *   text         bytes that hosts and edges are compared with, after the hash agreed
 *
 * Node 0 does not exist, so 0 means none. A wildcard `*.shop.example` is stored as `.shop.example`.
 */

/** Hash (FNV-1a, from the right end), text offset, text length, root node. */
export const hostWords = 4;

/** Parent node, hash (FNV-1a, from the left), text offset, text length, child node. */
export const edgeWords = 5;

/** Param child, end candidates (offset, count), rest candidates (offset, count). */
export const nodeWords = 5;

/** Route index, method mask (0: any), predicate count. */
export const candidateWords = 3;

/** The words in front of the nodes. */
export const nodesHeader = {
  anyHostRoot: 0,
  hostMask: 1,
  edgeMask: 2,
  wildcardCount: 3,
  nodeCount: 4,
  words: 5,
} as const;

export const fnvOffset = 0x811c9dc5 | 0;
export const fnvPrime = 0x01000193;

/** FNV-1a over one more byte, in 32 bit signed arithmetic. */
export function fnvStep(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, fnvPrime);
}

/** Spreads a node's number over the edge table before the segment's hash is mixed in. */
export function edgeSlot(node: number, hash: number, mask: number): number {
  const mixed = Math.imul(node, 0x9e3779b1) ^ hash;
  return (mixed ^ (mixed >>> 15)) & mask;
}

/** Where a host's probe starts. */
export function hostSlot(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}
