import { randomUUID } from 'node:crypto';
import { cancel, every, monotonicMs, sleep, type Timer } from '../base/clock.ts';
import { CutoverError } from '../base/errors.ts';
import type { LogFigures, LossReason } from '../model/fleet.ts';
import type { BytesMap } from './bytes-map.ts';
import { clusterError } from './cluster-error.ts';
import { Follower } from './follower.ts';
import type { ItemCodec, LogItem } from './log-item.ts';
import { ReadItems } from './read-items.ts';
import type { Ring, RingBounds } from './ring.ts';
import type { RingItem } from './session.ts';

/** How often the log is asked whether anything was missed, and how long the answer may take. */
const probeMs = 300;
const probeDeadlineMs = 250;
/** Adding again after an unknown outcome: the longest that an owner's death held an add was 1.2 s. */
const addUntilMs = 2_500;
const addPauseMs = 50;
/** Which history of the log this is: a text that nothing but a new history changes. */
const epochKey = 'epoch';
/** What all nodes are to serve (control/fleet/applies.ts); read with each probe. */
export const headKey = 'head';

export interface PlacedItem {
  readonly sequence: number;
  readonly item: LogItem;
  /** It was there before the node's cache was emptied for it: to be known, not to be done. */
  readonly past: boolean;
}

export interface ClusterLogParts {
  readonly ring: Pick<Ring, 'add' | 'read' | 'park' | 'bounds' | 'touch'>;
  readonly meta: Pick<BytesMap, 'get' | 'putIfAbsent' | 'replace'>;
  readonly codec: ItemCodec;
  /** In order; `through`: the sequence up to which all was delivered then. */
  readonly onItems: (items: readonly PlacedItem[], through: number) => void;
  /**
   * Another place than the next one, before any item of it: what was stored cannot be proven fresh,
   * `bounds`: what is in the log now, which is delivered as past. `why`: null for a node that had no
   * place before.
   */
  readonly onPlaced: (why: LossReason | null, bounds: RingBounds) => void;
  /** Everything that was in the log at this time (monotonic) was delivered. */
  readonly onProven: (atMs: number) => void;
  /** Each probe: what stands under `headKey`. */
  readonly onHead: (head: Buffer | null) => void;
}

/**
 * The one log of all nodes, on a ring of the cluster: each node follows it by its own position, and
 * asks every 300 ms whether that is still a position in the same history.
 *
 * | the probe finds                         | so                                                    |
 * | --------------------------------------- | ----------------------------------------------------- |
 * | the place within the ring, same epoch   | nothing was missed; proven once the tail is delivered |
 * | no answer, or too few members to write  | not proven; the node serves on                        |
 * | other items than it had read            | `diverged`, reads the history from its head           |
 * | a head beyond the place                 | `overrun`, goes on from the head                      |
 * | a tail before the place                 | `ring-lost`, a new epoch                              |
 * | another epoch                           | `new-history`, reads it from its head                 |
 * | a tail beyond the place, and no item    | asks anew                                             |
 */
