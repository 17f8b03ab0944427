import {
  Client,
  type ClientConfig,
  ClientNotActiveError,
  ClientOfflineError,
  HazelcastInstanceNotActiveError,
  type ILogger,
  type IMap,
  IOError,
  LifecycleState,
  MemberLeftError,
  OperationTimeoutError,
  ReconnectMode,
  type Ringbuffer,
  SplitBrainProtectionError,
  TargetDisconnectedError,
  TargetNotMemberError,
} from 'hazelcast-client';
import { after } from '../base/clock.ts';
import type { ClusterFailure } from './cluster-error.ts';
import type {
  OpenedSession,
  RingItem,
  Session,
  SessionEvents,
  SessionMap,
  SessionRing,
} from './session.ts';

/**
 * The one file that knows hazelcast-client. What it uses of it, and what it keeps away from, is
 * explained in docs/cluster.md.
 */
export interface HazelcastPlan {
  readonly clusterName: string;
  /** `host:port`. */
  readonly members: readonly string[];
  /** What members and their logs call this client. */
  readonly clientName: string;
}

export async function openHazelcast(
  plan: HazelcastPlan,
  events: SessionEvents,
): Promise<OpenedSession> {
  const client = await Client.newHazelcastClient(settingsOf(plan, events));
  return { session: new HazelcastSession(client), failureOf };
}

function settingsOf(
  { clusterName, members, clientName }: HazelcastPlan,
  events: SessionEvents,
): ClientConfig {
  return {
    clusterName,
    instanceName: clientName,
    network: {
      clusterMembers: [...members],
      smartRouting: true,
      redoOperation: false,
      connectionTimeout: 1000,
    },
    connectionStrategy: {
      asyncStart: true,
      // ASYNC fails calls at once while offline; ON would queue and repeat them.
      reconnectMode: ReconnectMode.ASYNC,
      connectionRetry: {
        initialBackoffMillis: 100,
        maxBackoffMillis: 1000,
        multiplier: 1.5,
        jitter: 0.3,
        clusterConnectTimeoutMillis: -1,
      },
    },
    // With an asynchronous start the acknowledgements of backups never come: writes took 5 s.
    backupAckToClientEnabled: false,
    metrics: { enabled: false },
    lifecycleListeners: [(state) => tell(state, events)],
    customLogger: loggerTo(events),
    properties: {
      'hazelcast.client.heartbeat.interval': 1000,
      'hazelcast.client.heartbeat.timeout': 5000,
      'hazelcast.client.invocation.timeout.millis': 2000,
      'hazelcast.client.invocation.retry.pause.millis': 100,
      'hazelcast.client.statistics.enabled': false,
      'hazelcast.logging.level': 'WARN',
    },
  };
}

function tell(state: LifecycleState, events: SessionEvents): void {
  if (state === LifecycleState.CONNECTED) events.connected();
  else if (state === LifecycleState.DISCONNECTED) events.disconnected();
  else if (state === LifecycleState.SHUTDOWN) events.closed();
}

function loggerTo(events: SessionEvents): ILogger {
  const nothing = (): void => {};
  // That it tries again says less than why it had to.
  const warned = (part: string, message: string): void => {
    if (part !== 'WaitStrategy') events.warned(message);
  };
  return {
    log: nothing,
    error: warned,
    warn: warned,
    info: nothing,
    debug: nothing,
    trace: nothing,
  };
}

function failureOf(error: unknown): ClusterFailure {
  if (error instanceof ClientOfflineError) return 'offline';
  if (error instanceof SplitBrainProtectionError) return 'minority';
  if (error instanceof OperationTimeoutError) return 'timeout';
  const broken = [
    ClientNotActiveError,
    TargetDisconnectedError,
    TargetNotMemberError,
    MemberLeftError,
    HazelcastInstanceNotActiveError,
    IOError,
  ].some((kind) => error instanceof kind);
  return broken ? 'disconnected' : 'failed';
}

/** What is used of the client beyond its types; tests with real members hold it. */
interface ClientInside {
  getConnectionManager(): {
    reconnectToMembers(): void;
    getConnectionRegistry(): { getConnections(): readonly unknown[] };
  };
  getInvocationService(): {
    readonly invocationsWithEventHandlers: ReadonlyMap<
      number,
      { readonly connection?: { isAlive(): boolean } }
    >;
    removeEventHandler(id: number): void;
  };
  readonly clusterViewListenerService: {
    tryRegisterToRandomConnection(connection: unknown): void;
  };
}

/** As long as a turn of the event loop, in which a broken connection is taken out, may be kept waiting. */
const registerPauseMs = 10;

/**
 * The client asks one connection for news of the members, and another when that breaks. One whose write
 * has failed stays among its connections until the event loop turns, and is refused before it turns: with
 * no other left, the client would ask the same one for ever, and the thread would do nothing else.
 */
function pauseBetweenRegistrations({ clusterViewListenerService: service }: ClientInside): void {
  const register = service.tryRegisterToRandomConnection.bind(service);
  service.tryRegisterToRandomConnection = (connection) => {
    after(registerPauseMs, () => register(connection));
  };
}

class HazelcastSession implements Session {
  readonly #client: Client;
  #beside: { readonly ring: string; readonly key: string } | null = null;

