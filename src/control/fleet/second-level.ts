import { createHash } from 'node:crypto';
import { after, monotonicMs, sleep } from '../../base/clock.ts';
import { CutoverError } from '../../base/errors.ts';
import {
  secondLevelBodyBytesMax,
  secondLevelPutCountMax,
  secondLevelReadMs,
  secondLevelTtlMsMax,
} from '../../base/limits.ts';
import type { BytesMap } from '../../cluster/bytes-map.ts';
import type { ItemCodec } from '../../cluster/log-item.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import type { SecondLevelFigures } from '../../model/fleet.ts';
import { keyLabel } from '../cache/bust-labels.ts';
import { openEnvelope, sealEnvelope } from './envelope.ts';
import type { LogClock } from './log-clock.ts';

export interface SecondLevelPlan {
  readonly map: BytesMap;
  readonly codec: ItemCodec;
  readonly clock: LogClock;
  /** Who fetches, where one does for all nodes. */
  readonly leases: BytesMap;
  /** Whether a call would be sent now. */
  readonly usable: () => boolean;
  /** Whether a bust of this node waits for the log: then nobody else may know of it yet. */
  readonly holdsBusts: () => boolean;
}

/** What another node stored; null: nothing of use. */
export type SecondLevelRead = { readonly record: CacheRecord; readonly body: Uint8Array } | null;

const leaseValue = Buffer.from([1]);
const leasePauseMsMin = 10;
const leasePauseMsMax = 80;

/** Why an answer of the cluster was of no use. */
type Unusable = keyof SecondLevelFigures['unusable'];

/**
 * The second level of the cache: responses that nodes share, in a map of the cluster. Written by the
 * node that fetched, read by a node that misses, within a deadline; never on the path of a hit. What
 * it holds is proven fresh against the log, as if this node had fetched it when the other did.
 */
export class SecondLevel {
  readonly #plan: SecondLevelPlan;
  /** Leases of this node: until when they are its own. */
  readonly #leases = new Map<string, number>();
  #putting = 0;
  #hits = 0;
  #misses = 0;
  #late = 0;
  #failed = 0;
  #written = 0;
  #notWritten = 0;
  readonly #unusable: Record<Unusable, number> = {
    foreign: 0,
    history: 0,
    busted: 0,
    expired: 0,
  };

  constructor(plan: SecondLevelPlan) {
    this.#plan = plan;
  }

  get figures(): SecondLevelFigures {
    return {
      hits: this.#hits,
      misses: this.#misses,
      late: this.#late,
      failed: this.#failed,
      written: this.#written,
      notWritten: this.#notWritten,
      unusable: { ...this.#unusable },
    };
  }

  /** For the others; not waited for. What is too large, cannot be dated or finds no line is left out. */
  async put(record: CacheRecord, body: Uint8Array): Promise<void> {
    const { map, codec, clock, usable } = this.#plan;
    const sequence = clock.sequenceAt(record.position);
    const full = this.#putting >= secondLevelPutCountMax;
    if (sequence === null || full || body.length > secondLevelBodyBytesMax || !usable()) {
      this.#notWritten += 1;
      return this.#release(record.key);
    }
    const ttlMs = Math.min(record.freshUntilMs - monotonicMs(), secondLevelTtlMsMax);
    if (ttlMs <= 0) return this.#release(record.key);
    this.#putting += 1;
    try {
      const bytes = await sealEnvelope(codec, { record, body, epoch: clock.epoch, sequence });
      await map.set(mapKey(record.key), bytes, { ttlMs });
      this.#written += 1;
    } catch {
      this.#notWritten += 1;
    } finally {
      this.#putting -= 1;
    }
    await this.#release(record.key);
  }

  /** Null: nothing that could be used now, or in time. */
  async get(key: string): Promise<SecondLevelRead> {
    const { map, clock, usable, holdsBusts } = this.#plan;
    if (!clock.readable || holdsBusts() || !usable()) return null;
    try {
      const id = mapKey(key);
      const bytes = await map.get(id, { deadlineMs: secondLevelReadMs });
      if (bytes === null) {
        this.#misses += 1;
        return null;
      }
      const read = await this.#judged(id, bytes);
      if (read !== null) this.#hits += 1;
      return read;
    } catch (error) {
      if (error instanceof CutoverError && error.code === 'cluster-timeout') this.#late += 1;
      else this.#failed += 1;
      return null;
    }
  }

  /** Several, by their places in the map (`mapKey`): those of them that could be used now. */
  async getMany(
    ids: readonly string[],
    deadlineMs: number,
  ): Promise<NonNullable<SecondLevelRead>[]> {
    const { map, clock, holdsBusts } = this.#plan;
    if (!clock.readable || holdsBusts()) return [];
    const values = await map.getMany(ids, { deadlineMs });
    const reads = await Promise.all([...values].map(([id, bytes]) => this.#judged(id, bytes)));
    return reads.filter((read) => read !== null);
  }

  /**
   * The same where one node fetches for all: null when that is this one, or the other took too long.
   * A lease ends with what is stored, or by itself when its node dies.
   */
  async getOrLease(key: string, waitMs: number): Promise<SecondLevelRead> {
    const untilMs = monotonicMs() + waitMs;
    const id = mapKey(key);
    for (let pauseMs = leasePauseMsMin; ; pauseMs = Math.min(2 * pauseMs, leasePauseMsMax)) {
      const read = await this.get(key);
      if (read !== null || this.#leases.has(id)) return read;
      try {
        const mine = await this.#plan.leases.putIfAbsent(id, leaseValue, {
          ttlMs: waitMs,
          deadlineMs: secondLevelReadMs,
        });
        if (mine === null) {
          this.#leases.set(id, monotonicMs() + waitMs);
          // What is not stored leaves it to run out.
          after(waitMs, () => this.#leases.delete(id));
          return null;
        }
      } catch {
        return null;
      }
      if (monotonicMs() + pauseMs >= untilMs) return null;
      await sleep(pauseMs);
    }
  }

  /** Whoever waits for this node's fetch of it need not, any more. */
  async #release(key: string): Promise<void> {
    const id = mapKey(key);
    const untilMs = this.#leases.get(id);
    if (untilMs === undefined) return;
    this.#leases.delete(id);
    // Later it may be another's.
    if (monotonicMs() < untilMs) await this.#plan.leases.delete(id).catch(() => {});
  }

  /** Null: it is no proof of anything that could be used now. */
  async #judged(id: string, bytes: Buffer): Promise<SecondLevelRead> {
    const { codec, clock, holdsBusts } = this.#plan;
    const opened = await openEnvelope(codec, bytes);
    if (opened === null || mapKey(opened.record.key) !== id) return this.#useless('foreign');
    const { record, body, epoch, sequence } = opened;
    if (epoch !== clock.epoch) return this.#useless('history');
    if (clock.bustedSince([...record.labels, keyLabel(record.key)], sequence) || holdsBusts()) {
      return this.#useless('busted');
    }
    return record.freshUntilMs <= monotonicMs() ? this.#useless('expired') : { record, body };
  }

  #useless(why: Unusable): null {
    this.#unusable[why] += 1;
    return null;
  }
}

/** Where a key's response stands in the map. A key may be long; its entry says which one it is. */
export function mapKey(key: string): string {
  return createHash('sha256').update(key, 'latin1').digest('base64url');
}
