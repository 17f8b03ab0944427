import { wallMs } from '../../base/clock.ts';
import { wholeStoreBytesMax } from '../../base/limits.ts';
import type { CacheKey } from '../../memory/cache/cache-key.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import type { Exchange } from '../exchange.ts';
import { passRecord, responseRecord, type StorableResponse, varyRecord } from './record.ts';
import type { CacheTicket } from './ticket.ts';
import type { WorkerCache } from './worker-cache.ts';

/** What a validation is about: the stored response as it was when it was looked up. */
export interface StaleStored {
  readonly entry: number;
  readonly status: number;
  readonly head: string;
  readonly origin: string;
  readonly etag: string;
  readonly lastModified: string;
  readonly bodyBytes: number;
}

/**
 * One fetch of a response that may be stored, on behalf of an exchange and of all that wait.
 *
 *   asking ─► gathering ─► sent ─► over          small enough to be sent to control whole
 *          ├► streaming ─► over                  larger: in pieces, readable while it grows
 *          ├► refreshing ─► over                 304: the stored one lives on
 *          └► over                               not to be stored, or failed
 *
 * Whoever waits is told when control has answered, since lookups find the response from then on.
 */
export class Fill {
  readonly number: number;
  readonly key: CacheKey;
  readonly holdsClaim: boolean;
  /** Of the invalidation stream, when the fetch began: what was busted since is not stored. */
  readonly position: number;
  readonly requestedWallMs: number;
  /** Bytes of a body that is stored at most. */
  readonly bytesMax: number;
  readonly #cache: WorkerCache;
  readonly #exchange: Exchange;
  readonly #ticket: CacheTicket;
  #state: 'asking' | 'gathering' | 'streaming' | 'refreshing' | 'sent' | 'over' = 'asking';
  #stale: StaleStored | null;
  #record: CacheRecord | null = null;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** What is stored answers nobody unasked: whoever waits has to ask by itself. */
  #eachAsks = false;

