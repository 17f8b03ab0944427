import { nearest, type Problem, Problems } from './problem.ts';
import { addIssues, ourWords } from './schema-problems.ts';
import type { Settings } from './settings.ts';
import {
  resolveWrittenSettings,
  type SettingsDefaults,
  settingsSchema,
} from './settings-schema.ts';
import { readSource, type Source, type SourceDocument } from './source-document.ts';
import { isRecord } from './written.ts';

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
  const overrides = new Map<string, string>();
  const problems = new Problems((path, at) => {
    const source = path
      .map((_, index) => overrides.get(path.slice(0, index + 1).join('.')))
      .find((one) => one !== undefined);
    if (source !== undefined) return { file: source, line: 1, column: 1 };
    return document?.locate(path, at) ?? { file: 'settings', line: 1, column: 1 };
  });
  if (sources.file !== null) document = readSource(sources.file, problems);
  const written = document?.value ?? {};
  if (!isRecord(written)) problems.add('wrong-type', [], 'settings are a map', 'write listen: …');
  if (!isRecord(written) || problems.count > 0) return { ok: false, problems: problems.list };
  const merged = structuredClone(written);
  const schema = settingsSchema(sources.defaults);
  const leaves = leavesOf(schema);
  const override = ({ path, type }: Leaf, text: string, source: string): void => {
    overrides.set(path.join('.'), source);
    setIn(merged, path, readAs(text, type));
  };
  for (const [name, text] of Object.entries(sources.environment)) {
    if (!name.startsWith(prefix) || text === undefined) continue;
    const wanted = name.slice(prefix.length).toLowerCase();
    const leaf = leaves.find(({ path }) => path.join('_').toLowerCase() === wanted);
    if (leaf !== undefined) override(leaf, text, name);
  }
  for (const set of sources.sets) {
    const [, dotted = '', text] = /^([^=]+)(?:=(.*))?$/s.exec(set) ?? [];
    const leaf = leaves.find(({ path }) => path.join('.') === dotted);
    if (leaf === undefined) {
      const known = leaves.map(({ path }) => path.join('.'));
      const like = nearest(dotted, known);
      const hint = like === null ? `there are ${known.join(', ')}` : `did you mean ${like}?`;
      const message = `--set ${set}: there is no such setting`;
      problems.addAt({ file: commandLine, line: 1, column: 1 }, 'unknown-field', [], message, hint);
    } else if (text === undefined) {
      const message = `--set ${set}: has no value`;
      const hint = `write ${dotted}=VALUE`;
      problems.addAt({ file: commandLine, line: 1, column: 1 }, 'bad-value', [], message, hint);
    } else {
      override(leaf, text, commandLine);
    }
  }
  const parsed = schema.safeParse(merged, ourWords);
  if (!parsed.success) addIssues(parsed.error.issues, [], merged, schema, problems);
  if (!parsed.success) return { ok: false, problems: problems.list };
  const settings = resolveWrittenSettings(parsed.data, problems);
  return problems.count > 0 ? { ok: false, problems: problems.list } : { ok: true, settings };
}

const commandLine = 'command line';

/** A setting that holds a value, not further settings. */
interface Leaf {
  readonly path: readonly string[];
  /** zod's word for it: `string`, `number`, `array`, … */
  readonly type: string;
}

interface SchemaNode {
  readonly shape?: Record<string, SchemaNode>;
  readonly def?: { readonly type?: string; readonly innerType?: SchemaNode };
}

function leavesOf(node: unknown, path: readonly string[] = []): Leaf[] {
  let inner = node as SchemaNode;
  while (inner.def?.innerType !== undefined) inner = inner.def.innerType;
  if (inner.shape === undefined) return [{ path, type: inner.def?.type ?? '' }];
  return Object.entries(inner.shape).flatMap(([key, field]) => leavesOf(field, [...path, key]));
}

function setIn(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = target;
  for (const step of path.slice(0, -1)) {
    if (!isRecord(node[step])) node[step] = {};
    node = node[step] as Record<string, unknown>;
  }
  node[path.at(-1) as string] = value;
}

/**
 * A text as the setting wants it: digits as a number, `true` and `false`, `[a, b]` as a list; what
 * fits none of them stays.
 */
function readAs(text: string, type: string): unknown {
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (type === 'number' && /^\d+$/.test(text)) return Number(text);
  if (type !== 'array' || !text.startsWith('[') || !text.endsWith(']')) return text;
  const inside = text.slice(1, -1).trim();
  if (inside === '') return [];
  return inside.split(',').map((one) => one.trim().replaceAll(/^["']|["']$/g, ''));
}
