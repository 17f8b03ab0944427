import { readFileSync, statSync } from 'node:fs';
import { messageOf } from './errors.ts';
import { secretBytesMax } from './limits.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

type Reference =
  | { readonly kind: 'env'; readonly name: string }
  | { readonly kind: 'file'; readonly path: string };

export interface Unfit {
  readonly problem: string;
}

/** The secret behind a reference; it is in no message. */
export function readSecret(reference: Reference, environment: Environment): string | Unfit {
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