  constructor(
    exchange: Exchange,
    cache: WorkerCache,
    holdsClaim: boolean,
    stale: StaleStored | null,
  ) {
    this.#ticket = exchange.ticket as CacheTicket;
    this.number = cache.nextNumber();
    this.key = this.#ticket.key;
    this.bytesMax = Math.min(this.#ticket.plan.bytesMax, cache.entryBytesMax);
    this.holdsClaim = holdsClaim;
    this.position = cache.reader.position();
    this.requestedWallMs = wallMs();
    this.#stale = stale;
    this.#cache = cache;
    this.#exchange = exchange;
    cache.addFill(this);
  }

  /** Whether the response is being stored, or may be. */
  get active(): boolean {
    return this.#state !== 'over';
  }

  /** Whether somebody gets something of it even when its own client is gone. */
  get wanted(): boolean {
    const gathers = this.#state === 'gathering' || this.#state === 'streaming';
    return gathers || (this.active && this.#cache.waiting.countOf(this.key.text) > 0);
  }

  /** What the origin is asked to confirm; null: the whole is fetched. */
  get stale(): StaleStored | null {
    return this.#stale;
  }

  /** The origin confirmed something else: it is asked without conditions. */
  askWhole(): void {
    this.#stale = null;
  }

  /** The head of a response that is to be stored. False: it cannot be, after all. */
  store(response: StorableResponse): boolean {
    const { verdict, bodyBytes } = response;
    if (bodyBytes > this.bytesMax) return false;
    this.#eachAsks = verdict.noCache || verdict.freshnessMs <= verdict.ageMs;
    this.#record = responseRecord(this.#exchange, this.#ticket, this, response);
    this.#placeByVary(verdict.vary);
    this.#state = 'gathering';
    if (bodyBytes > wholeStoreBytesMax) this.#begin();
    return true;
  }

  /** A piece of the body; copied, since its bytes change. */
  chunk(bytes: Buffer): void {
    if (this.#state !== 'gathering' && this.#state !== 'streaming') return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.bytesMax || !this.#cache.hasRoomFor(bytes.length)) {
      this.fail();
      return;
    }
    if (this.#state === 'streaming') {
      this.#sendChunk(copyOf(bytes));
      return;
    }
    this.#pieces.push(Buffer.from(bytes));
    if (this.#bytes > wholeStoreBytesMax) this.#begin();
  }

  /** The body is complete. */
  end(): void {
    if (this.#state === 'streaming') {
      this.#cache.send({ kind: 'cache-end', fetch: this.number });
      this.#state = 'sent';
    } else if (this.#state === 'gathering') {
      const body = copyOf(...this.#pieces);
      this.#pieces = [];
      const record = { ...(this.#record as CacheRecord), bodyBytes: body.byteLength };
      this.#state = 'sent';
      this.#cache.ask(this);
      this.#cache.send({ kind: 'cache-store', fetch: this.number, record, body }, body);
    }
  }

  /** A 304 confirmed the stored response, which `entry` is; this is it from now on. */
  refresh(entry: number, response: StorableResponse): void {
    const record = responseRecord(this.#exchange, this.#ticket, this, response);
    this.#state = 'refreshing';
    this.#eachAsks = response.verdict.noCache;
    this.#cache.ask(this);
    this.#cache.send({ kind: 'cache-refresh', fetch: this.number, entry, record });
  }

  /**
   * The response is not to be stored. Whoever waits goes by itself, now and, while a mark in the
   * place of the response lasts, without waiting at all: misses must not queue behind each other.
   */
  pass(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'sent';
    const record = passRecord(this.#exchange, this.#ticket, this);
    this.#cache.ask(this);
    this.#cache.send({ kind: 'cache-store', fetch: this.number, record, body: null });
    this.#cache.waiting.wake(this.key.text, goAlone);
  }

  /** Not stored, and not worth a mark, as an error is: whoever waits goes by itself. */
  letGo(): void {
    if (this.#state === 'asking') this.#over('not-stored');
  }

  /** The fetch failed, or brought too much: the next one that waits tries. */
  fail(): void {
    if (this.#state === 'over' || this.#state === 'sent' || this.#state === 'refreshing') return;
    if (this.#state === 'streaming') {
      this.#cache.send({ kind: 'cache-abort', fetch: this.number });
    }
    this.#pieces = [];
    this.#over();
  }

  /** Control's answer to what it was sent; empty: lookups find it now. */
  answered(refusal: string): void {
    const refreshed = this.#state === 'refreshing';
    if (this.#state === 'streaming') this.#leave(refusal);
    else this.#over(refusal);
    if (!refreshed || this.#exchange.finished) return;
    if (this.#exchange.gone) {
      this.#cache.hooks.sent(this.#exchange);
      return;
    }
    // Another exchange may have renewed it meanwhile: what has the same validators will do.
    this.#ticket.confirmed = this.#stale;
    this.#ticket.fill = null;
    this.#cache.hooks.wake(this.#exchange);
  }

  #begin(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#state = 'streaming';
    this.#cache.ask(this);
    const record = this.#record as CacheRecord;
    this.#cache.send({ kind: 'cache-begin', fetch: this.number, record });
    if (pieces.length > 0) this.#sendChunk(copyOf(...pieces));
  }

  #sendChunk(bytes: ArrayBuffer): void {
    this.#cache.send({ kind: 'cache-chunk', fetch: this.number, bytes }, bytes);
  }

  /** Under its variant's key, with a mark under the plain one; without a Vary, as looked up. */
  #placeByVary(names: readonly string[]): void {
    const ticket = this.#ticket;
    const record = this.#record as CacheRecord;
    if (names.length === 0) return;
    const all = [...new Set([...names, ...ticket.varyNames])].sort();
    this.#record = { ...record, key: ticket.variantKey(all) };
    const mark = varyRecord(ticket, all, record);
    this.#cache.send({ kind: 'cache-store', fetch: 0, record: mark, body: null });
  }

  #over(refusal = 'failed'): void {
    this.#state = 'over';
    this.#leave(refusal);
  }

  /** Others need not wait for it any more. */
  #leave(refusal: string): void {
    this.#cache.removeFill(this);
    if (this.holdsClaim) this.#cache.claims.release(this.key);
    const again = refusal === 'failed' || refusal === 'busted-meanwhile' || refusal === '';
    const alone = !again || (refusal === '' && this.#eachAsks);
    this.#cache.waiting.wake(this.key.text, alone ? goAlone : undefined);
  }
}

function goAlone(exchange: Exchange): void {
  if (exchange.ticket !== null) exchange.ticket.alone = true;
}

/** One buffer of its own, to be handed over. */
function copyOf(...pieces: readonly Buffer[]): ArrayBuffer {
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const copy = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    copy.set(piece, at);
    at += piece.length;
  }
  return copy.buffer;
}
