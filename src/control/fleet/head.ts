import type { ItemCodec } from '../../cluster/log-item.ts';
import type { FleetRevision } from '../../model/fleet.ts';

/** Who applies right now: one in the whole cluster. */
export interface Applying {
  readonly node: string;
  readonly boot: string;
  readonly revision: number;
}

/** What all nodes are to serve, and who is about to change it: one value, changed by compare-and-set. */
export interface Head {
  /** Null: nothing was ever applied. */
  readonly revision: FleetRevision | null;
  /** The highest number that was ever given to a revision. */
  readonly last: number;
  readonly applying: Applying | null;
  /** Hashes of what revisions hold that is in the cluster, newest first; absent: of an earlier release. */
  readonly contents?: readonly string[];
}

export const noHead: Head = { revision: null, last: 0, applying: null };

export function sealHead(codec: ItemCodec, head: Head): Buffer {
  return codec.seal(Buffer.from(JSON.stringify(head)));
}

/** Null: it is not by this cluster's key, or of a later release. */
export function openHead(codec: ItemCodec, bytes: Buffer | null): Head | null {
  if (bytes === null) return noHead;
  const content = codec.open(bytes);
  if (typeof content === 'string') return null;
  const head = JSON.parse(content.toString()) as Head;
  return Number.isInteger(head.last) ? head : null;
}
