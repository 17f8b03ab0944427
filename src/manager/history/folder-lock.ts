import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { removeIfThere } from '../../base/durable-file.ts';
import { CutoverError } from '../../base/errors.ts';

/** Keeps two processes from sharing a data folder. The lock of a process that is gone is taken over. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'lock');
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(file, 'wx');
      await handle.writeFile(`${process.pid} ${await startOf(process.pid)}\n`);
      await handle.close();
      return () => removeIfThere(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid = '', began = ''] = (await readFile(file, 'utf8')).trim().split(' ');
    if (Number(pid) !== process.pid && (await isRunning(pid, began))) {
      throw new CutoverError(
        'data-folder-locked',
        `the data folder ${folder} is used by the process ${pid}; stop it, or give this one another folder with --set data=DIR`,
        { source: 'operator' },
      );
    }
    await removeIfThere(file);
  }
  throw new CutoverError('data-folder-locked', `the data folder ${folder} cannot be locked`, {
    source: 'operator',
  });
}

/** A number alone (the write was cut short) means whatever process has it now. */
async function isRunning(pid: string, began: string): Promise<boolean> {
  if (!/^\d+$/.test(pid)) return false;
  const start = await startOf(Number(pid));
  return start !== '' && (began === '' || began === start);
}

/** When a process began, in the kernel's ticks: tells it from a later one of the same number. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
