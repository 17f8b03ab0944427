// What a member is told: its settings as YAML, and the command line of its JVM. docs/cluster.md
// shows the file of three members; a test holds the two equal.
import { stringify } from 'yaml';

/** Writes need two of three members, so that of two halves one at most goes on. */
const quorum = { 'split-brain-protection-ref': 'quorum' };

/** Places in the log: 50,000 items are some 10 MB. */
const logCapacityDefault = 50_000;

/**
 * The settings of one member that listens on `port` of `host` and looks for those at `addresses`;
 * by default all are on the loopback, on `ports`.
 */
export function memberFile({
  name,
  port,
  host = '127.0.0.1',
  ports = [],
  addresses = ports.map((one) => `127.0.0.1:${one}`),
  logCapacity = logCapacityDefault,
  rings = {},
  properties = {},
}) {
  const alone = addresses.length === 1;
  const guarded = alone ? {} : quorum;
  return {
    hazelcast: {
      'cluster-name': name,
      network: {
        port: { port, 'auto-increment': false },
        join: {
          'auto-detection': { enabled: false },
          multicast: { enabled: false },
          'tcp-ip': { enabled: true, 'member-list': addresses },
        },
        interfaces: { enabled: true, interfaces: [host] },
        'rest-api': { enabled: true, 'endpoint-groups': { HEALTH_CHECK: { enabled: true } } },
      },
      jet: { enabled: false },
      ...(alone
        ? {}
        : {
            'split-brain-protection': {
              quorum: { enabled: true, 'minimum-cluster-size': 2, 'protect-on': 'WRITE' },
            },
          }),
      map: mapsOf(guarded),
      ringbuffer: {
        'cutover.log': {
          capacity: logCapacity,
          'backup-count': 2,
          'time-to-live-seconds': 0,
          'in-memory-format': 'BINARY',
          ...guarded,
          'merge-policy': { 'class-name': 'DiscardMergePolicy' },
        },
        ...rings,
      },
      properties: { ...propertiesOfAll, ...properties },
    },
  };
}

function mapsOf(guarded) {
  return {
    default: { 'in-memory-format': 'BINARY', 'backup-count': 1, 'statistics-enabled': true },
    'cutover.cache': {
      'in-memory-format': 'BINARY',
      'backup-count': 0,
      'async-backup-count': 1,
      'time-to-live-seconds': 86_400,
      eviction: { 'eviction-policy': 'LRU', 'max-size-policy': 'USED_HEAP_SIZE', size: 64 },
      'merge-policy': { 'class-name': 'DiscardMergePolicy', 'batch-size': 100 },
    },
    'cutover.definitions': {
      'backup-count': 2,
      ...guarded,
      'merge-policy': { 'class-name': 'PutIfAbsentMergePolicy' },
    },
    'cutover.meta': { 'backup-count': 2, ...guarded },
  };
}

const propertiesOfAll = {
  'hazelcast.phone.home.enabled': 'false',
  // `interfaces` alone leaves the member listening on every address.
  'hazelcast.socket.bind.any': 'false',
  'hazelcast.shutdownhook.policy': 'GRACEFUL',
  'hazelcast.graceful.shutdown.max.wait': '30',
  'hazelcast.heartbeat.interval.seconds': '1',
  'hazelcast.max.no.heartbeat.seconds': '10',
  'hazelcast.merge.first.run.delay.seconds': '30',
  'hazelcast.merge.next.run.delay.seconds': '15',
  'hazelcast.client.max.no.heartbeat.seconds': '30',
  'hazelcast.wait.seconds.before.join': '1',
  'hazelcast.operation.thread.count': '2',
  'hazelcast.io.thread.count': '1',
  // The thread that writes to a member which went silent spins when that one is given up: whoever else
  // it writes to is lost too, and the cluster falls apart (docs/cluster.md). So each has its own.
  'hazelcast.io.output.thread.count': '16',
};

export function printMemberFile(plan) {
  return stringify(memberFile(plan));
}

/** Packages of the JDK that Hazelcast looks into, as its own start script opens them. */
const openings = [
  '--add-modules=java.se',
  '--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED',
  '--add-opens=java.base/java.lang=ALL-UNNAMED',
  '--add-opens=java.base/sun.nio.ch=ALL-UNNAMED',
  '--add-opens=java.management/sun.management=ALL-UNNAMED',
  '--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED',
];

/** Arguments of `java` for a member of a development cluster: a small heap, one thread to collect it. */
export function memberArguments({ jar, file, heapMebibytes }) {
  return [
    '-Xms64m',
    `-Xmx${heapMebibytes}m`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.net.preferIPv4Stack=true',
    `-Dhazelcast.config=${file}`,
    ...openings,
    '-cp',
    jar,
    'com.hazelcast.core.server.HazelcastMemberStarter',
  ];
}
