import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A file of the project, by its path from the top. */
export function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Files below a folder with one of the endings, by their paths from the top. */
export function filesBelow(folder: string, ...endings: readonly string[]): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => join(folder, name))
    .sort();
}

/** What a first column of a table names, with the cells behind it. */
export type Rows = ReadonlyMap<string, readonly string[]>;

/** The rows of the first table under a heading of a document; names without their backticks. */
export function tableUnder(file: string, heading: string): Rows {
  const section = sectionOf(file, heading);
  const lines = section.split('\n');
  const first = lines.findIndex((line) => line.startsWith('|'));
  if (first < 0) throw new Error(`${file}: there is no table under ${heading}`);
  const rows = new Map<string, readonly string[]>();
  for (const line of lines.slice(first + 2)) {
    if (!line.startsWith('|')) break;
    const [name = '', ...cells] = cellsOf(line);
    rows.set(plain(name), cells);
  }
  return rows;
}

/** The text under a heading, up to the next of its level or above. */
export function sectionOf(file: string, heading: string): string {
  const text = textOf(file);
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const from = `\n${text}`.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`${file}: there is no heading ${heading}`);
  const rest = text.slice(from + heading.length);
  const next = rest.search(new RegExp(`^#{1,${level}} `, 'm'));
  return next < 0 ? rest : rest.slice(0, next);
}

/** Cells of a table's line; a bar behind a backslash is text. */
function cellsOf(line: string): string[] {
  return line
    .replace(/^\||\|\s*$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());
}

export function plain(cell: string): string {
  return cell.replaceAll('`', '');
}

/** The texts in backticks of a cell. */
export function quoted(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

/** What stands on one side alone, as sentences that say what to do. */
export function differences(
  inCode: Iterable<string>,
  inDocument: Iterable<string>,
  where: string,
): string[] {
  const code = new Set(inCode);
  const document = new Set(inDocument);
  return [
    ...[...code]
      .filter((one) => !document.has(one))
      .map((one) => `add a row for ${one} to ${where}`),
    ...[...document]
      .filter((one) => !code.has(one))
      .map((one) => `take ${one} out of ${where}: the code has no such thing`),
  ];
}
