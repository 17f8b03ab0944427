/**
 * The only file that reads clocks or starts timers, so that tests can see all of both.
 * Monotonic times are milliseconds as floats; wall times are milliseconds since the epoch.
 */

/** Monotonic, since the process's start; the same origin in every thread. */
export function monotonicMs(): number {
  return performance.timeOrigin + performance.now() - originMs;
}

/** `performance.timeOrigin` differs per thread; this constant keeps the numbers small. */
const originMs = 1_700_000_000_000;

export function wallMs(): number {
  return Date.now();
}

export type Timer = NodeJS.Timeout;

/** Calls once. The timer keeps the thread alive unless `unref`. */
export function after(ms: number, call: () => void): Timer {
  return setTimeout(call, ms);
}

/** Calls again and again; never keeps the thread alive by itself. */
export function every(ms: number, call: () => void): Timer {
  const timer = setInterval(call, ms);
  timer.unref();
  return timer;
}

export function cancel(timer: Timer | undefined): void {
  clearTimeout(timer);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
