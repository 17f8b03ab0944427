import type { Settings } from '../model/settings.ts';

/** What a node is started with. */
export interface NodeOptions {
  readonly settings: Settings;
  readonly definitionsPath: string | null;
  /** Standard output: one line, when the node serves. */
  readonly print: (line: string) => void;
}
