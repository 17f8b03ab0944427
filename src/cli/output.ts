import Table from 'cli-table3';
import type { CutoverError } from '../base/errors.ts';
import { type Problem, printProblem } from '../model/problem.ts';

/** What people and programs see. The one file that writes to the terminal. */

let onClosed: () => void = () => {};

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  onClosed();
});

/** What to do when nobody reads standard output any more, as after `| head -1`; the last call counts. */
export function whenOutputCloses(then: () => void): void {
  onClosed = then;
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printLine(JSON.stringify(value, null, 2));
}

export function printTable(head: readonly string[], rows: readonly (readonly unknown[])[]): void {
  const table = new Table({ head: [...head], style: { head: [], border: [] }, chars: plain });
  for (const row of rows) table.push(row.map((cell) => String(cell ?? '')));
  printLine(table.toString());
}

/**
 * On standard error: the message, then each problem on a line of its own; or, for programs, one JSON
 * object by whose code they can go.
 */
export function printError(error: CutoverError, json = false): void {
  if (json) {
    const { code, message, context } = error;
    process.stderr.write(`${JSON.stringify({ error: { ...context, code, message } })}\n`);
    return;
  }
  process.stderr.write(`cutover: ${error.message}\n`);
  const { problems, truncated } = error.context;
  if (!Array.isArray(problems)) return;
  for (const problem of problems as Problem[]) process.stderr.write(`${printProblem(problem)}\n`);
  if (typeof truncated === 'number' && truncated > 0) {
    process.stderr.write(`and ${truncated} more\n`);
  }
}

export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${text}\n`);
}

const plain = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};
