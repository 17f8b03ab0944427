import { createNodeMemory, type NodeMemory, seatsPerWorker } from '../memory/node-memory.ts';
import { clusterKeyOf, limitSeedOf } from '../model/cluster-key.ts';
import type { NodeOptions } from './node-options.ts';

/** The shared memory of a node, as its settings want it. */
export function memoryOf({ settings, clusterKey }: NodeOptions): NodeMemory {
  const { workers, cache, cluster } = settings;
  const seed =
    cluster.kind === 'memory' ? undefined : limitSeedOf(clusterKeyOf(cluster.name, clusterKey));
  return createNodeMemory(workers, seatsPerWorker, cache?.memoryBytes ?? 0, seed);
}
