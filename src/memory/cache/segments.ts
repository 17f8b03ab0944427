import { assert } from '../../base/assert.ts';
import { type CacheLayout, segmentHeadBytes, unitBytes } from './cache-layout.ts';
import type { Reclaim } from './reclaim.ts';

/** The two queues of S3-FIFO (Yang et al., SOSP 2023), each a list of segments, oldest first. */
export const queue = { small: 0, main: 1 } as const;
export type Queue = (typeof queue)[keyof typeof queue];

/** Share of the segments that new entries pass through; the paper's 10 %. */
const smallShare = 0.1;

/** Segments that only survivors of a reclaimed one may take: these never fill more than two. */
export const reserveCount = 2;

/** So many more are kept free, that readers have time to leave them before they are needed. */
const spareOfManyCount = 2;
const spareOfFewCount = 1;
const manySegmentsCount = 64;

const none = -1;

/**
 * The arena's segments as the writer keeps them: free, open (one per queue; records are appended),
 * closed (in a queue), retired (in `Reclaim`). All of it is private to the writer.
 */
export class Segments {
  readonly #segmentUnits: number;
  readonly segmentBytes: number;
  readonly #reclaim: Reclaim;
  readonly #free: number[] = [];
  readonly #closed: readonly [number[], number[]] = [[], []];
  readonly #open: [number, number] = [none, none];
  /** Bytes up to which records lie, and those of records that are needed, by segment. */
  readonly #used: Int32Array;
  readonly #live: Int32Array;
  readonly #queueOf: Uint8Array;
  readonly #smallTarget: number;
  /** Segments to keep free: the reserve and the spare ones. */
  readonly wantedFree: number;

  /** All segments are retired: whoever wrote before may have left readers in them. */
  constructor(layout: CacheLayout, reclaim: Reclaim) {
    this.segmentBytes = layout.segmentBytes;
    this.#segmentUnits = layout.segmentBytes / unitBytes;
    this.#reclaim = reclaim;
    this.#used = new Int32Array(layout.segmentCount);
    this.#live = new Int32Array(layout.segmentCount);
    this.#queueOf = new Uint8Array(layout.segmentCount);
    this.#smallTarget = Math.max(1, Math.round(layout.segmentCount * smallShare));
    const spare = layout.segmentCount < manySegmentsCount ? spareOfFewCount : spareOfManyCount;
    this.wantedFree = reserveCount + spare;
    reclaim.retire(Array.from({ length: layout.segmentCount }, (_, segment) => segment));
    this.sweep();
  }

  get segmentCount(): number {
    return this.#used.length;
  }

  get freeCount(): number {
    return this.#free.length;
  }

  get closedCount(): number {
    return this.#closed[queue.small].length + this.#closed[queue.main].length;
  }

  /** Bytes of records that are needed, over all segments that hold any. */
  get liveBytes(): number {
    let sum = 0;
    for (const list of this.#closed) for (const segment of list) sum += this.liveIn(segment);
    for (const segment of this.#open) if (segment !== none) sum += this.liveIn(segment);
    return sum;
  }

  /** Retired segments that no reader can be in are free again; returns them. */
  sweep(): readonly number[] {
    const reusable = this.#reclaim.takeReusable();
    this.#free.push(...reusable);
    return reusable;
  }

  /** Place for a record, 0 when that would leave fewer than `reserve` segments free. */
  append(to: Queue, units: number, reserve: number): number {
    const bytes = units * unitBytes;
    let open = this.#open[to];
    if (open === none || (this.#used[open] as number) + bytes > this.segmentBytes) {
      if (this.#free.length <= reserve) return 0;
      if (open !== none) this.#closed[to].push(open);
      open = this.#free.pop() as number;
      this.#open[to] = open;
      this.#queueOf[open] = to;
      this.#used[open] = segmentHeadBytes;
      this.#live[open] = 0;
    }
    const at = this.#used[open] as number;
    this.#used[open] = at + bytes;
    this.#live[open] = this.liveIn(open) + bytes;
    return open * this.#segmentUnits + at / unitBytes;
  }

  /** The record is not needed any more. */
  discard(place: number, units: number): void {
    const segment = this.segmentOf(place);
    const live = this.liveIn(segment) - units * unitBytes;
    assert(live >= 0, 'no more is discarded than was appended');
    this.#live[segment] = live;
  }

  /** Takes the end of a record back; false: something lies behind it, and a gap must stay. */
  shorten(place: number, fromUnits: number, toUnits: number): boolean {
    this.discard(place, fromUnits - toUnits);
    const segment = this.segmentOf(place);
    const end = (place % this.#segmentUnits) * unitBytes + fromUnits * unitBytes;
    if (end !== this.#used[segment]) return false;
    this.#used[segment] = end - (fromUnits - toUnits) * unitBytes;
    return true;
  }

  segmentOf(place: number): number {
    return Math.floor(place / this.#segmentUnits);
  }

  queueOf(place: number): Queue {
    return this.#queueOf[this.segmentOf(place)] as Queue;
  }

  /** First place of a segment, and the first behind its records. */
  range(segment: number): { from: number; to: number } {
    const first = segment * this.#segmentUnits;
    return {
      from: first + segmentHeadBytes / unitBytes,
      to: first + (this.#used[segment] as number) / unitBytes,
    };
  }

  /** The closed segment with the least that is needed, if that is at most half of it; or -1. */
  mostlyDead(): number {
    let least = this.segmentBytes / 2;
    let found = none;
    for (const list of this.#closed) {
      for (const segment of list) {
        if (this.liveIn(segment) > least) continue;
        least = this.liveIn(segment);
        found = segment;
      }
    }
    return found;
  }

  /** Whose turn it is: small's oldest while small is over its share, else main's; or -1. */
  oldest(preferred: Queue = this.#overfull()): number {
    const other = preferred === queue.small ? queue.main : queue.small;
    return this.#closed[preferred][0] ?? this.#closed[other][0] ?? none;
  }

  /** Moves a segment that cannot be reclaimed now to the end of its queue. */
  postpone(segment: number): void {
    this.#closed[this.#queueOf[segment] as Queue].push(this.#takeOut(segment));
  }

  /** Of a closed segment into which no place leads any more. */
  retire(segment: number): void {
    this.#takeOut(segment);
    this.#reclaim.retire([segment]);
  }

  /** Segments that readers may still be in, and those of them that wait for a reader to leave. */
  get waiting(): { all: number; forLeave: number } {
    return { all: this.#reclaim.waiting, forLeave: this.#reclaim.waitingForLeave };
  }

  get epoch(): number {
    return this.#reclaim.epoch;
  }

  /** Whether a reader may be at records of which nothing is found since an epoch. */
  isReachable(places: readonly number[], unlinkedAt: number): boolean {
    const segments = places.map((place) => this.segmentOf(place));
    return this.#reclaim.isReachable(segments, unlinkedAt);
  }

  liveIn(segment: number): number {
    return this.#live[segment] as number;
  }

  #overfull(): Queue {
    return this.#closed[queue.small].length >= this.#smallTarget ? queue.small : queue.main;
  }

  #takeOut(segment: number): number {
    const list = this.#closed[this.#queueOf[segment] as Queue];
    const at = list.indexOf(segment);
    assert(at >= 0, 'a segment that is taken out of its queue is closed');
    list.splice(at, 1);
    return segment;
  }
}
