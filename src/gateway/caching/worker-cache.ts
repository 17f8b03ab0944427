import { monotonicMs } from '../../base/clock.ts';
import { cacheInFlightBytesMax } from '../../base/limits.ts';
import { type CacheKey, cacheKey } from '../../memory/cache/cache-key.ts';
import type { CacheMemory } from '../../memory/cache/cache-memory.ts';
import type { CacheToControl, CacheToWorker } from '../../memory/cache/cache-messages.ts';
import { CacheReader } from '../../memory/cache/cache-reader.ts';
import { Claims } from '../../memory/cache/claims.ts';
import { isProven } from '../../memory/cache/proof.ts';
import type { Exchange } from '../exchange.ts';
import type { Fill } from './fill.ts';
import { UseCounter } from './use-counter.ts';
import { WaitingExchanges } from './waiting-exchanges.ts';

/** What the cache asks of the pipeline, whose page says what is next. */
export interface CacheHooks {
  /** Something changed: look it up again. */
  wake(exchange: Exchange): void;
  /** Sends an exchange to the origin that nobody waits for at the other end. */
  forward(exchange: Exchange): void;
  /** The exchange outlives its callback. */
  detain(exchange: Exchange): void;
  /** The stored body is with the client. */
  sent(exchange: Exchange): void;
  /** The stored body will not be completed: its fetch failed. */
  broken(exchange: Exchange): void;
}

/** The cache as one worker has it: reading, claims, its own fetches, and who waits. */
export class WorkerCache {
  readonly reader: CacheReader;
  readonly claims: Claims;
  readonly uses = new UseCounter();
  readonly waiting: WaitingExchanges;
  /** Bytes of the largest entry that is stored at all. */
  readonly entryBytesMax: number;
  /** Whether other nodes may have what this one misses. */
  readonly hasSecondLevel: boolean;
  readonly hooks: CacheHooks;
  readonly #memory: CacheMemory;
  readonly #tell: (message: CacheToControl, transfer?: ArrayBuffer[]) => void;
  /** Fetches by key: one each, so that nobody asks twice. */
  readonly #fills = new Map<string, Fill>();
  /** All fetches that are not over, by number. */
  readonly #begun = new Map<number, Fill>();
  /** Paths that this worker's clients have changed, until control has dropped what is stored. */
  readonly #changed = new Map<string, number>();
  readonly #invalidations = new Map<number, readonly string[]>();
  #hasControl = true;
  #inFlightBytes = 0;
  #lastNumber = 0;

  constructor(parts: {
    readonly memory: CacheMemory;
    readonly worker: number;
    readonly entryBytesMax: number;
    readonly hasSecondLevel: boolean;
    readonly tell: (message: CacheToControl, transfer?: ArrayBuffer[]) => void;
    readonly hooks: CacheHooks;
  }) {
    this.reader = new CacheReader(parts.memory, parts.worker);
    this.claims = new Claims(parts.memory, parts.worker);
    this.#memory = parts.memory;
    this.entryBytesMax = parts.entryBytesMax;
    this.hasSecondLevel = parts.hasSecondLevel;
    this.#tell = parts.tell;
    this.hooks = parts.hooks;
    this.waiting = new WaitingExchanges({
      hasNews: (key, exchange) => this.#hasNews(key, exchange),
      wake: parts.hooks.wake,
    });
  }

  /** Whether it is proven that no bust of another node was missed; a node on its own misses none. */
  get isProven(): boolean {
    // The time of the turn would not do: the process may have been stopped since.
    return !this.hasSecondLevel || isProven(this.#memory, monotonicMs());
  }

  nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  fillOf(key: CacheKey): Fill | undefined {
    return this.#fills.get(key.text);
  }

  addFill(fill: Fill): void {
    this.#begun.set(fill.number, fill);
    this.#fills.set(fill.key.text, fill);
  }

  /** Others need not wait for it any more: whoever waits may be the next. */
  removeFill(fill: Fill): void {
    if (this.#fills.get(fill.key.text) === fill) this.#fills.delete(fill.key.text);
  }

  /** False: control is too far behind to be sent so much more. */
  hasRoomFor(bytes: number): boolean {
    return this.#inFlightBytes + bytes <= cacheInFlightBytesMax;
  }

  send(message: CacheToControl, bytes: ArrayBuffer | null = null): void {
    if (!this.#hasControl) return;
    if (bytes === null) {
      this.#tell(message);
      return;
    }
    this.#inFlightBytes += bytes.byteLength;
    this.#tell(message, [bytes]);
  }

  /** The fetch is over: control has no answer for it any more. */
  forget(fill: Fill): void {
    this.#begun.delete(fill.number);
  }

  receive(message: CacheToWorker): void {
    switch (message.kind) {
      case 'cache-open':
        this.#opened();
        return;
      case 'cache-taken':
        this.#inFlightBytes -= message.bytes;
        return;
      case 'cache-invalidated':
        this.#invalidated(message.id);
        return;
      case 'cache-asked':
        this.#begun.get(message.fetch)?.othersTold(message.found);
        return;
      default: {
        const refusal = message.kind === 'cache-visible' ? '' : message.reason;
        this.#begun.get(message.fetch)?.answered(refusal);
      }
    }
  }

  /**
   * Whether what is fetched can be stored. While it cannot, nobody waits for the fetch of another:
   * what is stored answers still, and all else goes to the origin.
   */
  get hasControl(): boolean {
    return this.#hasControl;
  }

  /**
   * Control is gone, and with it what it was sent. Nothing whose fetch began under it will be stored,
   * not by its successor either, so whoever waits goes by itself.
   */
  controlLost(): void {
    this.#hasControl = false;
    this.#inFlightBytes = 0;
    for (const fill of [...this.#begun.values()]) fill.answered('control-lost');
    this.waiting.wakeAll(goAlone);
  }

  /** A control is there that begins with an empty cache: nothing in it was changed since. */
  #opened(): void {
    this.#hasControl = true;
    this.#changed.clear();
    this.#invalidations.clear();
  }

  /** A client changed what is at these places; what is stored for them is not used from now on. */
  invalidate(urls: readonly string[], groups: readonly string[]): void {
    const id = this.nextNumber();
    const paths = urls.map((url) => url.split('?')[0] ?? url);
    for (const path of paths) this.#changed.set(path, (this.#changed.get(path) ?? 0) + 1);
    this.#invalidations.set(id, paths);
    this.send({ kind: 'cache-invalidate', id, urls, groups });
  }

  /** Whether `isChanged` is to be asked at all. */
  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** Whether a client of this worker changed what is at a place, and control knows it not yet. */
  isChanged(host: string, path: string): boolean {
    return this.#changed.has(host + path);
  }

  #invalidated(id: number): void {
    for (const path of this.#invalidations.get(id) ?? []) {
      const count = (this.#changed.get(path) ?? 1) - 1;
      if (count === 0) this.#changed.delete(path);
      else this.#changed.set(path, count);
    }
    this.#invalidations.delete(id);
  }

  /** Another worker's fetch ended, or what it fetches can be read. */
  #hasNews(text: string, { ticket }: Exchange): boolean {
    if (this.#fills.has(text)) return false;
    const key = cacheKey(text);
    if (this.claims.holder(key) < 0) return true;
    this.reader.enter();
    try {
      return this.reader.peek(key) && this.reader.entry.entryId !== ticket?.seenEntry;
    } finally {
      this.reader.leave();
    }
  }
}

/** Done to one that waits: it goes to the origin by itself. */
export function goAlone({ ticket }: Exchange): void {
  if (ticket !== null) ticket.alone = true;
}
