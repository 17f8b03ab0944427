import type { PathPattern, Template } from './definitions.ts';
import type { Path, Problems } from './problem.ts';
import { parseTemplate } from './template.ts';

/** A template, or none with a problem. */
export function resolveTemplate(
  text: string,
  path: Path,
  pattern: PathPattern,
  braces: boolean,
  problems: Problems,
): Template {
  const parsed = parseTemplate(text, pattern, braces);
  if (!('message' in parsed)) return parsed;
  problems.add('bad-template', path, parsed.message, parsed.hint);
  return [];
}
