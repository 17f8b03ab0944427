import type { CacheKey } from '../../memory/cache/cache-key.ts';
import type { LookupOutcome } from '../../memory/series.ts';
import type { Exchange } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import type { CachePlan } from '../plan/cache-plan.ts';
import type { CacheDirectives } from './cache-control.ts';
import type { ForwardReason } from './cache-status.ts';
import type { Fill } from './fill.ts';
import type { StaleStored } from './stale-stored.ts';
import { variantSuffix } from './vary.ts';

/** A stored response that the answer to a HEAD tells about (RFC 9111, section 4.3.5). */
export interface ToldOf {
  readonly key: CacheKey;
  readonly stale: StaleStored;
  /** Of the invalidation stream, when the HEAD was sent. */
  readonly position: number;
}

/** What the cache knows of one exchange of a cached route. */
export class CacheTicket {
  readonly plan: CachePlan;
  /** The key without a stored Vary. */
  readonly primary: CacheKey;
  /** What the request asks of caches; null: nothing, or it is not listened to. */
  readonly directives: CacheDirectives | null;
  /** The key to look up: the primary one, or that of a variant once a Vary is known. */
  key: CacheKey;
  /** Names of the stored Vary. */
  varyNames: readonly string[] = [];
  /** Why it goes to the origin, once it does. */
  forward: ForwardReason | null = null;
  /** Its own fetch that may be stored. */
  fill: Fill | null = null;
  /** Waits for the fetch of another, until then (monotonic). */
  waitUntilMs = 0;
  waited = false;
  /** The entry that a lookup found and could not use; 0: none. */
  seenEntry = 0;
  /** The origin failed: what is stored may stand in (RFC 5861, section 4). */
  acceptsStale = false;
  /** The origin confirmed this for it: what has the same validators is as good as fresh. */
  confirmed: StaleStored | null = null;
  /** What a HEAD that goes on tells about. */
  told: ToldOf | null = null;
  /** The fetch that it waited for found the origin failing, and what is stored stood in. */
  originFailed = false;
  /** Goes by itself: a fetch that it waited for may not be stored, or took too long. */
  alone = false;
  /** What is stored is not what the origin confirmed: fetch it whole. */
  whole = false;
  outcome: LookupOutcome | null = null;
  /** The route is strict, and it is not proven that no bust was missed. */
  unproven = false;
  /** The key that other nodes were asked for; empty: none was. */
  askedOthers = '';
  /** Another node had it. */
  ofOthers = false;
  /** Body of a POST whose fields are part of the key. */
  body: Buffer | null = null;

  /** The exchange that fetches anew behind an answer that was stale; started after the answer. */
  behind: Exchange | null = null;

  /** The client's fields, as they are before request policies change them. */
  asked: HeaderList;

  constructor(
    plan: CachePlan,
    primary: CacheKey,
    asked: HeaderList,
    directives: CacheDirectives | null,
  ) {
    this.asked = asked;
    this.plan = plan;
    this.primary = primary;
    this.key = primary;
    this.directives = directives;
  }

  /** The key of the variant that the request's fields choose. */
  variantKey(names: readonly string[]): string {
    return this.primary.text + variantSuffix(names, this.asked);
  }
}
