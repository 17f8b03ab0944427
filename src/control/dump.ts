import { candidateWords, nodesHeader, nodeWords } from '../memory/matcher-layout.ts';
import type { Definitions } from '../model/definitions.ts';
import { printReference } from '../model/secret.ts';
import { compileShape } from './compiler/compile.ts';
import { verifyShape } from './compiler/verify.ts';

/** A compiled shape as JSON: what the bytes say, read back through the workers' own reader. */
export function dumpShape(definitions: Definitions, hash: string): unknown {
  let last = 0;
  const next = (): number => {
    last += 1;
    return last;
  };
  const bytes = compileShape(definitions, {
    revision: 0,
    hash,
    numbering: { route: next, upstream: next },
    previousShapeKeys: new Map(),
    // A dump is for people's eyes: it says where a secret stands, and holds none.
    secret: (reference) => `(${printReference(reference)})`,
  });
  const shape = verifyShape(bytes);
  const { nodes, hosts, edges, candidates, text } = shape.matcher;
  const list = (offset: number, count: number): unknown[] =>
    Array.from({ length: count }, (_, index) => {
      const at = (offset + index) * candidateWords;
      const route = shape.route(candidates[at] as number);
      return { route: route.id, methodMask: candidates[at + 1], predicates: candidates[at + 2] };
    });
  return {
    bytes: bytes.length,
    hash: shape.hash,
    matcher: {
      anyHostRoot: nodes[nodesHeader.anyHostRoot],
      words: { hosts: hosts.length, edges: edges.length, nodes: nodes.length },
      textBytes: text.length,
      nodes: Array.from({ length: nodes[nodesHeader.nodeCount] ?? 0 }, (_, index) => {
        const at = nodesHeader.words + (index + 1) * nodeWords;
        return {
          node: index + 1,
          param: nodes[at],
          ends: list(nodes[at + 1] as number, nodes[at + 2] as number),
          rests: list(nodes[at + 3] as number, nodes[at + 4] as number),
        };
      }),
    },
    routes: Array.from({ length: shape.routeCount }, (_, index) => shape.route(index)),
    upstreams: Array.from({ length: shape.upstreamCount }, (_, index) => shape.upstream(index)),
  };
}
