import { after, cancel, type Timer, wallMs } from '../../base/clock.ts';
import {
  cacheKeyBytesMax,
  clusterFetchMsMax,
  secondLevelMarginMs,
  secondLevelReadMs,
  wholeStoreBytesMax,
} from '../../base/limits.ts';
import type { CacheKey } from '../../memory/cache/cache-key.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import type { Exchange } from '../exchange.ts';
import { passRecord, responseRecord, type StorableResponse, varyRecord } from './record.ts';
import type { StaleStored } from './stale-stored.ts';
import type { CacheTicket } from './ticket.ts';
import { goAlone, type WorkerCache } from './worker-cache.ts';

/**
 * One fetch of a response that may be stored, on behalf of an exchange and of all that wait.
 *
 * Before it goes to the origin, other nodes of a cluster may be asked; what they have takes its place.
 *
 *   asking ─► gathering ─► sent ─► over          small enough to be sent to control whole
 *          ├► streaming ─► sent | over           larger: in pieces, readable while it grows
 *          ├► refreshing ─► over                 304: the stored one lives on
 *          └► over                               not to be stored, or failed
 *
 * Whoever waits is told when control has answered, since lookups find the response from then on.
 * At that moment, or when it is over before, it leaves: it gives its key back, once.
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
  /** Runs while other nodes are asked. */
  #asking: Timer | null = null;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Its key is given back: others may fetch, or find it. */
  #left = false;
  /** Nobody queues behind it, so that nothing need keep others from doing so. */
  readonly #alone: boolean;
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
    this.#alone = this.#ticket.alone || !this.#ticket.plan.coalesces;
    cache.addFill(this);
  }

  /** Whether the response is being stored, or may be. */
  get active(): boolean {
    return this.#state !== 'over';
  }

  /** Whether its body is being stored. */
  get stores(): boolean {
    return this.#state === 'gathering' || this.#state === 'streaming';
  }

  /** Whether somebody gets something of it even when its own client is gone. */
  get wanted(): boolean {
    return this.stores || (this.active && this.#cache.waiting.countOf(this.key.text) > 0);
  }

  /** What the origin is asked to confirm; null: the whole is fetched. */
  get stale(): StaleStored | null {
    return this.#stale;
  }

  /** The origin confirmed something else: it is asked without conditions. */
  askWhole(): void {
    this.#stale = null;
  }

  /** Other nodes of the cluster may have it; it goes on when they told, or did not in time. */
  askOthers(): void {
    const { coalescesCluster, waitMs } = this.#ticket.plan;
    const waitsMs = coalescesCluster ? Math.min(waitMs, clusterFetchMsMax) : 0;
    this.#asking = after(secondLevelReadMs + waitsMs + secondLevelMarginMs, () =>
      this.othersTold(false),
    );
    this.#cache.send({
      kind: 'cache-ask',
      fetch: this.number,
      key: this.key.text,
      lease: coalescesCluster,
      waitMs: waitsMs,
    });
  }

  /** `found`: lookups find it now, so nothing is fetched. */
  othersTold(found: boolean): void {
    if (this.#asking === null) return;
    cancel(this.#asking);
    this.#asking = null;
    if (!found) {
      this.#cache.hooks.forward(this.#exchange);
      return;
    }
    this.#ticket.fill = null;
    this.#ticket.ofOthers = true;
    this.#over('');
    this.#cache.hooks.wake(this.#exchange);
  }

  /** The head of a response that is to be stored. Empty, or why it cannot be, after all. */
  store(response: StorableResponse): '' | 'too-large' | 'key-too-long' {
    const { verdict, bodyBytes } = response;
    if (bodyBytes > this.bytesMax) return 'too-large';
    const names = this.#variesBy(verdict.vary);
    const variant = names === null ? null : this.#ticket.variantKey(names);
    if (variant !== null && variant.length > cacheKeyBytesMax) return 'key-too-long';
    this.#eachAsks = verdict.noCache || verdict.freshnessMs <= verdict.ageMs;
    this.#record = responseRecord(this.#exchange, this.#ticket, this, response);
    if (names !== null && variant !== null) this.#placeByVary(names, variant);
    this.#state = 'gathering';
    if (bodyBytes > wholeStoreBytesMax) this.#begin();
    return '';
  }

  /** A piece of the body; copied, since its bytes change. */
  chunk(bytes: Buffer): void {
    if (!this.stores) return;
    this.#bytes += bytes.length;
    if (this.#bytes > this.bytesMax) {
      this.#tooLarge();
      return;
    }
    if (!this.#cache.hasRoomFor(bytes.length)) {
      this.#abort();
      this.#over('no-room');
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
      if (this.#left) this.#over('');
      else this.#state = 'sent';
    } else if (this.#state === 'gathering') {
      if (!this.#cache.hasRoomFor(this.#bytes)) {
        this.#over('no-room');
        return;
      }
      const body = copyOf(...this.#pieces);
      const record = { ...(this.#record as CacheRecord), bodyBytes: body.byteLength };
      this.#pieces = [];
      this.#state = 'sent';
      this.#cache.send({ kind: 'cache-store', fetch: this.number, record, body }, body);
    }
  }

  /** A 304 confirmed the stored response, which `entry` is; this is it from now on. */
  refresh(entry: number, response: StorableResponse): void {
    const record = responseRecord(this.#exchange, this.#ticket, this, response);
    this.#state = 'refreshing';
    this.#eachAsks = response.verdict.noCache;
    this.#cache.send({ kind: 'cache-refresh', fetch: this.number, entry, record });
  }

  /**
   * The response is not to be stored. Whoever waits goes by itself, now and, while a mark in the
   * place of the response lasts, without waiting at all: misses must not queue behind each other.
   */
  pass(): void {
    if (this.#state !== 'asking') return;
    if (this.#alone) this.#over('not-stored');
    else this.#mark();
  }

  /** Not stored, and not worth a mark, as an error is: whoever waits goes by itself. */
  letGo(): void {
    if (this.#state === 'asking') this.#over('not-stored');
  }

  /** The origin failed and what is stored stands in: so it may for all that wait. */
  standIn(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'over';
    this.#cache.forget(this);
    this.#leave(originFailed);
  }

  /** The fetch failed: the next one that waits tries. */
  fail(): void {
    if (this.#state !== 'asking' && !this.stores) return;
    this.#abort();
    this.#over('failed');
  }

  /**
   * Control's answer to what it was sent; empty: lookups find it now. A body that is streamed may
   * be refused after that still, when there is no room for the rest of it. `control-lost` may come
   * at any time.
   */
  answered(refusal: string): void {
    if (this.#asking !== null) {
      // Control is lost while it was to ask the others: nothing of this can be stored any more.
      this.#over(refusal);
      this.#cache.hooks.forward(this.#exchange);
      return;
    }
    const refreshed = this.#state === 'refreshing';
    if (this.#state === 'streaming' && refusal === '') this.#leave(this.#changeOfWaiters(refusal));
    else this.#over(refusal);
    if (!refreshed || this.#exchange.finished) return;
    // Another exchange may have renewed it meanwhile: what has the same validators will do.
    this.#ticket.confirmed = this.#stale;
    this.#ticket.fill = null;
    this.#cache.hooks.wake(this.#exchange);
  }

  /** A mark that keeps others from waiting for the like of this response (hit-for-miss). */
  #mark(): void {
    this.#state = 'sent';
    const record = passRecord(this.#exchange, this.#ticket, this);
    this.#cache.send({ kind: 'cache-store', fetch: this.number, record, body: null });
    this.#cache.waiting.wake(this.key.text, goAlone);
  }

  /** The body turned out to be larger than what is stored. */
  #tooLarge(): void {
    this.#abort();
    if (this.#alone) this.#over('too-large');
    else this.#mark();
  }

  /** What control has of the body is of no use. */
  #abort(): void {
    if (this.#state === 'streaming') {
      this.#cache.send({ kind: 'cache-abort', fetch: this.number });
    }
    this.#pieces = [];
  }

  #begin(): void {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#state = 'streaming';
    const record = this.#record as CacheRecord;
    this.#cache.send({ kind: 'cache-begin', fetch: this.number, record });
    if (pieces.length > 0) this.#sendChunk(copyOf(...pieces));
  }

  #sendChunk(bytes: ArrayBuffer): void {
    this.#cache.send({ kind: 'cache-chunk', fetch: this.number, bytes }, bytes);
  }

  /** Null: by nothing, so that it is stored under the key that was looked up. */
  #variesBy(names: readonly string[]): readonly string[] | null {
    if (names.length === 0) return null;
    return [...new Set([...names, ...this.#ticket.varyNames])].sort();
  }

  /** Under its variant's key, with a mark under the plain one. */
  #placeByVary(names: readonly string[], variant: string): void {
    const record = { ...(this.#record as CacheRecord), key: variant };
    this.#record = record;
    const mark = varyRecord(this.#ticket, names, record);
    this.#cache.send({ kind: 'cache-store', fetch: 0, record: mark, body: null });
  }

  #over(refusal: string): void {
    this.#state = 'over';
    if (this.#asking !== null) cancel(this.#asking);
    this.#asking = null;
    this.#pieces = [];
    this.#cache.forget(this);
    this.#leave(this.#changeOfWaiters(refusal));
  }

  /** What an end means for those that wait: the next one tries, or each goes by itself. */
  #changeOfWaiters(refusal: string): ((exchange: Exchange) => void) | undefined {
    if (refusal === '') return this.#eachAsks ? goAlone : undefined;
    return refusal === 'failed' || refusal === 'busted-meanwhile' ? undefined : goAlone;
  }

  /** Others need not wait for it any more; `change` is done to those that do. */
  #leave(change?: (exchange: Exchange) => void): void {
    if (this.#left) return;
    this.#left = true;
    this.#cache.removeFill(this);
    if (this.holdsClaim) this.#cache.claims.release(this.key);
    this.#cache.waiting.wake(this.key.text, change);
  }
}

function originFailed({ ticket }: Exchange): void {
  if (ticket !== null) ticket.originFailed = true;
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
