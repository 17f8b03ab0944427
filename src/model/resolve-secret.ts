import type { WrittenCache } from './cache-schema.ts';
import type { Path, Problems } from './problem.ts';
import type { SecretReference } from './secret.ts';

type WrittenSecret = NonNullable<WrittenCache['debug']>['token'];

/** Checks that a reference is one; whether there is a secret behind it is known on the node only. */
export function resolveSecret(
  written: WrittenSecret,
  path: Path,
  problems: Problems,
): SecretReference {
  if ('env' in written) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(written.env)) {
      // Not quoted: it may be the secret itself.
      const message = 'is not the name of an environment variable';
      problems.add('bad-value', [...path, 'env'], message, 'write its name, not the secret');
    }
    return { kind: 'env', name: written.env };
  }
  if (written.file === '' || written.file.includes('\0')) {
    problems.add('bad-value', [...path, 'file'], 'is not the path of a file');
  }
  return { kind: 'file', path: written.file };
}
