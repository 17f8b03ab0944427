import { monotonicMs, wallMs } from '../../base/clock.ts';
import { hitForMissMs, wholeStoreBytesMax } from '../../base/limits.ts';
import type { CacheKey } from '../../memory/cache/cache-key.ts';
import { type CacheRecord, entryFlag } from '../../memory/cache/cache-record.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import { prepareHead, statusText } from '../response-head.ts';
import type { StoreVerdict } from './storing.ts';
import type { CacheTicket } from './ticket.ts';
import type { WorkerCache } from './worker-cache.ts';

/** What a validation is about: the stored response as it was when it was looked up. */
export interface StaleStored {
  readonly entry: number;
  readonly status: number;
  readonly head: string;
  readonly etag: string;
  readonly lastModified: string;
  readonly bodyBytes: number;
}

type Storable = Extract<StoreVerdict, { store: true }>;

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
  readonly stale: StaleStored | null;
  readonly requestedWallMs: number;
  /** Bytes of a body that is stored at most. */
  readonly bytesMax: number;
  readonly #cache: WorkerCache;
  readonly #exchange: Exchange;
  #state: 'asking' | 'gathering' | 'streaming' | 'refreshing' | 'sent' | 'over' = 'asking';
  #record: CacheRecord | null = null;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(
    exchange: Exchange,
    cache: WorkerCache,
    holdsClaim: boolean,
    stale: StaleStored | null,
  ) {
    const ticket = exchange.ticket as CacheTicket;
    this.number = cache.nextNumber();
    this.key = ticket.key;
    this.bytesMax = Math.min(ticket.plan.bytesMax, cache.entryBytesMax);
    this.holdsClaim = holdsClaim;
    this.stale = stale;
    this.position = cache.reader.position();
    this.requestedWallMs = wallMs();
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

  /** The head of a response that is to be stored. False: it cannot be, after all. */
  store(verdict: Storable, status: number, headers: HeaderList, contentLength: number): boolean {
    if (contentLength > this.bytesMax) return false;
    const record = this.#recordOf(verdict, status, headers, contentLength);
    this.#record = record;
    if (verdict.vary.length > 0) this.#storeVary(verdict.vary);
    this.#state = 'gathering';
    if (contentLength > wholeStoreBytesMax) this.#begin();
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

  /** A 304 confirmed what is stored; `headers` are the updated ones. */
  refresh(verdict: Storable, headers: HeaderList): void {
    const stale = this.stale as StaleStored;
    const record = this.#recordOf(verdict, stale.status, headers, stale.bodyBytes);
    this.#state = 'refreshing';
    this.#cache.ask(this);
    this.#cache.send({ kind: 'cache-refresh', fetch: this.number, entry: stale.entry, record });
  }

  /**
   * The response is not to be stored. Whoever waits goes by itself, now and, while a mark in the
   * place of the response lasts, without waiting at all: misses must not queue behind each other.
   */
  pass(): void {
    if (this.#state !== 'asking') return;
    this.#state = 'sent';
    const nowMs = monotonicMs();
    const ticket = this.#exchange.ticket as CacheTicket;
    const record: CacheRecord = {
      ...emptyRecord,
      key: ticket.key.text,
      kind: 'pass',
      bornMs: nowMs,
      freshUntilMs: nowMs + hitForMissMs,
      staleWhileRevalidateUntilMs: nowMs + hitForMissMs,
      staleIfErrorUntilMs: nowMs + hitForMissMs,
      position: this.position,
      labels: this.#labels([], []),
      query: ticket.plan.query(this.#exchange),
    };
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
    const { ticket } = this.#exchange;
    const validated = this.#state === 'refreshing';
    if (this.#state === 'streaming') this.#leave(refusal);
    else this.#over(refusal);
    if (!validated || ticket === null || this.#exchange.finished) return;
    ticket.fill = null;
    ticket.validated = refusal === '';
    ticket.whole = refusal !== '';
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

  /** Marks the place under the plain key: which request fields tell the variants apart. */
  #storeVary(names: readonly string[]): void {
    const ticket = this.#exchange.ticket as CacheTicket;
    const all = [...new Set([...names, ...ticket.varyNames])].sort();
    const record = this.#record as CacheRecord;
    const variant = ticket.variantKey(all, this.#exchange.headers);
    this.#record = { ...record, key: variant };
    this.#cache.send({
      kind: 'cache-store',
      fetch: 0,
      record: { ...record, ...foreverFrom(record.bornMs), kind: 'vary', head: all.join(',') },
      body: null,
    });
  }

  #recordOf(
    verdict: Storable,
    status: number,
    headers: HeaderList,
    bodyBytes: number,
  ): CacheRecord {
    const ticket = this.#exchange.ticket as CacheTicket;
    const { plan } = ticket;
    // uWebSockets.js writes a Date of its own into every response, and two must not go out.
    headers.remove('date');
    const bornMs = monotonicMs() - verdict.ageMs;
    const freshUntilMs = bornMs + verdict.freshnessMs;
    let flags = 0;
    if (verdict.mustRevalidate) flags |= entryFlag.mustRevalidate;
    if (verdict.noCache) flags |= entryFlag.noCache;
    if (plan.queryFiltered) flags |= entryFlag.queryFiltered;
    if (!plan.constantResponse) flags |= entryFlag.perAnswerPolicies;
    return {
      key: verdict.vary.length > 0 ? ticket.primary.text : this.key.text,
      kind: 'response',
      status,
      head: prepareHead(statusText(status), headers),
      etag: verdict.etag,
      lastModified: verdict.lastModified,
      bornMs,
      freshUntilMs,
      staleWhileRevalidateUntilMs: freshUntilMs + verdict.staleWhileRevalidateMs,
      staleIfErrorUntilMs: freshUntilMs + verdict.staleIfErrorMs,
      flags,
      position: this.position,
      labels: this.#labels(verdict.tags, verdict.groups),
      query: plan.query(this.#exchange),
      bodyBytes,
    };
  }

  #labels(tags: readonly string[], groups: readonly string[]): string[] {
    const exchange = this.#exchange;
    const { plan } = exchange.ticket as CacheTicket;
    const host = cacheHost(exchange.headers.host);
    const all = new Set([...plan.tags(exchange), ...tags]);
    return [
      `s:${plan.shapeKey}`,
      `r:${exchange.plan?.id ?? ''}`,
      `p:${host}${exchange.path}`,
      ...[...all].map((tag) => `t:${tag}`),
      ...groups.map((group) => `g:${host} ${group}`),
    ];
  }

  #over(refusal = 'failed'): void {
    this.#state = 'over';
    this.#leave(refusal);
  }

  /** Others need not wait for it any more. */
  #leave(refusal: string): void {
    this.#cache.removeFill(this);
    if (this.holdsClaim) this.#cache.claims.release(this.key);
    const alone = refusal !== '' && refusal !== 'failed' && refusal !== 'busted-meanwhile';
    this.#cache.waiting.wake(this.key.text, alone ? goAlone : undefined);
  }
}

function goAlone(exchange: Exchange): void {
  if (exchange.ticket !== null) exchange.ticket.alone = true;
}

/** The host of a key and of a URL: lower case, without the default port. */
export function cacheHost(host: string): string {
  const lower = host.toLowerCase();
  return lower.endsWith(':80') ? lower.slice(0, -':80'.length) : lower;
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

/** A mark of variants is good as long as nothing takes its place. */
function foreverFrom(
  bornMs: number,
): Pick<
  CacheRecord,
  'bornMs' | 'freshUntilMs' | 'staleWhileRevalidateUntilMs' | 'staleIfErrorUntilMs'
> {
  const forever = bornMs + 1000 * 86_400_000;
  return {
    bornMs,
    freshUntilMs: forever,
    staleWhileRevalidateUntilMs: forever,
    staleIfErrorUntilMs: forever,
  };
}

const emptyRecord = {
  status: 0,
  head: '',
  etag: '',
  lastModified: '',
  flags: 0,
  bodyBytes: 0,
} as const;
