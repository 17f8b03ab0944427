import {
  Composer,
  type CST,
  type Document,
  isMap,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Parser,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
} from 'yaml';
import { assert } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import { definitionsBytesMax, nestingDepthMax } from '../base/limits.ts';
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
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  let documents: Document.Parsed[];
  try {
    documents = compose(text, lines);
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    problems.addAt(place(error.offset), 'too-deep', [], tooDeepMessage, null);
    return null;
  }
  const [document, second] = documents;
  assert(document !== undefined, 'a stream of YAML has a document at least');
  if (second !== undefined) {
    const message = 'holds several documents';
    problems.addAt(place(second.range[0]), 'syntax', [], message, 'keep one to a file');
    return null;
  }
  const wrong = worthTelling([...document.errors, ...document.warnings]);
  for (const { pos, message, code } of wrong) {
    const hint = unquoted.includes(code) ? quoteHint : null;
    problems.addAt(place(pos[0]), 'syntax', [], message, hint);
  }
  if (wrong.length > 0) return null;
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    // An alias without an anchor, or aliases that would unfold without end.
    const at = unresolvedAlias(document);
    const where = at === null ? { file, line: 1, column: 1 } : place(at);
    const hint = at === null ? null : 'quote a text that begins with *: "*.shop.example"';
    problems.addAt(where, 'syntax', [], messageOf(error), hint);
    return null;
  }
  return {
    file,
    value,
    locate: (path, at) => place(offsetOf(document.contents, path, at)),
  };
}

/** The reader goes on as before after these; what follows any other is guesswork. */
const harmless = ['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED'];

/** What comes of a text that is read as structure, since it is not quoted. */
const unquoted = ['UNEXPECTED_TOKEN', 'BAD_SCALAR_START', 'BLOCK_AS_IMPLICIT_KEY', 'BLOCK_IN_FLOW'];
const quoteHint = 'quote a text that has { } [ ] , : # @ or ` in it: "/a/{name}"';

/** In order, up to the first one that makes the rest noise. */
function worthTelling(errors: readonly YAMLError[]): readonly YAMLError[] {
  const sorted = [...errors].sort((a, b) => a.pos[0] - b.pos[0]);
  const last = sorted.findIndex(({ code }) => !harmless.includes(code));
  return last < 0 ? sorted : sorted.slice(0, last + 1);
}

/** Where the first alias stands that has no anchor before it; null: there is none. */
function unresolvedAlias(document: Document.Parsed): number | null {
  let found: number | null = null;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      found = alias.range?.[0] ?? null;
      return visit.BREAK;
    },
  });
  return found;
}

/** Says where a text is nested too deep; the reader behind the parser walks by recursion. */
class TooDeep extends Error {
  readonly offset: number;

  constructor(offset: number) {
    super('nested too deep');
    this.offset = offset;
  }
}

class BoundedParser extends Parser {
  override *next(source: string): Generator<CST.Token, void> {
    yield* super.next(source);
    if (this.stack.length > nestingDepthMax) throw new TooDeep(this.offset);
  }
}

/** The syntax trees of a text: one, unless it holds several documents. */
function compose(text: string, lines: LineCounter): Document.Parsed[] {
  const parser = new BoundedParser(lines.addNewLine);
  const composer = new Composer({
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    prettyErrors: false,
    merge: false,
  });
  return [...composer.compose(parser.parse(text), true, text.length)];
}

/**
 * A plain value as a document: its text, with places, is made only if something is wrong in it.
 * Null: it is nested too deep.
 */
export function valueDocument(
  value: unknown,
  file: string,
  problems: Problems,
): SourceDocument | null {
  if (isTooDeep(value)) {
    problems.addAt({ file, line: 1, column: 1 }, 'too-deep', [], tooDeepMessage, null);
    return null;
  }
  let lines: LineCounter | null = null;
  let contents: unknown;
  return {
    file,
    value,
    locate(path, at) {
      if (lines === null) {
        lines = new LineCounter();
        const text = JSON.stringify(value ?? null, null, 2);
        contents = parseDocument(text, { lineCounter: lines }).contents;
      }
      const { line, col } = lines.linePos(offsetOf(contents, path, at));
      return { file, line: Math.max(1, line), column: Math.max(1, col) };
    },
  };
}

const tooDeepMessage = `is nested deeper than ${nestingDepthMax} levels (nestingDepthMax)`;

/** Level by level, without recursion. */
function isTooDeep(value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > nestingDepthMax) return true;
    level = level.flatMap((one) =>
      typeof one === 'object' && one !== null ? Object.values(one) : [],
    );
  }
  return false;
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
