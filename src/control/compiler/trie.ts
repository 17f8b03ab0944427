import { MatcherT } from '#generated/cutover.js';
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
} from '../../memory/matcher-layout.ts';
import type { Route } from '../../model/definitions.ts';
import { methodMaskOf, predicateCountOf } from './precedence.ts';

/** A node while the trie is built: children by literal, one for a parameter, and who ends here. */
interface TrieNode {
  readonly index: number;
  readonly literals: Map<string, TrieNode>;
  param: TrieNode | null;
  readonly ends: number[];
  readonly rests: number[];
}

/** Builds the vectors of memory/matcher-layout.ts out of routes in order of appearance. */
export function buildMatcher(routes: readonly Route[]): MatcherT {
  const builder = new MatcherBuilder();
  for (const [index, route] of routes.entries()) builder.add(route, index);
  return builder.build(routes);
}

class MatcherBuilder {
  readonly #nodes: TrieNode[] = [];
  readonly #hostRoots = new Map<string, TrieNode>();
  #anyHost: TrieNode | null = null;
  readonly #text: number[] = [];
  readonly #textOffset = new Map<string, number>();

  add(route: Route, index: number): void {
    if (route.match.hosts.length === 0) {
      this.#anyHost ??= this.#node();
      this.#insert(this.#anyHost, route, index);
    }
    for (const host of route.match.hosts) {
      const key = host.startsWith('*.') ? host.slice(1) : host;
      let root = this.#hostRoots.get(key);
      if (root === undefined) {
        root = this.#node();
        this.#hostRoots.set(key, root);
      }
      this.#insert(root, route, index);
    }
  }

  build(routes: readonly Route[]): MatcherT {
    const hosts = this.#hostTable();
    const edges = this.#edgeTable();
    const candidates: number[] = [];
    const nodes = new Array<number>(nodesHeader.words + (this.#nodes.length + 1) * nodeWords).fill(
      0,
    );
    nodes[nodesHeader.anyHostRoot] = this.#anyHost?.index ?? 0;
    nodes[nodesHeader.hostMask] = this.#hostRoots.size === 0 ? 0 : hosts.length / hostWords - 1;
    nodes[nodesHeader.edgeMask] = edges.length / edgeWords - 1;
    nodes[nodesHeader.wildcardCount] = [...this.#hostRoots.keys()].filter(isSuffix).length;
    nodes[nodesHeader.nodeCount] = this.#nodes.length;
    for (const node of this.#nodes) {
      const at = nodesHeader.words + node.index * nodeWords;
      nodes[at] = node.param?.index ?? 0;
      nodes[at + 1] = candidates.length / candidateWords;
      nodes[at + 2] = node.ends.length;
      pushCandidates(candidates, node.ends, routes);
      nodes[at + 3] = candidates.length / candidateWords;
      nodes[at + 4] = node.rests.length;
      pushCandidates(candidates, node.rests, routes);
    }
    return new MatcherT(hosts, edges, nodes, candidates, this.#text);
  }

  #node(): TrieNode {
    const index = this.#nodes.length + 1;
    const node = { index, literals: new Map(), param: null, ends: [], rests: [] };
    this.#nodes.push(node);
    return node;
  }

  #insert(root: TrieNode, route: Route, index: number): void {
    let node = root;
    for (const segment of route.match.path.segments) {
      if (segment.kind === 'param') {
        node.param ??= this.#node();
        node = node.param;
        continue;
      }
      let child = node.literals.get(segment.text);
      if (child === undefined) {
        child = this.#node();
        node.literals.set(segment.text, child);
      }
      node = child;
    }
    (route.match.path.rest ? node.rests : node.ends).push(index);
  }

  #hostTable(): number[] {
    const slots = tableSize(this.#hostRoots.size);
    const table = new Array<number>(slots * hostWords).fill(0);
    for (const [key, root] of this.#hostRoots) {
      let hash = fnvOffset;
      for (let i = key.length - 1; i >= 0; i--) hash = fnvStep(hash, key.charCodeAt(i));
      let slot = hostSlot(hash, slots - 1);
      while (table[slot * hostWords + 3] !== 0) slot = (slot + 1) & (slots - 1);
      this.#write(table, slot * hostWords, hash, key, root.index);
    }
    return table;
  }

  #edgeTable(): number[] {
    const count = this.#nodes.reduce((sum, node) => sum + node.literals.size, 0);
    const slots = tableSize(count);
    const table = new Array<number>(slots * edgeWords).fill(0);
    for (const node of this.#nodes) {
      for (const [literal, child] of node.literals) {
        let hash = fnvOffset;
        for (let i = 0; i < literal.length; i++) hash = fnvStep(hash, literal.charCodeAt(i));
        let slot = edgeSlot(node.index, hash, slots - 1);
        while (table[slot * edgeWords + 4] !== 0) slot = (slot + 1) & (slots - 1);
        table[slot * edgeWords] = node.index;
        this.#write(table, slot * edgeWords + 1, hash, literal, child.index);
      }
    }
    return table;
  }

  /** Hash, text offset, text length, node. Equal texts share their bytes. */
  #write(table: number[], at: number, hash: number, text: string, node: number): void {
    let offset = this.#textOffset.get(text);
    if (offset === undefined) {
      offset = this.#text.length;
      this.#textOffset.set(text, offset);
      for (let i = 0; i < text.length; i++) this.#text.push(text.charCodeAt(i));
    }
    table[at] = hash >>> 0;
    table[at + 1] = offset;
    table[at + 2] = text.length;
    table[at + 3] = node;
  }
}

function isSuffix(key: string): boolean {
  return key.startsWith('.');
}

/** A power of two that leaves at least half of the slots empty, so that probes stay short. */
function tableSize(count: number): number {
  let size = 4;
  while (size < count * 2) size *= 2;
  return size;
}

/** More predicates first, then order of appearance. */
function pushCandidates(into: number[], indexes: number[], routes: readonly Route[]): void {
  const ranked = indexes
    .map((index) => ({ index, route: routes[index] as Route }))
    .sort((a, b) => predicateCountOf(b.route) - predicateCountOf(a.route) || a.index - b.index);
  for (const { index, route } of ranked) {
    const { headers, query } = route.match;
    into.push(index, methodMaskOf(route), headers.length + query.length);
  }
}
