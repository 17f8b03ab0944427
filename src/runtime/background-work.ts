import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** Nice values from -20 to 19; 10 weighs a tenth of the usual 0 where both want the same core. */
const backgroundNice = 10;

/**
 * What V8 shares out to its own threads while it collects garbage. Not `parallel-marking`: V8 checks
 * at each collection that it did not change since the start, and ends the process.
 */
const collectorThreads = [
  'concurrent-array-buffer-sweeping',
  'concurrent-marking',
  'concurrent-sweeping',
  'parallel-compaction',
  'parallel-pointer-update',
  'parallel-scavenge',
];

/**
 * Before any thread is started: V8's own threads, which compile and collect for all threads of the
 * process, run behind those that answer traffic; and as a collection must not wait for a thread
 * that runs behind, each thread collects its own garbage (docs/profiles/0004).
 */
export function keepBackgroundWorkBehind(): void {
  if (process.platform !== 'linux') return;
  for (const flag of collectorThreads) setFlagsFromString(`--no-${flag}`);
  for (const task of readdirSync('/proc/self/task')) {
    const thread = Number(task);
    if (thread !== process.pid) setPriority(thread, backgroundNice);
  }
}
