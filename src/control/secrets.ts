import { CutoverError } from '../base/errors.ts';
import { type Environment, readSecret } from '../base/secret-text.ts';
import type { Definitions } from '../model/definitions.ts';
import { printReference, type SecretReference } from '../model/secret.ts';

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
