import type { Exchange } from './exchange.ts';

/**
 * The exchanges that a worker has running, for a drain. An array in which each knows its place,
 * not a Set: a Set that is added to and deleted from replaces its table every few dozen exchanges,
 * and each dead table keeps its successor and what stood in it alive until the next full
 * collection (docs/profiles/0001-proxied-path.md).
 */
export class RunningExchanges {
  readonly #all: Exchange[] = [];

  get count(): number {
    return this.#all.length;
  }

  list(): Exchange[] {
    return [...this.#all];
  }

  add(exchange: Exchange): void {
    exchange.runningAt = this.#all.length;
    this.#all.push(exchange);
  }

  /** The last one takes its place. One that does not run is left alone. */
  remove(exchange: Exchange): void {
    const at = exchange.runningAt;
    if (at < 0) return;
    exchange.runningAt = -1;
    const last = this.#all.pop();
    if (last === undefined || last === exchange) return;
    last.runningAt = at;
    this.#all[at] = last;
  }
}
