import { createHash } from 'node:crypto';
import type { Definitions } from './definitions.ts';

/** SHA-256 (hex) of the meaning of a set: two spellings of the same meaning hash equal. */
export function hashDefinitions(definitions: Definitions): string {
  return createHash('sha256').update(canonicalJson(definitions)).digest('hex');
}

/** JSON with sorted keys, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`);
  return `{${fields.join(',')}}`;
}
