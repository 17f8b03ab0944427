import type { Counts } from './counts.ts';

/** Seconds that a machine with two cores and everything on it has; docs/cluster.md states them. */
export interface FaultBounds {
  /** Until busts are confirmed again while it lasts; null: not before it is over. */
  readonly during: number | null;
  /** From its end, until busts through every node are confirmed by all. */
  readonly after: number;
}

/** The rows of the table in docs/cluster.md. */
export const faults = {
  'no member there when nodes start': { during: null, after: 30 },
  'all members silent for 8 s, then back': { during: null, after: 30 },
  "the log's owner killed (`kill -9`), started again after 10 s": { during: 15, after: 30 },
  'members restarted one by one (`SIGTERM`)': { during: 15, after: 30 },
  "the log's owner silent for 20 s (`SIGSTOP`)": { during: 25, after: 30 },
  'a node silent for 8 s (`SIGSTOP`)': { during: 10, after: 15 },
  'all members killed, started empty': { during: null, after: 30 },
  'two halves that do not see each other for 25 s': { during: 30, after: 60 },
  'a node cut off until the log has overrun its place': { during: 15, after: 30 },
} as const satisfies Record<string, FaultBounds>;

export type FaultName = keyof typeof faults;

export const faultColumns = [
  'what happens, under load',
  'requests',
  'failed',
  'old, strict',
  'old, others',
  'busts confirmed',
  'queued',
  'lost',
  'applies done',
  'refused',
  'lost',
  'busts go on after',
  'at most',
  'nodes ready after',
  'all is well after',
  'at most',
] as const;

const secondsOf = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

export function faultRow(name: FaultName, counts: Counts): readonly string[] {
  const { during, after } = faults[name];
  const { requests, failed, oldStrict, oldOthers, oldAfter } = counts;
  return [
    name,
    ...[requests, failed, oldStrict, oldOthers + oldAfter].map(String),
    ...[counts.bustsConfirmed, counts.bustsQueued, counts.bustsLost].map(String),
    ...[counts.appliesDone, counts.appliesRefused, counts.appliesLost].map(String),
    counts.duringMs === null ? '' : secondsOf(counts.duringMs),
    during === null ? '' : `${during} s`,
    secondsOf(counts.readyMs),
    secondsOf(counts.afterMs),
    `${after} s`,
  ];
}

/** As Markdown; numbers to the right. */
export function printFaults(rows: readonly (readonly string[])[]): string {
  const all = [faultColumns, ...rows];
  const widths = faultColumns.map((_, index) =>
    Math.max(...all.map((row) => row[index]?.length ?? 0), 3),
  );
  const line = (row: readonly string[]): string =>
    `| ${row
      .map((cell, index) =>
        index === 0 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0),
      )
      .join(' | ')} |`;
  const rule = widths.map((width, index) =>
    index === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(faultColumns), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}