  constructor(client: Client) {
    this.#client = client;
    pauseBetweenRegistrations(this.#inside);
  }

  get connectionCount(): number {
    return this.#inside.getConnectionManager().getConnectionRegistry().getConnections().length;
  }

  /**
   * A client that starts without waiting connects to one member and stays with it, so each call for
   * another's partition takes two steps, and the death of that one member takes all calls along.
   * This is what a client that waits does by itself once a second.
   */
  tend(): void {
    this.#inside.getConnectionManager().reconnectToMembers();
    // The client keeps a listener, with 64 KiB of its connection, for each connection that is gone.
    const invocations = this.#inside.getInvocationService();
    for (const [id, { connection }] of invocations.invocationsWithEventHandlers) {
      if (connection?.isAlive() === false) invocations.removeEventHandler(id);
    }
  }

  get #inside(): ClientInside {
    return this.#client as unknown as ClientInside;
  }

  // The client keeps a proxy for each name once it has one, and makes none while offline.
  async ring(name: string): Promise<SessionRing> {
    return new HazelcastRing(await this.#client.getRingbuffer<Buffer>(name));
  }

  async map(name: string): Promise<SessionMap> {
    return new HazelcastMap(await this.#client.getMap<string, Buffer>(name));
  }

  /** Of 271 partitions each holds some of so many keys. */
  keyBeside(ring: string): string {
    const partitions = this.#client.getPartitionService();
    const wanted = partitions.getPartitionId(ring);
    if (this.#beside?.ring === ring && partitions.getPartitionId(this.#beside.key) === wanted) {
      return this.#beside.key;
    }
    for (let index = 0; index < 10_000; index += 1) {
      const key = `beside-${ring}-${index}`;
      if (partitions.getPartitionId(key) !== wanted) continue;
      this.#beside = { ring, key };
      return key;
    }
    throw new IOError(`no key lies beside ${ring}`);
  }

  close(): Promise<void> {
    return this.#client.shutdown();
  }
}

class HazelcastRing implements SessionRing {
  readonly #ring: Ringbuffer<Buffer>;

  constructor(ring: Ringbuffer<Buffer>) {
    this.#ring = ring;
  }

  async add(item: Buffer): Promise<number> {
    return (await this.#ring.add(item)).toNumber();
  }

  async read(from: number, countMin: number, countMax: number): Promise<readonly RingItem[]> {
    const found = await this.#ring.readMany(from, countMin, countMax);
    // `getNextSequenceToReadFrom` is 0 when nothing was read: items carry their sequences instead.
    return Array.from({ length: found.getReadCount() }, (_, index) => ({
      sequence: found.getSequence(index).toNumber(),
      value: copied(found.get(index)),
    }));
  }

  async head(): Promise<number> {
    return (await this.#ring.headSequence()).toNumber();
  }

  async tail(): Promise<number> {
    return (await this.#ring.tailSequence()).toNumber();
  }

  async capacity(): Promise<number> {
    return (await this.#ring.capacity()).toNumber();
  }
}

class HazelcastMap implements SessionMap {
  readonly #map: IMap<string, Buffer>;

  constructor(map: IMap<string, Buffer>) {
    this.#map = map;
  }

  async get(key: string): Promise<Buffer | null> {
    return copiedOrNull(await this.#map.get(key));
  }

  async getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    return mapOf(await this.#map.getAll([...keys]));
  }

  async entries(): Promise<ReadonlyMap<string, Buffer>> {
    return mapOf(await this.#map.entrySet());
  }

  set(key: string, value: Buffer, ttlMs: number | undefined): Promise<void> {
    return this.#map.set(key, value, wholeSeconds(ttlMs));
  }

  async putIfAbsent(key: string, value: Buffer, ttlMs: number | undefined): Promise<Buffer | null> {
    return copiedOrNull(await this.#map.putIfAbsent(key, value, wholeSeconds(ttlMs)));
  }

  replace(key: string, was: Buffer, value: Buffer): Promise<boolean> {
    return this.#map.replaceIfSame(key, was, value);
  }

  delete(key: string): Promise<void> {
    return this.#map.delete(key);
  }

  async deleteIfSame(key: string, was: Buffer): Promise<boolean> {
    return (await this.#map.remove(key, was)) === true;
  }
}

function mapOf(entries: readonly (readonly [string, Buffer])[]): ReadonlyMap<string, Buffer> {
  return new Map(
    entries.flatMap(([key, value]) => {
      const copy = copiedOrNull(value);
      return copy === null ? [] : [[key, copy] as const];
    }),
  );
}

function copiedOrNull(value: Buffer | null | undefined): Buffer | null {
  return value === null || value === undefined ? null : copied(value);
}

/**
 * Bytes of their own: the client gives a piece of what came through the socket, which would be kept
 * whole. Other types were not written by a node.
 */
function copied(value: Buffer): Buffer {
  if (!Buffer.isBuffer(value)) throw new TypeError('the value is not made of bytes');
  const copy = Buffer.allocUnsafeSlow(value.length);
  value.copy(copy);
  return copy;
}

/**
 * Members keep whole seconds, round down, and count from a whole second: 1,500 ms lasted 830. So an
 * entry gets a second more than it asked for, and its reader goes by the time that is in it.
 */
function wholeSeconds(ttlMs: number | undefined): number | undefined {
  return ttlMs === undefined ? undefined : (Math.ceil(ttlMs / 1000) + 1) * 1000;
}
