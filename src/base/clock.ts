/**
 * The only file that reads clocks or starts timers, so that tests can see all of both.
 * Monotonic times are milliseconds as floats; wall times are milliseconds since the epoch.
 */

/** Read from the global scope at each call, it would go through a getter of Node's each time. */
const clock = performance;

/** Monotonic, since the system started; the same clock in every thread and process. */
export function monotonicMs(): number {
  return originMs + clock.now();
}

/**
 * `performance.now()` counts from the thread's own start, and `performance.timeOrigin` follows the
 * wall clock, which may be set between the starts of two threads: so the thread's start is taken
 * from the system's monotonic clock, once.
 */
const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

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
