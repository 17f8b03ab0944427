/** One Hazelcast member; see member.mjs. */
export interface Member {
  readonly port: number;
  readonly address: string;
  readonly pid: number | null;
  readonly logFile: string;
  readonly exited: Promise<unknown>;
  start(properties?: Readonly<Record<string, string>>): void;
  stop(): Promise<void>;
  kill(): Promise<void>;
  pause(): Promise<void>;
  resume(): void;
}

/** Where a member runs: its address, and the command that its own is handed to. */
export interface MemberPlace {
  readonly host: string;
  readonly prefix: readonly string[];
}

export interface MembersPlan {
  readonly count?: 1 | 3;
  /** Of the first, the others follow; 0: free ones. */
  readonly port?: number;
  readonly name?: string;
  readonly heapMebibytes?: number;
  /** Further ringbuffers, as in the member's file. */
  readonly rings?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Places in the log. */
  readonly logCapacity?: number;
  /** One for each; the loopback when there is none. */
  readonly places?: readonly MemberPlace[];
  readonly say?: (line: string) => void;
  readonly signal?: AbortSignal;
}

export class Members {
  static start(plan?: MembersPlan): Promise<Members>;
  readonly list: readonly Member[];
  readonly name: string;
  readonly addresses: readonly string[];
  readonly pids: readonly number[];
  /** Arguments of `--set`. */
  readonly settings: readonly string[];
  ready(msMax?: number): Promise<void>;
  stop(): Promise<void>;
  killAll(): Promise<void>;
}
