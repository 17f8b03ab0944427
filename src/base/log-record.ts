/** A line for the log, as it travels from a worker to the thread that writes logs. */
export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** What wrote it: `worker-0`, `control`, `main`, `manager`. */
  readonly thread: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Records of a worker, sent together. `dropped`: how many found its queue full since the last. */
export interface LogBatch {
  readonly records: readonly LogRecord[];
  readonly dropped: number;
}
