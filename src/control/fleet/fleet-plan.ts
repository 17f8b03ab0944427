import type { HazelcastCluster } from '../../cluster/hazelcast-cluster.ts';
import type { NodeBeat } from '../../model/fleet.ts';
import type { ControlEvent } from '../../model/orders.ts';
import type { CacheKeeper } from '../cache/cache-keeper.ts';

/** What a node brings into its cluster. */
export interface FleetPlan {
  readonly cluster: HazelcastCluster;
  readonly key: Buffer;
  readonly nodeId: string;
  /** Null: this node has no cache, and is done with a bust as it hears of it. */
  readonly keeper: CacheKeeper | null;
  readonly outboxFile: string | null;
  readonly tell: (event: ControlEvent) => void;
  /** Up to then (monotonic) this node has missed no bust. */
  readonly prove: (untilMs: number) => void;
  /** Of the routes that are cached in what this node serves. */
  readonly shapeKeys: () => ReadonlySet<string>;
  /** What this node serves, and where it is. */
  readonly state: () => Pick<NodeBeat, 'region' | 'revision' | 'hash'>;
}
