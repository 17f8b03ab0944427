import { Members, type MembersPlan } from '../../bench/kit/members.mjs';
import type { CutoverError } from '../../src/base/errors.ts';
import type { ClientLimits } from '../../src/cluster/guarded-client.ts';
import { clientLimits, HazelcastCluster } from '../../src/cluster/hazelcast-cluster.ts';
import type { ClientEvent, ClientName } from '../../src/model/cluster-figures.ts';
import { until } from './gateway.ts';

/** One member, with a ring of ten places beside those of every cluster. */
export function oneMember(plan: MembersPlan = {}): Promise<Members> {
  return Members.start({ rings: { small: { capacity: 10 } }, ...plan });
}

export interface Joined {
  readonly cluster: HazelcastCluster;
  /** Everything that the listener was told, as `client: what`. */
  readonly events: string[];
}

/** A node's place in the cluster, with other limits where a test wants them. */
export async function joined(
  members: Pick<Members, 'name' | 'addresses'>,
  limits: Partial<ClientLimits> = {},
): Promise<Joined> {
  const events: string[] = [];
  const both = {
    log: { ...clientLimits.log, ...limits },
    bodies: { ...clientLimits.bodies, ...limits },
  };
  const cluster = await HazelcastCluster.start(
    { clusterName: members.name, members: members.addresses, node: 'test', limits: both },
    (client, event) => events.push(`${client}: ${textOf(event)}`),
  );
  return { cluster, events };
}

function textOf(event: ClientEvent): string {
  if (event.kind === 'state') return event.state;
  return event.kind === 'breaker' ? `breaker ${event.state}` : `replaced, ${event.reason}`;
}

export function connected(cluster: HazelcastCluster, name: ClientName = 'log'): Promise<void> {
  return until(`${name} is connected`, () => cluster.client(name).state === 'connected', 30_000);
}

/** The code that a call is rejected with; `answered` when it is not. */
export function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'answered',
    (error: CutoverError) => error.code ?? String(error),
  );
}
