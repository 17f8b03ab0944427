import type { ClusterFailure } from './cluster-error.ts';

/**
 * One life of a client of the cluster, without any guard: its promises may settle late or never.
 * Behind it stands hazelcast.ts; in front of it, guarded-client.ts.
 */
export interface Session {
  /** Members that it has a connection to. */
  readonly connectionCount: number;
  /** Called about once a second: connects to members that it has no connection to, and clears up. */
  tend(): void;
  ring(name: string): Promise<SessionRing>;
  map(name: string): Promise<SessionMap>;
  /** A key whose entry, in whichever map, is kept by the members that keep this ring. */
  keyBeside(ring: string): string;
  /** Ends it; what waits is rejected. May take its time. */
  close(): Promise<void>;
}

/** What a session tells of itself, from its start until `closed`. */
export interface SessionEvents {
  connected(): void;
  disconnected(): void;
  /** It has given up and connects no more. */
  closed(): void;
  /** A warning in the client's own words. */
  warned(message: string): void;
}

export interface RingItem {
  readonly sequence: number;
  readonly value: Buffer;
}

export interface SessionRing {
  add(item: Buffer): Promise<number>;
  /** Waits for `countMin` items, for as long as it takes. */
  read(from: number, countMin: number, countMax: number): Promise<readonly RingItem[]>;
  head(): Promise<number>;
  tail(): Promise<number>;
  capacity(): Promise<number>;
}

export interface SessionMap {
  get(key: string): Promise<Buffer | null>;
  getMany(keys: readonly string[]): Promise<ReadonlyMap<string, Buffer>>;
  entries(): Promise<ReadonlyMap<string, Buffer>>;
  set(key: string, value: Buffer, ttlMs: number | undefined): Promise<void>;
  /** What is there already, or null when `value` was put. */
  putIfAbsent(key: string, value: Buffer, ttlMs: number | undefined): Promise<Buffer | null>;
  replace(key: string, was: Buffer, value: Buffer): Promise<boolean>;
  delete(key: string): Promise<void>;
  deleteIfSame(key: string, was: Buffer): Promise<boolean>;
}

/** Opens a session; settles at once, whether or not a member is there. */
export type OpenSession = (events: SessionEvents) => Promise<OpenedSession>;

export interface OpenedSession {
  readonly session: Session;
  /** Why a call of the session failed. */
  failureOf(error: unknown): ClusterFailure;
}
