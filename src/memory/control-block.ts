import { assert } from '../base/assert.ts';
import { generationSlotCount, seatCountMax } from '../base/limits.ts';

/**
 * The words by which the threads of a node agree. One block per process, made by main.
 *
 *   header      magic, layout, worker count, last numbers given, control's
 *               heartbeat, the `active` word
 *   slots       per generation slot: generation, revision, state         writer: control
 *   workers     per worker: heartbeat, state, connections, what it       writer: that worker; main
 *               switched to, and its pins, one word per slot             when the worker is dead
 *
 * Every word is read and written through `Atomics`: sequentially consistent, which the pin
 * protocol needs (store the pin, then load `active`; control stores `active`, then loads pins).
 * Areas of different writers lie on different cache lines of 64 bytes.
 */
const magic = 0x43555442;
const layout = 1;
const lineWords = 16;

const header = {
  magic: 0,
  layout: 1,
  workerCount: 2,
  lastNumber: 3,
  lastGeneration: 4,
  controlBeat: 5,
  active: lineWords,
  words: 2 * lineWords,
};
const slotWords = 4;
const slotField = { generation: 0, revision: 1, state: 2 } as const;
const slotsWords = generationSlotCount * slotWords;
const workerField = {
  heartbeat: 0,
  state: 1,
  connections: 2,
  switched: 3,
  pins: lineWords,
} as const;
const workerWords = 2 * lineWords;
const workersAt = header.words + slotsWords;

assert(slotsWords % lineWords === 0, 'slots fill whole cache lines');
assert(generationSlotCount <= lineWords, 'the pins of a worker fit one cache line');

/** Slot states. Control alone moves them, in this order; `retained` may become active again. */
export const slotState = {
  /** Nobody may read it. */
  free: 0,
  /** Workers attach it; no exchange uses it. */
  staged: 1,
  /** New exchanges pin it. */
  active: 2,
  /** Not active, kept for rollback; old exchanges may still run on it. */
  retained: 3,
  /** Given up; freed when its last pin goes. */
  draining: 4,
} as const;

/** Worker states. The worker moves itself up to draining; main alone writes `dead`. */
export const workerState = { dead: 0, starting: 1, ready: 2, draining: 3 } as const;

export type ControlWords = Int32Array<SharedArrayBuffer>;

export function createControlBlock(workerCount: number): ControlWords {
  assert(workerCount >= 1 && workerCount <= seatCountMax, 'the worker count is within its limit');
  const words = new Int32Array(
    new SharedArrayBuffer((workersAt + workerCount * workerWords) * Int32Array.BYTES_PER_ELEMENT),
  );
  Atomics.store(words, header.magic, magic);
  Atomics.store(words, header.layout, layout);
  Atomics.store(words, header.workerCount, workerCount);
  Atomics.store(words, header.active, packActive({ stable: noSlot, candidate: noSlot, share: 0 }));
  return words;
}

/** Slot number that means none. */
export const noSlot = 0xff;

/** What the `active` word says: all new exchanges run on `stable`, but for `share` on `candidate`. */
export interface Active {
  readonly stable: number;
  readonly candidate: number;
  /** Of new exchanges, in basis points (1/100 of a percent), 0 to 10,000. */
  readonly share: number;
}

export function packActive({ stable, candidate, share }: Active): number {
  assert(share >= 0 && share <= 10_000, 'a share is 0 to 10,000 basis points');
  return (stable << 24) | (candidate << 16) | share;
}

export function unpackActive(word: number): Active {
  return { stable: word >>> 24, candidate: (word >>> 16) & 0xff, share: word & 0xffff };
}

/** Views of the block that any thread may use to look, and the few that may write, by role. */
export class ControlBlock {
  readonly words: ControlWords;
  readonly workerCount: number;

  constructor(words: ControlWords) {
    assert(Atomics.load(words, header.magic) === magic, 'the control block carries its magic');
    assert(Atomics.load(words, header.layout) === layout, 'the control block has this layout');
    this.words = words;
    this.workerCount = Atomics.load(words, header.workerCount);
  }

  activeWord(): number {
    return Atomics.load(this.words, header.active);
  }

  /** Whether new exchanges have a generation to run on. */
  get isPublished(): boolean {
    return unpackActive(this.activeWord()).stable !== noSlot;
  }

  /** The last number that was given to a route or upstream, for a control that takes over. */
  lastNumber(): number {
    return Atomics.load(this.words, header.lastNumber);
  }

  /** Control only. */
  setLastNumber(number: number): void {
    Atomics.store(this.words, header.lastNumber, number);
  }

  /** The last number that was given to a generation, whatever became of it. */
  lastGeneration(): number {
    return Atomics.load(this.words, header.lastGeneration);
  }

  /** Control only. */
  setLastGeneration(number: number): void {
    Atomics.store(this.words, header.lastGeneration, number);
  }

  controlBeat(): number {
    return Atomics.load(this.words, header.controlBeat);
  }

  /** Control only: it is not stuck. */
  beatControl(): void {
    Atomics.add(this.words, header.controlBeat, 1);
  }

  /** Control only. The one store that switches the node. */
  publish(active: Active): void {
    Atomics.store(this.words, header.active, packActive(active));
  }

  generation(slot: number): number {
    return Atomics.load(this.words, slotAt(slot) + slotField.generation);
  }

