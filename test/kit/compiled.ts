import { compileShape, type Numbering } from '../../src/control/compiler/compile.ts';
import { verifyShape } from '../../src/control/compiler/verify.ts';
import type { ShapeBytes, ShapeReader } from '../../src/memory/shape.ts';
import type { Definitions } from '../../src/model/definitions.ts';
import { parseDefinitions, parseWritten } from '../../src/model/parse.ts';
import { type Problem, printProblem } from '../../src/model/problem.ts';
import { printReference } from '../../src/model/secret.ts';

/** What a person wrote, in its resolved form; problems are thrown as text. */
export function resolved(written: unknown): Definitions {
  const parsed = parseWritten(written, 'test');
  if (!parsed.ok) throw new Error(parsed.problems.map(printProblem).join('\n'));
  return parsed.definitions;
}

/** The problems of definitions that must be refused. */
export function problemsOf(written: unknown): readonly Problem[] {
  const parsed =
    typeof written === 'string'
      ? parseDefinitions([{ file: 'test.yaml', text: written }])
      : parseWritten(written, 'test');
  if (parsed.ok) throw new Error('these definitions must be refused');
  return parsed.problems;
}

/** `code path` of each problem: what it is and where. */
export function kindsOf(written: unknown): string[] {
  return problemsOf(written).map(({ code, path }) => `${code} ${path}`);
}

/** Routes are numbered from 1, upstreams from 1001. */
export function countingUp(): Numbering {
  let routes = 0;
  let upstreams = 1000;
  return {
    route: () => {
      routes += 1;
      return routes;
    },
    upstream: () => {
      upstreams += 1;
      return upstreams;
    },
  };
}

/** Secrets are spelled like where they stand: `env NAME`. */
export function bytesOf(
  definitions: Definitions,
  previousShapeKeys: ReadonlyMap<string, string> = new Map(),
): ShapeBytes {
  return compileShape(definitions, {
    revision: 7,
    hash: 'a hash',
    numbering: countingUp(),
    previousShapeKeys,
    secret: printReference,
  });
}

/** Compiled, verified and read as a worker would read it. */
export function shapeOf(definitions: Definitions): ShapeReader {
  return verifyShape(bytesOf(definitions));
}