export class ClusterLog {
  readonly #parts: ClusterLogParts;
  readonly #follower: Follower;
  readonly #probing: Timer;
  #busy = false;
  #epoch = '';
  /** Items below are past: the cache was emptied after them. */
  #pastBelow = 0;
  /** A probe saw this tail; proven when it is delivered. */
  #toProve: { readonly tail: number; readonly atMs: number } | null = null;
  #doubted = false;
  /** A read from the place began before it. */
  #regressed = false;
  #provenMs = Number.NEGATIVE_INFINITY;
  #seenTail = -1;
  /** Delivered when the probe before was made. */
  #nextBefore: number | null = null;
  readonly #read = new ReadItems();
  #unsigned = 0;
  #unknown = 0;
  readonly #lost: Record<LossReason, number> = {
    overrun: 0,
    'ring-lost': 0,
    'new-history': 0,
    diverged: 0,
  };

  constructor(parts: ClusterLogParts) {
    this.#parts = parts;
    this.#follower = new Follower({
      ring: parts.ring,
      deliver: (items) => this.#deliver(items),
      broken: (first) => {
        this.#regressed = first < (this.#follower.next ?? 0);
        void this.#probe();
      },
    });
    this.#probing = every(probeMs, () => void this.#probe());
    void this.#probe();
  }

  /** The history that is followed; empty: none yet. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Sequence of the last item that was delivered; -1: none. */
  get sequence(): number {
    return (this.#follower.next ?? 0) - 1;
  }

  get figures(): LogFigures {
    const { sequence } = this;
    return {
      epoch: this.#epoch,
      sequence,
      lag: Math.max(0, this.#seenTail - sequence),
      proven: monotonicMs() - this.#provenMs < 2 * probeMs + probeDeadlineMs,
      unsigned: this.#unsigned,
      unknown: this.#unknown,
      lost: { ...this.#lost },
    };
  }

  /**
   * Gives an item its place for all nodes; resolves to its sequence. Where the outcome of an attempt
   * is not known, it is added again with the same id. Rejects when it cannot be told that it is there.
   */
  async append(item: LogItem): Promise<number> {
    if (this.#epoch === '') throw clusterError('offline', {});
    const bytes = this.#parts.codec.encode(item);
    const untilMs = monotonicMs() + addUntilMs;
    for (;;) {
      const read = this.sequence;
      try {
        const sequence = await this.#parts.ring.add(bytes);
        if (sequence > read) return sequence;
        // The ring begins anew, which the next probe finds out: others are past that place in the old one.
        throw clusterError('offline', { sequence, read });
      } catch (error) {
        const unknown = error instanceof CutoverError && error.retry === 'never';
        if (!unknown || monotonicMs() >= untilMs) throw error;
        await sleep(addPauseMs);
      }
    }
  }

  stop(): void {
    cancel(this.#probing);
    this.#follower.stop();
  }

  async #probe(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const atMs = monotonicMs();
      const nextThen = this.#follower.next ?? 0;
      const deadline = { deadlineMs: probeDeadlineMs };
      const { ring, meta } = this.#parts;
      const [epoch, head, bounds] = await Promise.all([
        meta.get(epochKey, deadline),
        meta.get(headKey, deadline),
        ring.bounds(deadline),
        // Reads alone are answered by the smaller half of a cluster too, out of its old copy.
        ring.touch(deadline),
      ]);
      await this.#compare(epoch?.toString() ?? null, bounds, { atMs, nextThen });
      if (this.#epoch !== '') this.#parts.onHead(head);
    } catch {
      // The client counts why. What was proven runs out by itself.
      this.#doubted = true;
      this.#toProve = null;
    } finally {
      this.#busy = false;
    }
  }

  async #compare(
    epoch: string | null,
    bounds: RingBounds,
    { atMs, nextThen }: { readonly atMs: number; readonly nextThen: number },
  ): Promise<void> {
    this.#seenTail = bounds.tail;
    const next = this.#follower.next;
    if (epoch === null) await this.#parts.meta.putIfAbsent(epochKey, Buffer.from(randomUUID()));
    else if (epoch !== this.#epoch) this.#adopt(epoch, bounds);
    // Compared with the place from before it was asked: what came since is not in the answer.
    else if (next === null || bounds.tail + 1 < nextThen || this.#regressed)
      await this.#renew(epoch);
    else if (bounds.head > next) this.#restart('overrun', bounds);
    else if (await this.#hasRead(bounds)) this.#contiguous(next, bounds, atMs);
    else this.#restart('diverged', bounds);
  }

  #hasRead({ head }: RingBounds): Promise<boolean> {
    const [doubted, deadlineMs] = [this.#doubted, probeDeadlineMs];
    return this.#read.areIn(this.#parts.ring, { head, doubted, deadlineMs });
  }

  #contiguous(next: number, { tail }: RingBounds, atMs: number): void {
    this.#doubted = false;
    this.#toProve = { tail, atMs };
    this.#prove();
    if (tail >= next && this.#nextBefore === next) this.#follower.nudge();
    this.#nextBefore = next;
  }

  /** Another history than the one that was followed: from its head on, all of it. */
  #adopt(epoch: string, bounds: RingBounds): void {
    const first = this.#epoch === '';
    this.#epoch = epoch;
    this.#restart(first ? null : 'new-history', bounds);
  }

  /** The ring lost what was read: nobody can tell what else, so this is another history, for all. */
  async #renew(epoch: string): Promise<void> {
    const next = Buffer.from(randomUUID());
    await this.#parts.meta.replace(epochKey, Buffer.from(epoch), next);
    this.#lost['ring-lost'] += 1;
  }

  #restart(why: LossReason | null, bounds: RingBounds): void {
    const { head, tail } = bounds;
    if (why !== null) this.#lost[why] += 1;
    this.#parts.onPlaced(why, bounds);
    this.#pastBelow = tail + 1;
    this.#read.clear();
    this.#doubted = false;
    this.#regressed = false;
    this.#toProve = null;
    this.#follower.begin(head);
  }

  #deliver(items: readonly RingItem[]): void {
    const placed: PlacedItem[] = [];
    for (const one of items) {
      const { sequence } = one;
      const past = sequence < this.#pastBelow;
      const item = this.#decoded(one.value);
      this.#read.add(one, past);
      if (item !== null) placed.push({ sequence, item, past });
    }
    this.#parts.onItems(placed, this.sequence);
    this.#prove();
  }

  #decoded(value: Buffer): LogItem | null {
    const item = this.#parts.codec.decode(value);
    if (item === 'unsigned') this.#unsigned += 1;
    else if (item === 'unknown') this.#unknown += 1;
    else return item;
    return null;
  }

  #prove(): void {
    const proof = this.#toProve;
    if (proof === null || this.sequence < proof.tail) return;
    this.#toProve = null;
    this.#provenMs = proof.atMs;
    this.#parts.onProven(proof.atMs);
  }
}
