import { every } from '../base/clock.ts';
import type { HazelcastCluster } from '../cluster/hazelcast-cluster.ts';
import type { ControlEvent } from '../model/orders.ts';
import type { HazelcastSettings } from '../model/settings.ts';

const figuresMs = 1000;

/** This node's place in the cluster, as the control thread holds it. */
export class NodeCluster {
  readonly #cluster: HazelcastCluster;

  private constructor(cluster: HazelcastCluster) {
    this.#cluster = cluster;
  }

  /** Settles without waiting for a member: a node serves with its cluster away. */
  static async join(
    { name, members }: HazelcastSettings,
    node: string,
    tell: (event: ControlEvent) => void,
  ): Promise<NodeCluster> {
    // A node on its own does not spend the time and memory that the client takes to load.
    const { HazelcastCluster } = await import('../cluster/hazelcast-cluster.ts');
    const plan = { clusterName: name, members, node };
    const cluster = await HazelcastCluster.start(plan, (client, { kind, ...what }) =>
      tell({ kind: 'cluster', client, what: kind, ...what }),
    );
    every(figuresMs, () => tell({ kind: 'cluster-figures', figures: cluster.figures }));
    return new NodeCluster(cluster);
  }

  leave(): Promise<void> {
    return this.#cluster.stop();
  }
}
