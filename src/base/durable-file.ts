import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces a file so that after a crash at any moment, of this process or of the machine, there is
 * the old content or the new, whole: write beside it, flush, rename, flush the folder.
 */
export async function writeDurably(file: string, text: string, mode = 0o644): Promise<void> {
  const temporary = `${file}.tmp`;
  const handle = await open(temporary, 'w', mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await sync(dirname(file));
}

/**
 * The same for a text that is short, where somebody waits: in one go on this thread, which waits for
 * the disk, instead of eight turns of the pool's threads.
 */
export function writeDurablyAtOnce(file: string, text: string): void {
  const temporary = `${file}.tmp`;
  syncAfter(openSync(temporary, 'w'), (handle) => writeSync(handle, text));
  renameSync(temporary, file);
  syncAfter(openSync(dirname(file), 'r'), () => {});
}

/** What the file holds now is there after a crash of the machine. */
export async function flushFile(file: string): Promise<void> {
  await sync(file);
  await sync(dirname(file));
}

/**
 * Writes a file that is new, whole or not at all for whoever comes after a crash of this process.
 * A crash of the machine may lose it: nothing is flushed.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}

/** The content, or null if there is no such file. */
export async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export async function removeIfThere(file: string): Promise<void> {
  await rm(file, { force: true });
}

async function sync(fileOrFolder: string): Promise<void> {
  const handle = await open(fileOrFolder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function syncAfter(handle: number, work: (handle: number) => void): void {
  try {
    work(handle);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
