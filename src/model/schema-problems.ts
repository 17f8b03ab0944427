import type { z } from 'zod';
import { nearest, type Path, type Problems, printPath } from './problem.ts';
import type { SchemaIssue } from './schema.ts';
import { nameOfUnit, type Unit, unitAmong, unitHint } from './schema-units.ts';

/** Fields of routes and upstreams that later releases know. */
const later = ['auth', 'tls', 'transform', 'jwt', 'probe', 'timeout'];

/** What a person calls the types of JSON. */
const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a map',
  record: 'a map',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 network',
  cidrv6: 'an IPv6 network',
};

/** Turns what zod found into problems with places and hints. */
export function addIssues(
  issues: readonly SchemaIssue[],
  path: Path,
  value: unknown,
  schema: z.ZodType,
  problems: Problems,
): void {
  const foreign = issues.filter(isOfLater).map(({ path: at }) => printPath(asPath(at)));
  for (const issue of issues) {
    // What a later release calls otherwise lacks nothing of this one: one problem is enough.
    const parent = printPath(asPath(issue.path.slice(0, -1)));
    const missing = issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined;
    if (missing && foreign.includes(parent)) continue;
    addIssue(issue, path, value, [schema], problems);
  }
}

/**
 * A value as its schema reads it when fields that there are none of are all that is wrong, so that a
 * misspelt one does not hide what else is. Such a field is taken for the one that it is like, since
 * else that would be told as missing too, or is left out. Null: more is wrong.
 */
export function withoutUnknown<T>(
  value: unknown,
  issues: readonly SchemaIssue[],
  schema: z.ZodType<T>,
): T | null {
  if (!issues.every(({ code }) => code === 'unrecognized_keys')) return null;
  const renamed = schema.safeParse(withoutKeys(value, issues, schema, true)).data;
  return renamed ?? schema.safeParse(withoutKeys(value, issues, schema, false)).data ?? null;
}

/** A copy without the unknown keys; `rename`: with what they held under the names that are meant. */
function withoutKeys(
  value: unknown,
  issues: readonly SchemaIssue[],
  schema: z.ZodType,
  rename: boolean,
): unknown {
  const copy = structuredClone(value);
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue;
    const parent = valueAt(copy, issue.path) as Record<string, unknown>;
    const known = knownFields(schemasAt([schema], issue.path));
    for (const key of issue.keys) {
      const like = rename ? nearest(key, known) : null;
      if (like !== null && !Object.hasOwn(parent, like)) parent[like] = parent[key];
      delete parent[key];
    }
  }
  return copy;
}

function isOfLater(issue: SchemaIssue): boolean {
  return issue.code === 'unrecognized_keys' && issue.keys.some((key) => later.includes(key));
}

function asPath(path: readonly PropertyKey[]): Path {
  return path.map((step) => (typeof step === 'symbol' ? '' : step));
}

/** `schemas`: those that the value at `path` may follow; several below a union. */
function addIssue(
  issue: SchemaIssue,
  path: Path,
  value: unknown,
  schemas: readonly unknown[],
  problems: Problems,
): void {
  const at = [...path, ...asPath(issue.path)];
  const written = valueAt(value, issue.path);
  const nodes = schemasAt(schemas, issue.path);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) addUnknown(key, [...at, key], nodes, problems);
    return;
  }
  if (issue.code === 'invalid_union') {
    const branch = nearestBranch(issue.errors as readonly Branch[]);
    if (branch !== null) {
      for (const inner of branch) addIssue(inner, at, written, nodes, problems);
      return;
    }
  }
  if (written === undefined && (issue.code === 'invalid_type' || issue.code === 'invalid_union')) {
    problems.add('missing', at, 'is missing');
    return;
  }
  const wrongType = issue.code === 'invalid_type' || issue.code === 'invalid_union';
  const unit = unitAmong(nodes);
  const choices = wrongType || issue.code === 'invalid_value' ? choicesOf(issue, unit) : [];
  const code = issue.code === 'too_big' ? 'limit' : wrongType ? 'wrong-type' : 'bad-value';
  const message = choices.length === 0 ? lowerFirst(issue.message) : `must be ${listed(choices)}`;
  problems.add(code, at, message, hintFor(written, choices, nodes));
}

/** What to write in the place of a value that is of another kind than it should be. */
function hintFor(
  written: unknown,
  choices: readonly string[],
  nodes: readonly unknown[],
): string | null {
  const unit = unitAmong(nodes);
  const scalar = typeof written === 'number' || typeof written === 'boolean';
  if (unit !== null && !Array.isArray(written)) return unitHint(unit, written);
  if (scalar && choices.includes('text')) return `quote it: "${String(written)}"`;
  const texts = nodes.some((node) => alternatives((node as SchemaNode).element).some(isText));
  if (typeof written !== 'string' || choices.join() !== 'a list' || !texts) return null;
  return `write [${/^[\w./:-]+$/.test(written) ? written : JSON.stringify(written)}]`;
}

