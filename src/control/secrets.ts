import { readFileSync, statSync } from 'node:fs';
import { CutoverError, messageOf } from '../base/errors.ts';
import { secretBytesMax } from '../base/limits.ts';
import type { Definitions } from '../model/definitions.ts';
import { printReference, type SecretReference } from '../model/secret.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads every secret that a set of definitions refers to, before anything is compiled. Throws one
 * CutoverError (`secret-missing`) that names all that are missing or unfit, with where they are
 * referred to and never with what they hold.
 */
export function readSecrets(
  definitions: Definitions,
  environment: Environment,
): (reference: SecretReference) => string {
  const known = new Map<string, string>();
  const missing: string[] = [];
  for (const { id, cache } of definitions.routes) {
    const reference = cache?.debugToken ?? null;
    if (reference === null) continue;
    const name = printReference(reference);
    const secret = known.get(name) ?? readSecret(reference, environment);
    if (typeof secret === 'string') known.set(name, secret);
    else missing.push(`route ${id}: cache.debug.token: ${name} ${secret.problem}`);
  }
  if (missing.length > 0) {
    throw new CutoverError('secret-missing', missing.slice(0, namedMax).join('; '), {
      source: 'operator',
    });
  }
  return (reference) => known.get(printReference(reference)) ?? '';
}

/** As many are named in the message; they tend to be missing all at once. */
const namedMax = 20;

interface Unfit {
  readonly problem: string;
}

function readSecret(reference: SecretReference, environment: Environment): string | Unfit {
  const text =
    reference.kind === 'env' ? environment[reference.name] : readSmallFile(reference.path);
  if (text === undefined) return { problem: 'is not set' };
  if (typeof text !== 'string') return text;
  const secret = text.trim();
  if (secret === '') return { problem: 'is empty' };
  if (secret.length > secretBytesMax) {
    return { problem: `is over ${secretBytesMax} bytes (secretBytesMax)` };
  }
  // It is compared with a header's value, which holds nothing else.
  if (!/^[\x21-\x7e]+$/.test(secret)) return { problem: 'has characters other than visible ASCII' };
  return secret;
}

function readSmallFile(path: string): string | Unfit {
  try {
    const found = statSync(path);
    // Anything else, such as a pipe, could keep control waiting.
    if (!found.isFile()) return { problem: 'is not a file' };
    if (found.size > secretBytesMax + 2) {
      return { problem: `is over ${secretBytesMax} bytes (secretBytesMax)` };
    }
    return readFileSync(path, 'latin1');
  } catch (error) {
    return { problem: `cannot be read: ${messageOf(error)}` };
  }
}
