import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import { readIfThere, writeDurably } from '../base/durable-file.ts';

/** The token of the admin interface: kept in the data folder for the command line, hashed here. */
export class AccessToken {
  readonly #hash: Buffer;

  private constructor(token: string) {
    this.#hash = hashOf(token);
  }

  /** Reads `admin-token`, or makes one with mode 0600. Without a folder it is told by `announce`. */
  static async open(
    folder: string | null,
    announce: (token: string) => void,
  ): Promise<AccessToken> {
    const file = folder === null ? null : join(folder, 'admin-token');
    const kept = file === null ? null : (await readIfThere(file))?.trim();
    if (kept) return new AccessToken(kept);
    const token = randomBytes(32).toString('base64url');
    if (file === null) announce(token);
    else await writeDurably(file, `${token}\n`, 0o600);
    return new AccessToken(token);
  }

  /** Whether an `Authorization` header carries it; takes the same time for every wrong one. */
  admits(authorization: string | undefined): boolean {
    const given = /^Bearer +(.+)$/i.exec(authorization ?? '')?.[1] ?? '';
    return timingSafeEqual(hashOf(given), this.#hash);
  }
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