function isText(schema: unknown): boolean {
  return ['string', 'enum'].includes((schema as SchemaNode).def?.type ?? '');
}

/** Our words for what zod says in its own; for `safeParse`. */
export const ourWords: { error: z.core.$ZodErrorMap } = {
  error: (issue) => {
    if (issue.code !== 'too_small' && issue.code !== 'too_big') return undefined;
    const bound = issue.code === 'too_small' ? 'least' : 'most';
    const limit = String(issue.code === 'too_small' ? issue.minimum : issue.maximum);
    if (issue.origin === 'array') return `must have at ${bound} ${limit} in it`;
    if (issue.origin !== 'string') return `must be at ${bound} ${limit}`;
    return limit === '1' ? 'must not be empty' : `must be at ${bound} ${limit} characters long`;
  },
};

function addUnknown(key: string, at: Path, parents: readonly unknown[], problems: Problems): void {
  if (later.includes(key)) {
    problems.add('not-in-release', at, `${key} is not part of this release`, 'remove it', 'key');
    return;
  }
  const like = nearest(key, knownFields(parents));
  const hint = like === null ? null : `did you mean ${like}?`;
  problems.add('unknown-field', at, `there is no field ${key}`, hint, 'key');
}

/** The schemas that a value at a path may follow. */
function schemasAt(schemas: readonly unknown[], path: readonly PropertyKey[]): unknown[] {
  return path.reduce<unknown[]>(
    (from, step) => from.flatMap((node) => stepInto(node, step)),
    schemas.flatMap(alternatives),
  );
}

function knownFields(schemas: readonly unknown[]): string[] {
  return schemas.flatMap((node) => Object.keys((node as SchemaNode).shape ?? {}));
}

type Branch = readonly SchemaIssue[];

/**
 * The branch of a union that a value was meant for: of those with its type, the one that knows
 * most of its fields. Null: none has its type.
 */
function nearestBranch(branches: readonly Branch[]): Branch | null {
  const rightType = branches.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  if (rightType.length === 0) return null;
  const known = rightType.find((issues) => unknownKeys(issues).length === 0);
  if (known !== undefined || rightType.length === 1) return known ?? rightType[0] ?? null;
  const onlyUnknown = rightType.map((issues) => issues.filter(isUnknownKeys));
  return onlyUnknown.sort((a, b) => unknownKeys(a).length - unknownKeys(b).length)[0] ?? null;
}

function isUnknownKeys(issue: SchemaIssue): boolean {
  return issue.path.length === 0 && issue.code === 'unrecognized_keys';
}

function unknownKeys(issues: Branch): string[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys' && issue.path.length === 0 ? issue.keys : [],
  );
}

/** What a value of the wrong kind may be instead, in words. */
function choicesOf(issue: SchemaIssue, unit: Unit | null): string[] {
  const text = unit === null ? 'text' : nameOfUnit(unit);
  switch (issue.code) {
    case 'invalid_type':
      return [issue.expected === 'string' ? text : (typeNames[issue.expected] ?? issue.expected)];
    case 'invalid_value':
      return issue.values.map(String);
    case 'invalid_format':
      return [typeNames[issue.format] ?? text];
    case 'invalid_union':
      return [
        ...new Set(
          (issue.errors as Branch[]).flatMap((one) =>
            one.slice(0, 1).flatMap((inner) => choicesOf(inner, unit)),
          ),
        ),
      ];
    default:
      return [];
  }
}

function listed(choices: readonly string[]): string {
  if (choices.length === 1) return choices[0] as string;
  return `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`;
}

interface SchemaNode {
  readonly shape?: Readonly<Record<PropertyKey, unknown>>;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly options?: readonly unknown[];
  readonly def?: { readonly type?: string; readonly innerType?: unknown };
}

/** The schemas that may stand in a place: defaults unwrapped, the members of a union. */
function alternatives(schema: unknown): unknown[] {
  let node = schema as SchemaNode | undefined;
  while (node?.def?.innerType !== undefined) node = node.def.innerType as SchemaNode;
  if (node === undefined) return [];
  return node.options === undefined ? [node] : node.options.flatMap(alternatives);
}

function stepInto(schema: unknown, step: PropertyKey): unknown[] {
  const node = schema as SchemaNode;
  const inner =
    node.shape === undefined ? (node.element ?? node.valueType) : ownField(node.shape, step);
  return inner === undefined ? [] : alternatives(inner);
}

function ownField(shape: Readonly<Record<PropertyKey, unknown>>, step: PropertyKey): unknown {
  return Object.hasOwn(shape, step) ? shape[step] : undefined;
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
