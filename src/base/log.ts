import { type Logger, pino } from 'pino';
import type { LogRecord } from './log-record.ts';

export type Log = Logger;

/**
 * A log of JSON lines on standard error. The one file that imports pino. Written at once, so that
 * the last line before a crash is there; workers never call it (log-record.ts).
 */
export function createLog(thread: string, level: string): Log {
  return pino(
    {
      level,
      base: { thread },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

/** Writes a record that a worker gathered, under the worker's name and time. */
export function writeRecord(log: Log, { level, timeMs, thread, message, fields }: LogRecord): void {
  log[level]({ ...fields, thread, at: new Date(timeMs).toISOString() }, message);
}
