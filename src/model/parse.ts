import type { z } from 'zod';
import { routeCountMax, upstreamCountMax } from '../base/limits.ts';
import { findConflicts, type PlacedRoute } from './conflicts.ts';
import type { Definitions, Upstream } from './definitions.ts';
import { hashDefinitions } from './hash.ts';
import { type Locate, nearest, type Path, type Place, type Problem, Problems } from './problem.ts';
import { resolveRoute } from './resolve-route.ts';
import { resolveUpstream } from './resolve-upstream.ts';
import { routeSchema, upstreamSchema } from './schema.ts';
import { addIssues, ourWords, withoutUnknown } from './schema-problems.ts';
import { readSource, type Source, type SourceDocument, valueDocument } from './source-document.ts';
import { emptyWritten, isRecord, type WrittenDefinitions } from './written.ts';

export type Parsed =
  | {
      readonly ok: true;
      /** What was written, merged, as plain JSON. */
      readonly written: WrittenDefinitions;
      readonly definitions: Definitions;
      readonly hash: string;
    }
  | Refused;

export interface Refused {
  readonly ok: false;
  readonly problems: readonly Problem[];
  /** How many more there were than the list holds. */
  readonly truncated: number;
}

/** Fields that later releases know; a clearer word than "unknown". */
const laterTop = ['consumers', 'certificates', 'probes', 'tls'];

/**
 * Reads a set of definitions, from one file or several, and reports all problems in one go, each
 * with its place. One bad object never hides the problems of another.
 */
export function parseDefinitions(sources: readonly Source[]): Parsed {
  const documents: SourceDocument[] = [];
  const merged = new Merged();
  const problems = new Problems(merged.locate);
  for (const source of sources) {
    const document = readSource(source, problems);
    if (document !== null) documents.push(document);
  }
  for (const document of documents) merged.add(document, problems);
  return resolveMerged(merged.written, problems);
}

/** The same for a plain JSON value; `file` names it in problems. */
export function parseWritten(written: unknown, file: string): Parsed {
  const merged = new Merged();
  const problems = new Problems(merged.locate);
  const document = valueDocument(written, file, problems);
  if (document !== null) merged.add(document, problems);
  return resolveMerged(merged.written, problems);
}

/** One object by itself, as the body of a call: its plain value, or what is wrong with its text. */
export function readObject(text: string): { readonly ok: true; readonly value: unknown } | Refused {
  const problems = new Problems(() => ({ file: 'request body', line: 1, column: 1 }));
  const document = readSource({ file: 'request body', text }, problems);
  if (document === null) return { ok: false, problems: problems.list, truncated: 0 };
  return { ok: true, value: document.value };
}

function resolveMerged(written: WrittenDefinitions, problems: Problems): Parsed {
  const upstreams: Upstream[] = [];
  const entries = Object.entries(written.upstreams);
  if (entries.length > upstreamCountMax) {
    problems.add(
      'limit',
      ['upstreams'],
      `more than ${upstreamCountMax} upstreams (upstreamCountMax)`,
    );
  }
  if (written.routes.length > routeCountMax) {
    problems.add('limit', ['routes'], `more than ${routeCountMax} routes (routeCountMax)`);
  }
  for (const [name, value] of entries) {
    const path = ['upstreams', name];
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) {
      problems.add(
        'bad-value',
        path,
        'a name begins with a letter or digit; dot, dash and underscore may follow',
        null,
        'key',
      );
    }
    const read = readAs(value, path, upstreamSchema, problems);
    if (read !== null) upstreams.push(resolveUpstream(name, read, path, problems));
  }
  const placed: PlacedRoute[] = [];
  const sound: PlacedRoute[] = [];
  for (const [index, value] of written.routes.entries()) {
    const path = ['routes', index];
    const before = problems.count;
    const read = readAs(value, path, routeSchema, problems);
    if (read === null) continue;
    const one = { route: resolveRoute(read, path, problems), path };
    placed.push(one);
    if (problems.count === before) sound.push(one);
  }
  checkReferences(placed, written, problems);
  checkIds(written.routes, problems);
  findConflicts(sound, problems);
  if (problems.count > 0) {
    return { ok: false, problems: inOrder(problems.list), truncated: problems.truncated };
  }
  const definitions = {
    upstreams: upstreams.sort((a, b) => (a.name < b.name ? -1 : 1)),
    routes: placed.map(({ route }) => route),
  };
  return { ok: true, written, definitions, hash: hashDefinitions(definitions) };
}

/** An object as its schema reads it; null: so much is wrong that what it means is not known. */
function readAs<T>(value: unknown, path: Path, schema: z.ZodType<T>, problems: Problems): T | null {
  const parsed = schema.safeParse(value, ourWords);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  addIssues(issues, path, value, schema, problems);
  return withoutUnknown(value, issues, schema);
}

