import { isMap, isSeq, LineCounter, type Node, type Pair, parseDocument, type Scalar } from 'yaml';
import { definitionsBytesMax } from '../base/limits.ts';
import { messageOf } from '../base/errors.ts';
import type { Path, Place, Problems } from './problem.ts';

/** One file of definitions, or one body of a request. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

/** A parsed file, with a way from a path to its place. */
export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  locate(path: Path, at: 'key' | 'value'): Place;
}

/** YAML 1.2, of which JSON is a part. Null: it could not be read; the problems say why. */
export function readSource({ file, text }: Source, problems: Problems): SourceDocument | null {
  if (Buffer.byteLength(text) > definitionsBytesMax) {
    const message = `is over the limit of ${definitionsBytesMax} bytes (definitionsBytesMax)`;
    problems.addAt({ file, line: 1, column: 1 }, 'too-large', [], message, 'split the set');
    return null;
  }
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    prettyErrors: false,
    merge: false,
  });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  for (const error of [...document.errors, ...document.warnings]) {
    problems.addAt(place(error.pos[0]), 'syntax', [], error.message, null);
  }
  if (document.errors.length > 0 || document.warnings.length > 0) return null;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    problems.addAt({ file, line: 1, column: 1 }, 'syntax', [], messageOf(error), null);
    return null;
  }
  return {
    file,
    value,
    locate: (path, at) => place(offsetOf(document.contents, path, at)),
  };
}

/** A plain value as a document: its text, with places, is made only if something is wrong in it. */
export function valueDocument(value: unknown, file: string): SourceDocument {
  let lines: LineCounter | null = null;
  let contents: unknown;
  return {
    file,
    value,
    locate(path, at) {
      if (lines === null) {
        lines = new LineCounter();
        const text = JSON.stringify(value, null, 2);
        contents = parseDocument(text, { lineCounter: lines }).contents;
      }
      const { line, col } = lines.linePos(offsetOf(contents, path, at));
      return { file, line: Math.max(1, line), column: Math.max(1, col) };
    },
  };
}

/** Where a path stands; for a path that is not there, the nearest that is. */
function offsetOf(root: unknown, path: Path, at: 'key' | 'value'): number {
  let node: unknown = root;
  let offset = startOf(root, 0);
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap(node)) {
      const pair = (node.items as Pair[]).find(({ key }) => keyText(key) === String(step));
      if (pair === undefined) return offset;
      offset = startOf(pair.key, offset);
      if (last && at === 'key') return offset;
      node = pair.value;
      offset = startOf(node, offset);
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = startOf(node, offset);
    } else {
      return offset;
    }
  }
  return offset;
}

function startOf(node: unknown, otherwise: number): number {
  return (node as Node | null | undefined)?.range?.[0] ?? otherwise;
}

function keyText(key: unknown): string {
  return String((key as Scalar | null)?.value ?? key);
}
