import { cancel, every, type Timer } from '../../base/clock.ts';
import type { Exchange } from '../exchange.ts';

/** How often keys that other workers fetch are looked at, while exchanges wait for them. */
const pollMs = 2;

/** What a poll asks of a key for which exchanges wait. */
export interface KeyWatcher {
  /** Whether an exchange that looked a key up would end differently now. */
  hasNews(key: string, exchange: Exchange): boolean;
  /** Looks it up again. */
  wake(exchange: Exchange): void;
}

/**
 * Exchanges that wait for the fetch of another, by key. They are woken by that fetch when it is
 * one of this worker's, else by a poll that runs only while somebody waits; after its deadline an
 * exchange is woken in any case.
 */
export class WaitingExchanges {
  readonly #byKey = new Map<string, Set<Exchange>>();
  readonly #watcher: KeyWatcher;
  #timer: Timer | undefined;
  #count = 0;

  constructor(watcher: KeyWatcher) {
    this.#watcher = watcher;
  }

  get count(): number {
    return this.#count;
  }

  countOf(key: string): number {
    return this.#byKey.get(key)?.size ?? 0;
  }

  add(key: string, exchange: Exchange): void {
    const there = this.#byKey.get(key);
    if (there === undefined) this.#byKey.set(key, new Set([exchange]));
    else there.add(exchange);
    this.#count += 1;
    this.#timer ??= every(pollMs, () => this.#poll());
  }

  /** The client of one that waits is gone. */
  remove(key: string, exchange: Exchange): void {
    const there = this.#byKey.get(key);
    if (there?.delete(exchange) !== true) return;
    if (there.size === 0) this.#byKey.delete(key);
    this.#counted(1);
  }

  /** All that wait for a key look it up again. `change` is done to each before. */
  wake(key: string, change: (exchange: Exchange) => void = () => {}): void {
    const there = this.#byKey.get(key);
    if (there === undefined) return;
    this.#byKey.delete(key);
    this.#counted(there.size);
    for (const exchange of there) {
      if (exchange.finished) continue;
      change(exchange);
      this.#watcher.wake(exchange);
    }
  }

  /** As `wake`, for every key. */
  wakeAll(change: (exchange: Exchange) => void): void {
    for (const key of [...this.#byKey.keys()]) this.wake(key, change);
  }

  #poll(): void {
    for (const [key, exchanges] of [...this.#byKey]) {
      const [first] = exchanges;
      if (first !== undefined && this.#watcher.hasNews(key, first)) this.wake(key);
      else for (const exchange of [...exchanges]) this.#expire(key, exchange);
    }
  }

  #expire(key: string, exchange: Exchange): void {
    const { ticket, worker } = exchange;
    if (ticket === null || worker.nowMs() < ticket.waitUntilMs) return;
    this.remove(key, exchange);
    ticket.alone = true;
    this.#watcher.wake(exchange);
  }

  #counted(gone: number): void {
    this.#count -= gone;
    if (this.#count > 0) return;
    cancel(this.#timer);
    this.#timer = undefined;
  }
}
