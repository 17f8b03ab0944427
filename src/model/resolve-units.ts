import { durationMsMax } from '../base/limits.ts';
import { parseDurationMs, parseSizeBytes } from '../base/units.ts';
import type { Path, Problems } from './problem.ts';

/** A duration above zero, in milliseconds; 0 with a problem. */
export function resolveDurationMs(text: string, path: Path, problems: Problems): number {
  const ms = parseDurationMs(text);
  if (ms === null) problems.add('bad-value', path, `${text} is not a duration`, 'write 30s');
  else if (ms === 0) problems.add('bad-value', path, 'must be more than zero');
  else if (ms > durationMsMax) {
    problems.add('limit', path, `${text} is longer than the limit of 24h (durationMsMax)`);
  }
  return ms ?? 0;
}

/** A size in bytes; 0 with a problem. */
export function resolveSizeBytes(text: string, path: Path, problems: Problems): number {
  const bytes = parseSizeBytes(text);
  if (bytes === null) problems.add('bad-value', path, `${text} is not a size`, 'write 64MiB');
  return bytes ?? 0;
}
