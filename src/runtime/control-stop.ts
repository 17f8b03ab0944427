import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import type { ControlToMain, MainToControl } from '../control/start-message.ts';
import type { Settings } from '../model/settings.ts';

/** How long a stop waits for the cache's snapshot: 256 MiB on a disk of 50 MiB a second. */
export const snapshotMsMax = 6_000;

/** Where the snapshot lies; null: none is wanted, or there is no folder for it. */
export function snapshotFileOf({ data, cache }: Settings): string | null {
  return data === null || cache?.snapshot !== true ? null : join(data, 'cache-snapshot');
}

/** Where busts wait that the cluster could not take; null: in memory. */
export function outboxFileOf({ data }: Settings): string | null {
  return data === null ? null : join(data, 'outbox');
}

/** Asks control for what it does last; resolves when that is done, or control is gone. */
export function stopControl(control: Worker): Promise<void> {
  return new Promise((resolve) => {
    control.on('message', (message: ControlToMain) => {
      if (message.kind === 'stopped') resolve();
    });
    control.on('exit', () => resolve());
    control.postMessage({ kind: 'stop' } satisfies MainToControl);
  });
}
