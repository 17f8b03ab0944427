import { setPriority } from 'node:os';

/** Nice values from -20 to 19; 10 weighs a tenth of the usual 0 where both want the same core. */
const controlPlaneNice = 10;

/**
 * Lets the threads that answer traffic go first: called by the control plane's threads. On Linux
 * a priority is a thread's own; elsewhere it would be the process's, so nothing is done.
 */
export function yieldToDataPlane(): void {
  if (process.platform === 'linux') setPriority(0, controlPlaneNice);
}
