import type { Settings } from '../model/settings.ts';

/** What a node is started with. */
export interface NodeOptions {
  readonly settings: Settings;
  readonly definitionsPath: string | null;
  /** For secrets that definitions refer to by `env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What `cluster.key` refers to; null: it is not set. */
  readonly clusterKey: string | null;
  /** Standard output: one line, when the node serves. */
  readonly print: (line: string) => void;
}
