import { cancel, every, monotonicMs, type Timer, wallMs } from '../../base/clock.ts';
import { fleetLimitCountMax, fleetLimitKnownMs } from '../../base/limits.ts';
import type { BytesMap } from '../../cluster/bytes-map.ts';
import type { ItemCodec } from '../../cluster/log-item.ts';
import type { RateLimitWords } from '../../memory/rate-limits/limit-layout.ts';
import {
  setOthersKnown,
  setSharingNodes,
  sharingNodes,
} from '../../memory/rate-limits/limit-lease.ts';
import {
  isLimiting,
  isPast,
  type LimitUse,
  usedMost,
  writeOthers,
} from '../../memory/rate-limits/limit-watch.ts';
import { decodeUses, encodeUses } from './use-vector.ts';

const turnMs = 100;
const deadlineMs = 250;
/** A node that died is not read any more: what it used is remembered here until its windows pass. */
const ttlMs = 3_000;
/** Who used less of a limit is not told of, and uses no more than that on each node. */
const shareMin = 0.01;

export interface FleetLimitsPlan {
  readonly words: RateLimitWords;
  readonly map: BytesMap;
  readonly codec: ItemCodec;
  readonly nodeId: string;
  /** Ids of the other nodes that live, as far as is known. */
  readonly others: () => readonly string[];
  /** Whether a call would be sent now, and the others are known. */
  readonly usable: () => boolean;
}

/**
 * Rate limits across nodes: ten times a second each node tells what it admitted, and adds up what the
 * others did, for its workers. No request waits for it.
 */
export class FleetLimits {
  readonly #plan: FleetLimitsPlan;
  readonly #uses = new Map<string, readonly LimitUse[]>();
  readonly #timer: Timer;
  #turning = false;

  constructor(plan: FleetLimitsPlan) {
    this.#plan = plan;
    this.#timer = every(turnMs, () => void this.turn());
  }

  async turn(): Promise<void> {
    const { words, usable } = this.#plan;
    const others = this.#plan.others();
    const beganMs = monotonicMs();
    // Who is not heard any more may be there still, until the cluster has answered.
    if (1 + others.length > sharingNodes(words)) setSharingNodes(words, 1 + others.length);
    if (!isLimiting(words)) {
      if (usable()) this.#known(others.length, beganMs);
      return;
    }
    if (this.#turning) return;
    this.#turning = true;
    const done = await Promise.allSettled([this.#tell(), ...others.map((id) => this.#read(id))]);
    this.#turning = false;
    const nowMs = wallMs();
    for (const [id, uses] of this.#uses) {
      if (uses.every((use) => isPast(use, nowMs))) this.#uses.delete(id);
    }
    writeOthers(words, [...this.#uses.values()].flat(), nowMs);
    if (usable() && done.every(({ status }) => status === 'fulfilled'))
      this.#known(others.length, beganMs);
  }

  stop(): void {
    cancel(this.#timer);
  }

  #known(others: number, atMs: number): void {
    const { words } = this.#plan;
    setSharingNodes(words, 1 + others);
    setOthersKnown(words, atMs + fleetLimitKnownMs);
  }

  /** With nothing to tell, too: that the cluster took it is what the others are known by. */
  async #tell(): Promise<void> {
    const { words, map, codec, nodeId } = this.#plan;
    const uses = usedMost(words, wallMs(), shareMin, fleetLimitCountMax);
    await map.set(nodeId, codec.seal(encodeUses(nodeId, uses)), { ttlMs, deadlineMs });
  }

  async #read(id: string): Promise<void> {
    const { map, codec } = this.#plan;
    const bytes = await map.get(id, { deadlineMs });
    const content = bytes === null ? 'unsigned' : codec.open(bytes);
    const uses = typeof content === 'string' ? null : decodeUses(id, content);
    if (uses !== null) this.#uses.set(id, uses);
  }
}
