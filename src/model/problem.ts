import { problemCountMax } from '../base/limits.ts';

/** Something wrong in what a person wrote, with its place. Lines and columns count from 1. */
export interface Problem {
  /** Stable, kebab-case; docs/errors.md lists them. */
  readonly code: ProblemCode;
  readonly message: string;
  /** What to do about it, when that is known. */
  readonly hint: string | null;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Like `routes[3].match.path`. */
  readonly path: string;
}

export const problemCodes = [
  'syntax',
  'too-large',
  'too-deep',
  'unknown-field',
  'not-in-release',
  'wrong-type',
  'bad-value',
  'missing',
  'duplicate',
  'unknown-upstream',
  'conflict',
  'bad-path',
  'bad-template',
  'bad-host',
  'bad-header',
  'bad-regex',
  'limit',
] as const;
export type ProblemCode = (typeof problemCodes)[number];

export type Path = readonly (string | number)[];

/** Where something stands in a file. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Whether a place is that of a key (a field that should not be there) or of its value. */
export type Locate = (path: Path, at: 'key' | 'value') => Place;

/** Gathers problems up to the limit, and counts the rest. */
export class Problems {
  readonly list: Problem[] = [];
  truncated = 0;
  readonly #locate: Locate;

  constructor(locate: Locate) {
    this.#locate = locate;
  }

  get count(): number {
    return this.list.length + this.truncated;
  }

  add(
    code: ProblemCode,
    path: Path,
    message: string,
    hint: string | null = null,
    at: 'key' | 'value' = 'value',
  ): void {
    this.addAt(this.#locate(path, at), code, path, message, hint);
  }

  addAt(place: Place, code: ProblemCode, path: Path, message: string, hint: string | null): void {
    if (this.list.length >= problemCountMax) {
      this.truncated += 1;
      return;
    }
    this.list.push({ code, message, hint, path: printPath(path), ...place });
  }

  /** Whether something below a path was found wrong. */
  within(path: Path): boolean {
    const above = `${printPath(path)}.`;
    return this.list.some((one) => one.path.startsWith(above));
  }

  place(path: Path): Place {
    return this.#locate(path, 'value');
  }
}

/** `routes[3].match.path`. */
export function printPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** One line for people: `file:line:column: path: message (hint)`. */
export function printProblem({ file, line, column, path, message, hint }: Problem): string {
  const place = `${file}:${line}:${column}`;
  const what = path === '' ? message : `${path}: ${message}`;
  return hint === null ? `${place}: ${what}` : `${place}: ${what} (${hint})`;
}

/** The candidate that is most like what was written, if any is near (optimal string alignment). */
export function nearest(written: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(written.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(written, candidate, bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (before[j - 2] as number) + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
