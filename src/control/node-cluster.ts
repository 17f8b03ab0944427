import { every } from '../base/clock.ts';
import type { HazelcastCluster } from '../cluster/hazelcast-cluster.ts';
import type { CacheRecord } from '../memory/cache/cache-record.ts';
import type { RateLimitWords } from '../memory/rate-limits/limit-layout.ts';
import type { Bust } from '../model/bust.ts';
import type { BustAnswer } from '../model/cache-orders.ts';
import { clusterKeyOf } from '../model/cluster-key.ts';
import type { FleetAsk, FleetTold } from '../model/fleet.ts';
import type { HazelcastSettings } from '../model/settings.ts';
import type { OthersResponses } from './cache/second-level-link.ts';
import type { Fleet } from './fleet/fleet.ts';
import { FleetLimits } from './fleet/fleet-limits.ts';
import type { FleetPlan } from './fleet/fleet-plan.ts';
import type { NodePath } from './fleet/node-path.ts';
import type { SecondLevelRead } from './fleet/second-level.ts';

const figuresMs = 1000;

export type NodeClusterPlan = Omit<FleetPlan, 'cluster' | 'key'> & {
  readonly settings: HazelcastSettings;
  readonly clusterKey: string | null;
  readonly rateLimits: RateLimitWords;
};

/** This node's place in the cluster, as the control thread holds it. */
export class NodeCluster implements NodePath, OthersResponses {
  readonly #cluster: HazelcastCluster;
  readonly #fleet: Fleet;
  readonly #limits: FleetLimits;

  private constructor(cluster: HazelcastCluster, fleet: Fleet, limits: FleetLimits) {
    this.#cluster = cluster;
    this.#fleet = fleet;
    this.#limits = limits;
  }

  /** Settles without waiting for a member: a node serves with its cluster away. */
  static async join(plan: NodeClusterPlan): Promise<NodeCluster> {
    const { settings, clusterKey, nodeId, tell } = plan;
    const { name, members } = settings;
    // A node on its own does not spend the time and memory that the client takes to load.
    const [{ HazelcastCluster }, { Fleet }, { ItemCodec }] = await Promise.all([
      import('../cluster/hazelcast-cluster.ts'),
      import('./fleet/fleet.ts'),
      import('../cluster/log-item.ts'),
    ]);
    const cluster = await HazelcastCluster.start(
      { clusterName: name, members, node: nodeId },
      (client, { kind, ...what }) => tell({ kind: 'cluster', client, what: kind, ...what }),
    );
    const key = clusterKeyOf(name, clusterKey);
    const fleet = await Fleet.join({ ...plan, cluster, key });
    const bodies = cluster.client('bodies');
    const limits = new FleetLimits({
      words: plan.rateLimits,
      map: cluster.map('cutover.limits', 'bodies'),
      codec: new ItemCodec(key),
      nodeId,
      others: () => fleet.roster.live().map(({ id }) => id),
      usable: () => bodies.isUsable && fleet.knowsOthers,
    });
    every(figuresMs, () =>
      tell({ kind: 'cluster-figures', figures: cluster.figures, fleet: fleet.figures }),
    );
    return new NodeCluster(cluster, fleet, limits);
  }

  bust(bust: Bust): Promise<BustAnswer> {
    return this.#fleet.bust(bust);
  }

  invalidate(bust: Bust): Promise<void> {
    return this.#fleet.invalidate(bust);
  }

  ask(ask: FleetAsk): Promise<FleetTold> {
    return this.#fleet.ask(ask);
  }

  share(record: CacheRecord, body: Uint8Array): void {
    this.#fleet.share(record, body);
  }

  readSecondLevel(key: string, leaseMs: number | null): Promise<SecondLevelRead> {
    return this.#fleet.readSecondLevel(key, leaseMs);
  }

  serves(): void {
    this.#fleet.serves();
  }

  async leave(): Promise<void> {
    this.#limits.stop();
    await this.#fleet.leave();
    await this.#cluster.stop();
  }
}
