import type * as Uws from 'uWebSockets.js';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, threadId } from 'node:worker_threads';
import { withoutNewerGlibc } from './elf.ts';
import { CutoverError, messageOf } from './errors.ts';

export type { HttpRequest, HttpResponse, TemplatedApp, us_listen_socket } from 'uWebSockets.js';

/** The package's exports; its own types lack the switch that `silent` sets. */
export type UwsModule = typeof Uws & {
  /** `silent`: no `uWebSockets` header in responses. */
  _cfg(option: 'silent'): void;
};

/** `ListenOptions` of the package as numbers: its enum exists in its types alone. */
export const listenExclusively = 1;

/** An app with the calls that hand connections from an acceptor to child apps. */
export interface LinkedApp {
  /** Its own types have a host or options, never both. */
  listen(
    host: string,
    port: number,
    options: number,
    onSocket: (socket: Uws.us_listen_socket | false) => void,
  ): unknown;
  getDescriptor(): unknown;
  addChildAppDescriptor(descriptor: unknown): void;
  removeChildAppDescriptor(descriptor: unknown): void;
}

/**
 * Loads uWebSockets.js into this thread: the package's own binary, and where that wants a newer
 * glibc than the system has, an adapted copy of it (elf.ts), made once and kept in build/native.
 * The one file that loads it.
 */
export function loadUws(): UwsModule {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('uWebSockets.js'));
  const file = join(
    folder,
    `uws_${process.platform}_${process.arch}_${process.versions.modules}.node`,
  );
  if (!existsSync(file)) {
    throw cannotLoad(
      `there is no binary for ${process.platform} ${process.arch} with Node ${process.version}`,
    );
  }
  try {
    return require(file) as UwsModule;
  } catch (error) {
    if (!messageOf(error).includes('GLIBC_2.38')) throw cannotLoad(messageOf(error), error);
  }
  try {
    return open(adaptedCopy(file));
  } catch (error) {
    throw cannotLoad(messageOf(error), error);
  }
}

function open(file: string): UwsModule {
  const loaded = { exports: {} };
  process.dlopen(loaded, file, constants.dlopen.RTLD_LAZY);
  return loaded.exports as UwsModule;
}

/** Threads and processes may make it at the same time: each writes its own, the rename decides. */
function adaptedCopy(file: string): string {
  const library = readFileSync(file);
  const hash = createHash('sha256').update(library).digest('hex').slice(0, 16);
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'build', 'native');
  const copy = join(folder, `uws-${hash}.node`);
  if (existsSync(copy)) return copy;
  mkdirSync(folder, { recursive: true });
  const temporary = `${copy}.${process.pid}-${isMainThread ? 'main' : threadId}`;
  writeFileSync(temporary, withoutNewerGlibc(library), { mode: 0o755 });
  renameSync(temporary, copy);
  return copy;
}

function cannotLoad(why: string, cause?: unknown): CutoverError {
  return new CutoverError(
    'uws-cannot-load',
    `uWebSockets.js cannot be loaded: ${why}. It needs Node 20, 22 or 24 on Linux (glibc), macOS ` +
      'or Windows, x64 or arm64. Check `node --version` and `uname -sm`, then run `npm ci`.',
    { source: 'operator', cause },
  );
}
