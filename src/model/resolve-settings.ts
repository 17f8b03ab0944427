import type { Problem } from './problem.ts';
import { Problems } from './problem.ts';
import { addIssues } from './schema-problems.ts';
import type { Settings } from './settings.ts';
import {
  resolveWrittenSettings,
  type SettingsDefaults,
  settingsSchema,
} from './settings-schema.ts';
import { readSource, type Source, type SourceDocument } from './source-document.ts';

export type ResolvedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export interface SettingsSources {
  readonly file: Source | null;
  /** `CUTOVER_LISTEN_PORT` sets `listen.port`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `listen.port=8081`. */
  readonly sets: readonly string[];
  readonly defaults: SettingsDefaults;
}

const prefix = 'CUTOVER_';

/** Defaults, then the file, then the environment, then `--set`: later ones win, field by field. */
export function resolveSettings(sources: SettingsSources): ResolvedSettings {
  let document: SourceDocument | null = null;
  const problems = new Problems(
    (path, at) => document?.locate(path, at) ?? { file: 'settings', line: 1, column: 1 },
  );
  if (sources.file !== null) {
    document = readSource(sources.file, problems);
    if (document === null) return { ok: false, problems: problems.list };
  }
  const merged = structuredClone(document?.value ?? {}) as Record<string, unknown>;
  const schema = settingsSchema(sources.defaults);
  const paths = leafPaths(schema);
  for (const [name, text] of Object.entries(sources.environment)) {
    if (!name.startsWith(prefix) || text === undefined) continue;
    const wanted = name.slice(prefix.length).toLowerCase();
    const path = paths.find((one) => one.join('_').toLowerCase() === wanted);
    if (path !== undefined) setIn(merged, path, scalarOf(text));
  }
  for (const set of sources.sets) {
    const [, dotted = '', text = ''] = /^([^=]+)=(.*)$/s.exec(set) ?? [];
    const path = paths.find((one) => one.join('.') === dotted);
    if (path === undefined) {
      const hint = paths.map((one) => one.join('.')).join(', ');
      problems.addAt(
        commandLine,
        'unknown-field',
        [],
        `--set ${set}: there is no such setting`,
        hint,
      );
    } else {
      setIn(merged, path, scalarOf(text));
    }
  }
  const parsed = schema.safeParse(merged);
  if (!parsed.success) addIssues(parsed.error.issues, [], merged, schema, problems);
  if (!parsed.success) return { ok: false, problems: problems.list };
  const settings = resolveWrittenSettings(parsed.data, problems);
  return problems.count > 0 ? { ok: false, problems: problems.list } : { ok: true, settings };
}

const commandLine = { file: 'command line', line: 1, column: 1 };

interface SchemaNode {
  readonly shape?: Record<string, SchemaNode>;
  readonly def?: { readonly innerType?: SchemaNode };
}

function leafPaths(node: unknown, path: readonly string[] = []): string[][] {
  let inner = node as SchemaNode;
  while (inner.def?.innerType !== undefined) inner = inner.def.innerType;
  if (inner.shape === undefined) return [[...path]];
  return Object.entries(inner.shape).flatMap(([key, field]) => leafPaths(field, [...path, key]));
}

function setIn(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = target;
  for (const step of path.slice(0, -1)) {
    const next = node[step];
    if (typeof next !== 'object' || next === null) node[step] = {};
    node = node[step] as Record<string, unknown>;
  }
  node[path.at(-1) as string] = value;
}

/** Numbers and lists are meant as such; everything else is text. */
function scalarOf(text: string): unknown {
  if (/^\d+$/.test(text)) return Number(text);
  if (text.startsWith('[') && text.endsWith(']')) {
    const inside = text.slice(1, -1).trim();
    return inside === ''
      ? []
      : inside.split(',').map((one) => one.trim().replaceAll(/^["']|["']$/g, ''));
  }
  return text;
}
