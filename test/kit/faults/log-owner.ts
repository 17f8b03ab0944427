import { Client } from 'hazelcast-client';
import type { Member, Members } from '../../../bench/kit/members.mjs';
import { present } from '../../../src/base/assert.ts';

/** The member that has the log: what is added to it goes there first. */
export async function logOwner(members: Members): Promise<Member> {
  const client = await Client.newHazelcastClient({
    clusterName: members.name,
    network: { clusterMembers: [...members.addresses] },
    properties: { 'hazelcast.logging.level': 'OFF' },
  });
  try {
    const partitions = client.getPartitionService();
    const owner = partitions.getPartitionOwner(partitions.getPartitionId('cutover.log'));
    const list = client.getCluster().getMembers();
    const address = list.find(({ uuid }) => uuid.equals(owner))?.address.toString();
    return present(
      members.list.find((one) => one.address === address),
      'a member that serves owns each partition',
    );
  } finally {
    await client.shutdown();
  }
}
