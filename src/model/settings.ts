import type { SecretReference } from './secret.ts';

/** What needs a restart. Resolved form; `settings-schema.ts` reads files, environment and `--set`. */
export interface Settings {
  readonly node: { readonly id: string; readonly region: string };
  readonly listen: { readonly host: string; readonly port: number };
  readonly admin: { readonly host: string; readonly port: number };
  readonly workers: number;
  /** Folder of the data; null keeps nothing. */
  readonly data: string | null;
  /** Null: this node caches nothing, whatever its routes say. */
  readonly cache: CacheSettings | null;
  readonly cluster: ClusterSettings;
  readonly warm: WarmSettings;
  readonly log: LogSettings;
  readonly forwarded: ForwardedSettings;
  readonly drain: DrainSettings;
  readonly limits: LimitSettings;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type AccessLog =
  | { readonly kind: 'off' }
  | { readonly kind: 'errors' }
  | { readonly kind: 'sample'; readonly percent: number }
  | { readonly kind: 'all' };

export interface CacheSettings {
  /** Bytes of the arena that responses are kept in. */
  readonly memoryBytes: number;
  /** Whether what is hot is written to the data folder on a drained stop, and read at the start. */
  readonly snapshot: boolean;
  /** Bytes of one entry, head, key and body, at most; a route may allow less. */
  readonly entryBytesMax: number;
}

export type ClusterSettings = { readonly kind: 'memory' } | HazelcastSettings;

export interface HazelcastSettings {
  readonly kind: 'hazelcast';
  /** Members of another name are not joined. */
  readonly name: string;
  /** `host:port` of some members; they tell of the others. */
  readonly members: readonly string[];
  /** Signs what nodes write into the cluster; null: a key that follows from the name. */
  readonly key: SecretReference | null;
}

/** What a node of a cluster takes from the others before it is ready. */
export interface WarmSettings {
  readonly budgetMs: number;
  readonly bytesMax: number;
}

export interface LogSettings {
  readonly level: LogLevel;
  readonly access: AccessLog;
}

export interface ForwardedSettings {
  /** Which headers tell the upstream about the client. */
  readonly style: 'x-forwarded' | 'forwarded' | 'both' | 'off';
  /** Peers whose incoming forwarding headers are believed and extended; from others they are replaced. */
  readonly trust: readonly string[];
  /** The name in `Via`; empty: no `Via`. */
  readonly via: string;
}

export interface DrainSettings {
  /** How long running exchanges may take after SIGTERM before they are cut off. */
  readonly timeoutMs: number;
}

export interface LimitSettings {
  /** Bytes of a request's body; null: any length, since bodies stream. */
  readonly bodyBytes: number | null;
  /** Bytes of a request's head; more gets a 431. */
  readonly headerBytes: number;
}
