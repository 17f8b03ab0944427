import { assert } from '../base/assert.ts';
import { generationSlotCount } from '../base/limits.ts';

/**
 * The ledger's counters: per worker and generation slot, written by that worker alone (by main
 * for a dead one). 64 bit floats: exact up to 2^53, and an aligned store of 8 bytes is one
 * instruction on x64 and arm64, so a reader never sees half of one.
 */

/** Why the gateway itself said no. Names are stable: metrics and reports use them. */
export const refusedReasons = [
  'door',
  'no-route',
  'method',
  'limit',
  'expectation',
  'breaker-open',
  'no-endpoint',
  'not-ready',
  'not-in-cache',
  'rate-limit',
] as const;
export type RefusedReason = (typeof refusedReasons)[number];

/** Why no whole response came about although one was wanted. */
export const failedReasons = [
  'connect',
  'connect-timeout',
  'headers-timeout',
  'idle-timeout',
  'reset',
  'protocol',
  'client-timeout',
  'drain-timeout',
  'internal',
  'worker-lost',
] as const;
export type FailedReason = (typeof failedReasons)[number];

const field = { generation: 0, accepted: 1, completed: 2, aborted: 3, refused: 4 } as const;
const failedAt = field.refused + refusedReasons.length;
/** With the generation that they belong to, rounded up to whole cache lines of 8 floats. */
const ledgerFloats = Math.ceil((failedAt + failedReasons.length) / 8) * 8;

export type LedgerFloats = Float64Array<SharedArrayBuffer>;

export function createLedgers(workerCount: number): LedgerFloats {
  const floats = workerCount * generationSlotCount * ledgerFloats;
  return new Float64Array(new SharedArrayBuffer(floats * Float64Array.BYTES_PER_ELEMENT));
}

/** The writing side of one worker. */
export class LedgerWriter {
  readonly #floats: LedgerFloats;
  readonly #worker: number;

  constructor(floats: LedgerFloats, worker: number) {
    this.#floats = floats;
    this.#worker = worker;
  }

  /**
   * Before the slot's generation can be pinned by this worker. A new generation begins with
   * nothing; a worker that takes the place of a dead one goes on with what that one had counted.
   */
  attach(slot: number, generation: number): void {
    const at = ledgerAt(this.#worker, slot);
    if (this.#floats[at + field.generation] === generation) return;
    this.#floats.fill(0, at, at + ledgerFloats);
    this.#floats[at + field.generation] = generation;
  }

  accepted(slot: number): void {
    this.#add(slot, field.accepted, 1);
  }

  completed(slot: number): void {
    this.#add(slot, field.completed, 1);
  }

  aborted(slot: number): void {
    this.#add(slot, field.aborted, 1);
  }

  refused(slot: number, reason: RefusedReason): void {
    this.#add(slot, field.refused + refusedReasons.indexOf(reason), 1);
  }

  failed(slot: number, reason: FailedReason, count = 1): void {
    this.#add(slot, failedAt + failedReasons.indexOf(reason), count);
  }

  #add(slot: number, at: number, count: number): void {
    const index = ledgerAt(this.#worker, slot) + at;
    this.#floats[index] = (this.#floats[index] as number) + count;
  }
}

export interface LedgerCounts {
  accepted: number;
  completed: number;
  aborted: number;
  refused: number;
  failed: number;
  /** Counts above zero only. */
  refusedBy: Record<string, number>;
  failedBy: Record<string, number>;
}

/**
 * The sum over all workers for one slot. Exact when nothing is pinned; else a moment's view. With a
 * generation: without what a worker, which has been down since, counted for an earlier one.
 */
export function readLedger(
  floats: LedgerFloats,
  workerCount: number,
  slot: number,
  generation?: number,
): LedgerCounts {
  const counts: LedgerCounts = {
    accepted: 0,
    completed: 0,
    aborted: 0,
    refused: 0,
    failed: 0,
    refusedBy: {},
    failedBy: {},
  };
  for (let worker = 0; worker < workerCount; worker++) {
    const at = ledgerAt(worker, slot);
    if (isOfAnother(floats[at + field.generation] as number, generation)) continue;
    counts.accepted += floats[at + field.accepted] as number;
    counts.completed += floats[at + field.completed] as number;
    counts.aborted += floats[at + field.aborted] as number;
    counts.refused += sumReasons(floats, at + field.refused, refusedReasons, counts.refusedBy);
    counts.failed += sumReasons(floats, at + failedAt, failedReasons, counts.failedBy);
  }
  return counts;
}

/** The rule of the ledger, which holds whenever nothing is running on the generation. */
export function isBalanced(counts: LedgerCounts): boolean {
  const { accepted, completed, aborted, refused, failed } = counts;
  return accepted === completed + aborted + refused + failed;
}

function isOfAnother(counted: number, generation: number | undefined): boolean {
  return generation !== undefined && counted !== 0 && counted !== generation;
}

function sumReasons(
  floats: LedgerFloats,
  at: number,
  reasons: readonly string[],
  by: Record<string, number>,
): number {
  let sum = 0;
  for (const [index, reason] of reasons.entries()) {
    const count = floats[at + index] as number;
    if (count === 0) continue;
    sum += count;
    by[reason] = (by[reason] ?? 0) + count;
  }
  return sum;
}

function ledgerAt(worker: number, slot: number): number {
  assert(slot >= 0 && slot < generationSlotCount, 'a slot number lies in the ledgers');
  return (worker * generationSlotCount + slot) * ledgerFloats;
}
