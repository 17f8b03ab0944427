// Goal: bytes that are not a sound shape are refused before a worker reads them. Method: a sound
// shape, one word or byte of it changed, given to the verification.
import { describe, expect, test } from 'vitest';
import { verifyShape } from '../../../src/control/compiler/verify.ts';
import type { MatcherVectors } from '../../../src/memory/matcher.ts';
import {
  candidateWords,
  edgeWords,
  hostWords,
  nodesHeader,
  nodeWords,
} from '../../../src/memory/matcher-layout.ts';
import { type ShapeBytes, ShapeReader } from '../../../src/memory/shape.ts';
import { bytesOf, resolved } from '../../kit/compiled.ts';

function soundBytes(): ShapeBytes {
  const match = { hosts: ['a.b', '*.b'], path: '/x/{y}/**', methods: ['GET'] };
  return bytesOf(
    resolved({
      upstreams: { u: { endpoints: ['http://u'] } },
      routes: [
        { id: 'proxy', match, upstream: 'u' },
        { id: 'reply', match: { path: '/x' }, respond: { body: 'hello' } },
      ],
    }),
  );
}

/** Bytes whose matcher was changed in place; the vectors of a reader are views on them. */
function corrupted(change: (matcher: MatcherVectors) => void): ShapeBytes {
  const bytes = soundBytes();
  change(new ShapeReader(bytes).matcher);
  return bytes;
}

const firstNode = nodesHeader.words + nodeWords;
const far = 1_000_000;

/** The place of the first entry of a table that is taken. */
function taken(table: Uint32Array, words: number): number {
  for (let at = 0; at < table.length; at += words) if (table[at + words - 1] !== 0) return at;
  throw new Error('the table is empty');
}

test('sound bytes are read back', () => {
  const shape = verifyShape(soundBytes());
  expect(shape.revision).toBe(7);
  expect(shape.hash).toBe('a hash');
  expect([shape.routeCount, shape.upstreamCount]).toEqual([2, 1]);
  expect(shape.route(1).id).toBe('reply');
  expect(shape.upstream(0).endpoints[0]?.origin).toBe('http://u:80');
  expect(() => shape.route(2)).toThrow('a route index lies in its shape');
  expect(() => shape.upstream(1)).toThrow('an upstream index lies in its shape');
});

test('the same definitions give the same bytes', () => {
  expect(Buffer.from(soundBytes()).equals(Buffer.from(soundBytes()))).toBe(true);
});

describe('refused', () => {
  test.each<[string, (matcher: MatcherVectors) => void, string]>([
    [
      'more nodes than there are',
      ({ nodes }) => {
        nodes[nodesHeader.nodeCount] = far;
      },
      'all nodes are there',
    ],
    [
      'fewer nodes than there are',
      ({ nodes }) => {
        nodes[nodesHeader.nodeCount] = 1;
      },
      'all nodes are there',
    ],
    [
      'a root that is no node',
      ({ nodes }) => {
        nodes[nodesHeader.anyHostRoot] = far;
      },
      'root lies among the nodes',
    ],
    [
      'an edge mask too wide',
      ({ nodes }) => {
        nodes[nodesHeader.edgeMask] = 255;
      },
      'edge mask fits',
    ],
    [
      'an edge mask too narrow',
      ({ nodes }) => {
        nodes[nodesHeader.edgeMask] = 1;
      },
      'edge mask fits',
    ],
    [
      'a parameter that leads nowhere',
      ({ nodes }) => {
        nodes[firstNode] = far;
      },
      'parameter leads to a node',
    ],
    [
      'candidates that end too far',
      ({ nodes }) => {
        nodes[firstNode + 2] = far;
      },
      'candidates of a node lie',
    ],
    [
      'rest candidates that begin too far',
      ({ nodes }) => {
        nodes[firstNode + 3] = far;
      },
      'candidates of a node lie',
    ],
    [
      'a candidate that is no route',
      ({ candidates }) => {
        candidates[0] = 2;
      },
      'a candidate is a route',
    ],
    [
      'the last candidate that is no route',
      ({ candidates }) => {
        candidates[candidates.length - candidateWords] = far;
      },
      'a candidate is a route',
    ],
    [
      'a host that leads nowhere',
      ({ hosts }) => {
        hosts[taken(hosts, hostWords) + 3] = far;
      },
      'an entry leads to a node',
    ],
    [
      'a host whose text is too long',
      ({ hosts }) => {
        hosts[taken(hosts, hostWords) + 2] = far;
      },
      'text of an entry lies',
    ],
    [
      'an edge whose text is too far',
      ({ edges }) => {
        edges[taken(edges, edgeWords) + 2] = far;
      },
      'text of an entry lies',
    ],
    [
      'an edge that leads nowhere',
      ({ edges }) => {
        edges[taken(edges, edgeWords) + 4] = far;
      },
      'an entry leads to a node',
    ],
    [
      'a table without a free slot',
      ({ edges }) => {
        for (let at = 4; at < edges.length; at += edgeWords) edges[at] = 1;
      },
      'a table has a free slot',
    ],
  ])('%s', (_name, change, claim) => {
    expect(() => verifyShape(corrupted(change))).toThrow(claim);
  });

  test('another identifier', () => {
    const bytes = soundBytes();
    bytes[4] = 0x58;
    expect(() => verifyShape(bytes)).toThrow('carry the identifier CUTS');
  });

  test('bytes that do not begin their buffer', () => {
    const sound = soundBytes();
    const shifted = new Uint8Array(new SharedArrayBuffer(sound.length + 8)).subarray(8);
    shifted.set(sound);
    expect(() => new ShapeReader(shifted)).toThrow('start their buffer');
  });

  test.each([255, 2, 0])('a host mask of %i', (mask) => {
    const bytes = corrupted(({ nodes }) => {
      nodes[nodesHeader.hostMask] = mask;
    });
    expect(() => verifyShape(bytes)).toThrow();
  });

  test('a number of wildcards that is not theirs', () => {
    const bytes = corrupted(({ nodes }) => {
      nodes[nodesHeader.wildcardCount] = 0;
    });
    expect(() => verifyShape(bytes)).toThrow();
  });

  test('a parameter that leads back to its own node', () => {
    const bytes = corrupted(({ nodes }) => {
      nodes[firstNode] = 1;
    });
    expect(() => verifyShape(bytes)).toThrow();
  });
});