function checkReferences(
  placed: readonly PlacedRoute[],
  { upstreams, routes }: WrittenDefinitions,
  problems: Problems,
): void {
  const names = Object.keys(upstreams);
  const known = new Set(names);
  for (const { route, path } of placed) {
    if (route.action.kind !== 'proxy') continue;
    const { upstream: reference } = routes[path[1] as number] as { upstream?: unknown };
    for (const [index, { upstream }] of route.action.targets.entries()) {
      if (known.has(upstream)) continue;
      const at = [...path, 'upstream', ...(Array.isArray(reference) ? [index, 'name'] : [])];
      const like = nearest(upstream, names);
      const hint = like === null ? 'define it under upstreams' : `did you mean ${like}?`;
      problems.add('unknown-upstream', at, `there is no upstream ${upstream}`, hint);
    }
  }
}

function checkIds(routes: readonly unknown[], problems: Problems): void {
  const seen = new Map<string, number>();
  for (const [index, route] of routes.entries()) {
    const id = (route as { id?: unknown } | null)?.id;
    if (typeof id !== 'string') continue;
    const first = seen.get(id);
    if (first === undefined) {
      seen.set(id, index);
      continue;
    }
    const { file, line } = problems.place(['routes', first, 'id']);
    problems.add(
      'duplicate',
      ['routes', index, 'id'],
      `the id ${id} stands at ${file}:${line} too`,
    );
  }
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** Several documents as one set, with the way back from a path to its file. */
class Merged {
  readonly written: WrittenDefinitions = emptyWritten();
  readonly #upstreamOwner = new Map<string, SourceDocument>();
  readonly #routeOwner: { document: SourceDocument; index: number }[] = [];
  #first: SourceDocument | null = null;

  readonly locate: Locate = (path, at) => {
    const [section, key, ...rest] = path;
    if (section === 'upstreams' && typeof key === 'string') {
      const owner = this.#upstreamOwner.get(key);
      if (owner !== undefined) return owner.locate(path, at);
    }
    if (section === 'routes' && typeof key === 'number') {
      const owner = this.#routeOwner[key];
      if (owner !== undefined) return owner.document.locate(['routes', owner.index, ...rest], at);
    }
    return this.#first?.locate(path, at) ?? { file: '', line: 1, column: 1 };
  };

  add(document: SourceDocument, problems: Problems): void {
    this.#first ??= document;
    const { value } = document;
    const report = (
      code: Problem['code'],
      path: Path,
      message: string,
      hint: string | null,
    ): void => problems.addAt(placeIn(document, path), code, path, message, hint);
    if (!isRecord(value)) {
      report('wrong-type', [], 'definitions are a map with upstreams and routes', null);
      return;
    }
    for (const key of Object.keys(value)) {
      if (['upstreams', 'routes', '$schema'].includes(key)) continue;
      if (laterTop.includes(key)) {
        report('not-in-release', [key], `${key} is not part of this release`, 'remove it');
        continue;
      }
      const like = nearest(key, ['upstreams', 'routes']);
      report('unknown-field', [key], `there is no field ${key}`, like && `did you mean ${like}?`);
    }
    this.#addUpstreams(value['upstreams'] ?? {}, document, report);
    this.#addRoutes(value['routes'] ?? [], document, report);
  }

  #addUpstreams(upstreams: unknown, document: SourceDocument, report: Report): void {
    if (!isRecord(upstreams)) {
      report('wrong-type', ['upstreams'], 'upstreams is a map of names', null);
      return;
    }
    for (const [name, upstream] of Object.entries(upstreams)) {
      const owner = this.#upstreamOwner.get(name);
      if (owner !== undefined) {
        const { file, line } = owner.locate(['upstreams', name], 'key');
        const message = `the upstream ${name} stands at ${file}:${line} too`;
        report('duplicate', ['upstreams', name], message, null);
        continue;
      }
      this.#upstreamOwner.set(name, document);
      this.written.upstreams[name] = upstream;
    }
  }

  #addRoutes(routes: unknown, document: SourceDocument, report: Report): void {
    if (!Array.isArray(routes)) {
      report('wrong-type', ['routes'], 'routes is a list', 'begin each route with a dash');
      return;
    }
    for (const [index, route] of routes.entries()) {
      this.#routeOwner.push({ document, index });
      this.written.routes.push(route);
    }
  }
}

type Report = (code: Problem['code'], path: Path, message: string, hint: string | null) => void;

function placeIn(document: SourceDocument, path: Path): Place {
  return document.locate(path, 'key');
}
