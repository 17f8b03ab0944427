import type { z } from 'zod';
import { nearest, type Path, type Problems } from './problem.ts';
import type { SchemaIssue } from './schema.ts';

/** Fields of routes and upstreams that later releases know. */
const later = ['cache', 'rate-limit', 'auth', 'tls', 'transform', 'jwt', 'probe', 'timeout'];

/** Turns what zod found into problems with places and hints. */
export function addIssues(
  issues: readonly SchemaIssue[],
  path: Path,
  value: unknown,
  schema: z.ZodType,
  problems: Problems,
): void {
  for (const issue of issues) addIssue(issue, path, value, schema, problems);
}

function addIssue(
  issue: SchemaIssue,
  path: Path,
  value: unknown,
  schema: z.ZodType,
  problems: Problems,
): void {
  const at = [...path, ...issue.path.map((step) => (typeof step === 'symbol' ? '' : step))];
  const written = valueAt(value, issue.path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) addUnknown(key, [...at, key], issue.path, schema, problems);
    return;
  }
  if (issue.code === 'invalid_union') {
    const branch = deepest(issue.errors);
    if (branch !== null) {
      for (const inner of branch) {
        addIssue(inner as SchemaIssue, at, written, schema, problems);
      }
      return;
    }
  }
  if (issue.code === 'invalid_type' && written === undefined) {
    problems.add('missing', at, 'is missing');
    return;
  }
  const over = issue.code === 'too_big';
  const wrongType = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  const scalar = typeof written === 'number' || typeof written === 'boolean';
  problems.add(
    over ? 'limit' : wrongType ? 'wrong-type' : 'bad-value',
    at,
    lowerFirst(issue.message),
    scalar && wrongType ? `quote it: "${String(written)}"` : null,
  );
}

function addUnknown(
  key: string,
  at: Path,
  parent: readonly PropertyKey[],
  schema: z.ZodType,
  problems: Problems,
): void {
  if (later.includes(key)) {
    problems.add('not-in-release', at, `${key} is not part of this release`, 'remove it', 'key');
    return;
  }
  const like = nearest(key, knownKeys(schema, parent));
  const hint = like === null ? null : `did you mean ${like}?`;
  problems.add('unknown-field', at, `there is no field ${key}`, hint, 'key');
}

/** The one branch of a union that went furthest, when exactly one goes beyond the top. */
function deepest(
  branches: readonly (readonly { path: PropertyKey[] }[])[],
): readonly unknown[] | null {
  const deep = branches.filter((issues) =>
    issues.every(({ path, ...issue }) => path.length > 0 || 'keys' in issue),
  );
  return deep.length === 1 ? (deep[0] as readonly unknown[]) : null;
}

/** The fields that an object at this place may have. */
function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let node: unknown = schema;
  for (const step of path) node = stepInto(node, step);
  const shape = (unwrap(node) as { shape?: Record<string, unknown> } | undefined)?.shape;
  return shape === undefined ? [] : Object.keys(shape);
}

function stepInto(node: unknown, step: PropertyKey): unknown {
  const inner = unwrap(node) as {
    shape?: Record<PropertyKey, unknown>;
    element?: unknown;
    valueType?: unknown;
  };
  return inner?.shape?.[step] ?? inner?.element ?? inner?.valueType;
}

function unwrap(node: unknown): unknown {
  let inner = node as { def?: { innerType?: unknown } } | undefined;
  while (inner?.def?.innerType !== undefined) inner = inner.def.innerType as typeof inner;
  return inner;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let inner = value;
  for (const step of path)
    inner = (inner as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return inner;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
