import { vi } from 'vitest';

/** Timers and both clocks stand still until they are advanced. `vi.useRealTimers` ends the first half. */
export function fakeTime(): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
  });
  vi.spyOn(performance, 'now').mockImplementation(() => Date.now());
}

export function realTime(): void {
  vi.useRealTimers();
  vi.restoreAllMocks();
}
