import { after, cancel, type Timer } from '../../base/clock.ts';
import type { EntryHold } from '../../memory/cache/cache-hold.ts';
import type { Exchange } from '../exchange.ts';
import { ResponseRelay } from '../response-relay.ts';
import type { ByteRange } from './ranges.ts';
import type { WorkerCache } from './worker-cache.ts';

/** How soon a body that is still being fetched is looked at again. */
const pollMs = 2;
/** How much is handed to the client's socket in one turn. */
const turnBytesMax = 1024 * 1024;

/**
 * Sends a stored body that lies in pieces, or that is still growing. The hold keeps its bytes where
 * they are until the client has them; a client that is slow takes as long as it takes.
 */
export class StoredStream {
  readonly #exchange: Exchange;
  readonly #cache: WorkerCache;
  readonly #hold: EntryHold;
  readonly #relay: ResponseRelay;
  /** The next byte of the body to send. */
  #at: number;
  /** Where a range of the body ends; null: at the end of the body. */
  readonly #to: number | null;
  #timer: Timer | undefined;
  #over = false;

  /** Inside the reader's epoch, with the entry found. `range`: null is the whole body. */
  constructor(exchange: Exchange, cache: WorkerCache, head: string, range: ByteRange | null) {
    this.#exchange = exchange;
    this.#cache = cache;
    this.#hold = cache.reader.hold();
    this.#at = range?.from ?? 0;
    this.#to = range?.to ?? null;
    const length = range === null ? this.#hold.bodyBytes : range.to - range.from;
    this.#relay = new ResponseRelay(exchange.res, head, length, false, exchange.closes, {
      ending: () => {},
      drained: () => this.#drained(),
    });
    exchange.relay = this.#relay;
    exchange.stream = this;
  }

  /** True: all of it went out already. */
  start(): boolean {
    this.#cache.hooks.detain(this.#exchange);
    return this.#pump();
  }

  /** The exchange is over, whoever ended it: nothing is held any more. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    cancel(this.#timer);
    this.#hold.release();
  }

  /** True: the client has all of it. */
  #pump(): boolean {
    let budget = turnBytesMax;
    const to = this.#to ?? Number.POSITIVE_INFINITY;
    while (!this.#over && this.#at < to) {
      const bytes = this.#hold.read(this.#at).subarray(0, to - this.#at);
      if (bytes.length === 0) break;
      this.#at += bytes.length;
      budget -= bytes.length;
      if (!this.#relay.chunk(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))) {
        return false;
      }
      if (budget <= 0) {
        this.#again(0);
        return false;
      }
    }
    const { state, bodyBytes, filledBytes } = this.#hold;
    if (this.#at === (this.#to ?? bodyBytes)) return this.#relay.end();
    // It was begun under a control that is gone by now, and nobody goes on with it.
    const orphaned = state === 'filling' && !this.#cache.hasControl;
    const ended = state === 'dead' || orphaned;
    if (ended && this.#at >= filledBytes) this.#cache.hooks.broken(this.#exchange);
    else this.#again(pollMs);
    return false;
  }

  #again(ms: number): void {
    this.#timer = after(ms, () => {
      if (this.#over) return;
      const { reader } = this.#cache;
      reader.enter();
      this.#hold.refresh();
      reader.leave();
      if (this.#pump()) this.#cache.hooks.sent(this.#exchange);
    });
  }

  #drained(): void {
    if (this.#over) return;
    if (this.#relay.isComplete) this.#cache.hooks.sent(this.#exchange);
    else this.#again(0);
  }
}
