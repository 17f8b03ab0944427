import { type Logger, pino } from 'pino';
import type { LogRecord } from './log-record.ts';

export type Log = Logger;

/**
 * A log of JSON lines on standard error. The one file that imports pino. Written at once, so that
 * the last line before a crash is there; workers never call it (log-record.ts). Null: for records
 * of other threads, which carry their own name.
 */
export function createLog(thread: string | null, level: string): Log {
  return pino(
    {
      level,
      base: thread === null ? null : { thread },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** Writes a record that a worker gathered, under the worker's name and time. */
export function writeRecord(log: Log, { level, timeMs, thread, message, fields }: LogRecord): void {
  log[level]({ thread, at: new Date(timeMs).toISOString(), ...fields }, message);
}
