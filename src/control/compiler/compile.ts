import { ShapeT } from '#generated/cutover.js';
import { type ShapeBytes, sealShape } from '../../memory/shape.ts';
import { shapeLayout } from '../../memory/shape-kinds.ts';
import type { Definitions } from '../../model/definitions.ts';
import type { SecretReference } from '../../model/secret.ts';
import { encodeRoute } from './encode-route.ts';
import { encodeUpstream } from './encode-upstream.ts';
import { buildMatcher } from './trie.ts';

/** Gives a route or an upstream the number under which its state is kept (control/identities.ts). */
export interface Numbering {
  route(id: string): number;
  upstream(name: string): number;
}

export interface CompileOptions {
  readonly revision: number;
  readonly hash: string;
  readonly numbering: Numbering;
  /** Shape keys by route id as the active generation has them. */
  readonly previousShapeKeys: ReadonlyMap<string, string>;
  /** Reads a secret; throws a CutoverError where there is none. */
  readonly secret: (reference: SecretReference) => string;
}

/**
 * Definitions to the bytes that workers read. Pure but for the numbering and the secrets; the same
 * input gives the same bytes. Definitions have passed validation: what cannot be encoded is a mistake of ours.
 */
export function compileShape(definitions: Definitions, options: CompileOptions): ShapeBytes {
  const { numbering, revision, hash, previousShapeKeys, secret } = options;
  const { upstreams, routes } = definitions;
  const upstreamIndex = new Map(upstreams.map(({ name }, index) => [name, index]));
  return sealShape(
    new ShapeT(
      shapeLayout,
      revision,
      hash,
      buildMatcher(routes),
      routes.map((route) =>
        encodeRoute(route, numbering.route(route.id), upstreamIndex, {
          previousShapeKey: previousShapeKeys.get(route.id) ?? null,
          secret,
        }),
      ),
      upstreams.map((upstream) => encodeUpstream(upstream, numbering.upstream(upstream.name))),
    ),
  );
}
