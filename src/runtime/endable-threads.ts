import { setFlagsFromString } from 'node:v8';
import type { ResourceLimits } from 'node:worker_threads';

/**
 * What it takes that V8 can end a thread wherever it is, out of heap or in a loop: without it the
 * one aborts the process, and the other is deaf to `terminate()` (docs/decisions/0002).
 */
export const endableLimits: ResourceLimits = {
  // Three semi-spaces of 16 MiB, as up to Node 22. From 24 on they are four times that, and what
  // they hold moves to an old space that has, when it is full, a margin of 16 MiB to end in.
  maxYoungGenerationSizeMb: 48,
};

const firstDeafMajor = 24;

/** Before any thread is started: a loop that V8 replaces while it runs does not ask to be ended. */
export function keepLoopsEndable(): void {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= firstDeafMajor) setFlagsFromString('--no-use-osr');
}
