import {
  clusterBodiesAnswerBytes,
  clusterBodiesBytesMax,
  clusterCallCountMax,
  clusterLogAnswerBytes,
  clusterLogBytesMax,
} from '../base/limits.ts';
import {
  type ClientEvent,
  type ClientName,
  type ClusterFigures,
  clientNames,
} from '../model/cluster-figures.ts';
import { BytesMap } from './bytes-map.ts';
import { type ClientLimits, GuardedClient } from './guarded-client.ts';
import { openHazelcast } from './hazelcast.ts';
import { Ring } from './ring.ts';

export interface ClusterPlan {
  readonly clusterName: string;
  /** `host:port`. */
  readonly members: readonly string[];
  /** The node's id. */
  readonly node: string;
  /** Others than `clientLimits`, for tests. */
  readonly limits?: Readonly<Record<ClientName, ClientLimits>>;
}

export type ClusterListener = (client: ClientName, event: ClientEvent) => void;

const limitsOfBoth = {
  // The longest add that was measured while its owner was killed took 1.2 s: such a one is repeated.
  deadlineMs: 1000,
  // Opens within 20 lost calls; asks again each second, as the client tries to connect.
  breaker: { failuresPercent: 50, of: 20, openMs: 1000 },
  replacement: {
    // A silent connection is closed after 5 s, which settles what waits on it.
    leakMs: 10_000,
    // Each holds a place and its bytes until then: 16 bodies are 5 MiB of 64.
    leakCountMax: 16,
    stuckMs: 15_000,
    pauseMsMin: 10_000,
    pauseMsMax: 60_000,
  },
};

export const clientLimits: Readonly<Record<ClientName, ClientLimits>> = {
  log: {
    ...limitsOfBoth,
    inFlight: { callCountMax: clusterCallCountMax, bytesMax: clusterLogBytesMax },
    answerBytes: clusterLogAnswerBytes,
  },
  bodies: {
    ...limitsOfBoth,
    inFlight: { callCountMax: clusterCallCountMax, bytesMax: clusterBodiesBytesMax },
    answerBytes: clusterBodiesAnswerBytes,
  },
};

/**
 * A node's place in a Hazelcast cluster: rings and maps by name, over two guarded clients. Each has one
 * connection to a member, and what is sent through it keeps its order: an invalidation must not stand
 * behind bodies.
 */
export class HazelcastCluster {
  readonly #clients: Readonly<Record<ClientName, GuardedClient>>;

  private constructor(clients: Readonly<Record<ClientName, GuardedClient>>) {
    this.#clients = clients;
  }

  /** Settles at once, whether or not a member is there; `listener` hears when one is. */
  static async start(plan: ClusterPlan, listener: ClusterListener): Promise<HazelcastCluster> {
    const { clusterName, members, node, limits = clientLimits } = plan;
    const open = (name: ClientName): Promise<GuardedClient> => {
      const clientName = `cutover-${node}-${name}`;
      return GuardedClient.start({
        open: (events) => openHazelcast({ clusterName, members, clientName }, events),
        limits: limits[name],
        onEvent: (event) => listener(name, event),
      });
    };
    const [log, bodies] = await Promise.all([open('log'), open('bodies')]);
    return new HazelcastCluster({ log, bodies });
  }

  client(name: ClientName): GuardedClient {
    return this.#clients[name];
  }

  /** Always over the client of the log. */
  ring(name: string): Ring {
    return new Ring(this.#clients.log, name);
  }

  map(name: string, over: ClientName): BytesMap {
    return new BytesMap(this.#clients[over], name);
  }

  get figures(): ClusterFigures {
    const { log, bodies } = this.#clients;
    return { log: log.figures, bodies: bodies.figures };
  }

  async stop(): Promise<void> {
    await Promise.all(clientNames.map((name) => this.#clients[name].stop()));
  }
}
