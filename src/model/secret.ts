/**
 * Where a secret stands; the secret itself is read on the node (base/secret-text.ts)
 * and is in no revision, diff, log or dump.
 */
export type SecretReference =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

/** For messages and dumps: `env NAME`, `file PATH`. */
export function printReference(reference: SecretReference): string {
  return reference.kind === 'env' ? `env ${reference.name}` : `file ${reference.path}`;
}