  revision(slot: number): number {
    return Atomics.load(this.words, slotAt(slot) + slotField.revision);
  }

  slotState(slot: number): number {
    return Atomics.load(this.words, slotAt(slot) + slotField.state);
  }

  /** Control only. */
  setSlot(slot: number, generation: number, revision: number, state: number): void {
    Atomics.store(this.words, slotAt(slot) + slotField.generation, generation);
    Atomics.store(this.words, slotAt(slot) + slotField.revision, revision);
    Atomics.store(this.words, slotAt(slot) + slotField.state, state);
  }

  /** Control only. */
  setSlotState(slot: number, state: number): void {
    Atomics.store(this.words, slotAt(slot) + slotField.state, state);
  }

  /** How many exchanges all workers have running on a slot. */
  pinned(slot: number): number {
    let sum = 0;
    for (let worker = 0; worker < this.workerCount; worker++) sum += this.pins(worker, slot);
    return sum;
  }

  pins(worker: number, slot: number): number {
    return Atomics.load(this.words, this.#workerAt(worker) + workerField.pins + slot);
  }

  heartbeat(worker: number): number {
    return Atomics.load(this.words, this.#workerAt(worker) + workerField.heartbeat);
  }

  workerState(worker: number): number {
    return Atomics.load(this.words, this.#workerAt(worker) + workerField.state);
  }

  /** The worker itself; main when it is dead. */
  setWorkerState(worker: number, state: number): void {
    Atomics.store(this.words, this.#workerAt(worker) + workerField.state, state);
  }

  connections(worker: number): number {
    return Atomics.load(this.words, this.#workerAt(worker) + workerField.connections);
  }

  /** The generation that the worker confirmed to be using. */
  switchedTo(worker: number): number {
    return Atomics.load(this.words, this.#workerAt(worker) + workerField.switched);
  }

  /** Main only, for a worker whose thread has ended: returns its pins per slot, and clears them. */
  clearDeadWorker(worker: number): Int32Array {
    const lost = new Int32Array(generationSlotCount);
    const at = this.#workerAt(worker);
    Atomics.store(this.words, at + workerField.state, workerState.dead);
    for (let slot = 0; slot < generationSlotCount; slot++) {
      lost[slot] = Atomics.exchange(this.words, at + workerField.pins + slot, 0);
    }
    Atomics.store(this.words, at + workerField.connections, 0);
    Atomics.store(this.words, at + workerField.switched, 0);
    return lost;
  }

  #workerAt(worker: number): number {
    assert(worker >= 0 && worker < this.workerCount, 'a worker index lies in the control block');
    return workerAt(worker);
  }
}

/** The words that one worker writes; made by that worker alone. */
export class WorkerWords {
  /** The revision that the slot was active for at the last `pin`. */
  pinnedRevision = 0;
  readonly #words: ControlWords;
  readonly #at: number;

  constructor(words: ControlWords, worker: number) {
    const count = Atomics.load(words, header.workerCount);
    assert(worker >= 0 && worker < count, 'a worker index lies in the control block');
    this.#words = words;
    this.#at = workerAt(worker);
  }

  /**
   * Pins the stable slot for a new exchange and returns it. `noSlot`: nothing was published yet.
   *
   * Pairs with `publish` and `pinned` in control: the pin is visible before `active` is read
   * again, so a slot that control saw unpinned after its last publish is never used here. A
   * rollback gives a slot a new revision just before it publishes it, so that is read in between.
   */
  pin(): number {
    for (;;) {
      const word = Atomics.load(this.#words, header.active);
      const slot = word >>> 24;
      if (slot === noSlot) return noSlot;
      const at = this.#at + workerField.pins + slot;
      Atomics.store(this.#words, at, Atomics.load(this.#words, at) + 1);
      this.pinnedRevision = Atomics.load(this.#words, slotAt(slot) + slotField.revision);
      if (Atomics.load(this.#words, header.active) === word) return slot;
      Atomics.store(this.#words, at, Atomics.load(this.#words, at) - 1);
    }
  }

  /** Pins a slot once more that this worker has pinned already, so that it cannot be freed. */
  pinAgain(slot: number): void {
    const at = this.#at + workerField.pins + slot;
    const pins = Atomics.load(this.#words, at);
    assert(pins > 0, 'a slot is pinned again only by an exchange that has it pinned');
    Atomics.store(this.#words, at, pins + 1);
  }

  unpin(slot: number): void {
    const at = this.#at + workerField.pins + slot;
    const pins = Atomics.load(this.#words, at);
    assert(pins > 0, 'a slot is unpinned only by an exchange that pinned it');
    Atomics.store(this.#words, at, pins - 1);
  }

  beat(): void {
    Atomics.add(this.#words, this.#at + workerField.heartbeat, 1);
  }

  setState(state: number): void {
    Atomics.store(this.#words, this.#at + workerField.state, state);
  }

  setConnections(count: number): void {
    Atomics.store(this.#words, this.#at + workerField.connections, count);
  }

  setSwitchedTo(generation: number): void {
    Atomics.store(this.#words, this.#at + workerField.switched, generation);
  }
}

function slotAt(slot: number): number {
  assert(slot >= 0 && slot < generationSlotCount, 'a slot number lies in the control block');
  return header.words + slot * slotWords;
}

function workerAt(worker: number): number {
  return workersAt + worker * workerWords;
}
