import { assert } from '../base/assert.ts';
import { generationRetainedCount, generationSlotCount } from '../base/limits.ts';
import { type ControlBlock, noSlot, slotState, unpackActive } from '../memory/control-block.ts';
import type { ShapeBytes } from '../memory/shape.ts';
import type { ToWorker } from '../memory/worker-messages.ts';

/** A generation that is loaded in a slot. */
export interface Loaded {
  readonly number: number;
  readonly slot: number;
  readonly hash: string;
  readonly bytes: ShapeBytes;
  readonly routes: readonly string[];
  readonly upstreams: readonly string[];
  /** Of the routes that are cached, by route id. */
  readonly shapeKeys: ReadonlyMap<string, string>;
}

/** By which a worker attaches it. */
export function stageMessage({
  slot,
  number,
  bytes,
}: Loaded): Extract<ToWorker, { kind: 'stage' }> {
  return { kind: 'stage', slot, generation: number, bytes };
}

/**
 * The slots of the control block and what is loaded in them. The states are those of `slotState`:
 * free → staged → active → retained → draining → free, with retained → active on rollback and
 * staged → free when a worker could not attach.
 */
export class Generations {
  readonly #block: ControlBlock;
  /** Newest last. */
  readonly #loaded: Loaded[] = [];
  /** Slots that a control thread which died had filled: freed once nothing runs on them. */
  readonly #orphans = new Set<number>();

  constructor(block: ControlBlock) {
    this.#block = block;
    for (let slot = 0; slot < generationSlotCount; slot++) {
      if (block.slotState(slot) !== slotState.free) this.#orphans.add(slot);
    }
  }

  /** Never given before on this node, also not by a control that died. */
  nextNumber(): number {
    const number = this.#block.lastGeneration() + 1;
    this.#block.setLastGeneration(number);
    return number;
  }

  /** A slot that nobody uses, or null: exchanges still run on all of them. */
  freeSlot(): number | null {
    for (let slot = 0; slot < generationSlotCount; slot++) {
      if (this.#block.slotState(slot) === slotState.free) return slot;
    }
    return null;
  }

  active(): Loaded | null {
    const { stable } = unpackActive(this.#block.activeWord());
    return stable === noSlot ? null : (this.#loaded.find(({ slot }) => slot === stable) ?? null);
  }

  /** The loaded generation of this content that may become active again. */
  withHash(hash: string): Loaded | null {
    return (
      this.#loaded.find((one) => one.hash === hash && this.#state(one) === slotState.retained) ??
      null
    );
  }

  /** What a worker that joins must attach: all that is active or may become so. */
  attachable(): readonly Loaded[] {
    return this.#loaded.filter((one) => this.#state(one) !== slotState.draining);
  }

  staged(loaded: Loaded, revision: number): void {
    assert(this.#block.slotState(loaded.slot) === slotState.free, 'a generation takes a free slot');
    this.#block.setSlot(loaded.slot, loaded.number, revision, slotState.staged);
    this.#loaded.push(loaded);
  }

  /** A worker could not attach it: the slot is free again. */
  dropped(loaded: Loaded): void {
    assert(this.#state(loaded) === slotState.staged, 'only a staged generation is dropped');
    this.#remove(loaded);
  }

  /** The one atomic store. The predecessor is retained, the oldest of too many given up. */
  publish(loaded: Loaded, revision: number): void {
    const before = this.active();
    this.#block.setSlot(loaded.slot, loaded.number, revision, slotState.active);
    this.#block.publish({ stable: loaded.slot, candidate: noSlot, share: 0 });
    if (before !== null && before.slot !== loaded.slot) {
      this.#block.setSlotState(before.slot, slotState.retained);
      // Order of retirement is order of use, so a predecessor is the youngest of the retained.
      this.#loaded.splice(this.#loaded.indexOf(before), 1);
      this.#loaded.push(before);
    }
    const retained = this.#loaded.filter((one) => this.#state(one) === slotState.retained);
    for (const one of retained.slice(0, Math.max(0, retained.length - generationRetainedCount))) {
      this.#block.setSlotState(one.slot, slotState.draining);
    }
  }

  /** Given up and unpinned: nobody can use them any more. */
  retired(): Loaded[] {
    return this.#loaded.filter(
      (one) => this.#state(one) === slotState.draining && this.#block.pinned(one.slot) === 0,
    );
  }

  /** Frees the orphans that nobody can use any more, and says which. */
  freeOrphans(): number[] {
    const { stable } = unpackActive(this.#block.activeWord());
    const freed = [...this.#orphans].filter(
      (slot) => slot !== stable && this.#block.pinned(slot) === 0,
    );
    for (const slot of freed) {
      this.#orphans.delete(slot);
      this.#block.setSlot(slot, 0, 0, slotState.free);
    }
    return freed;
  }

  /** Whether a predecessor's slots are still there. */
  get hasOrphans(): boolean {
    return this.#orphans.size > 0;
  }

  /** Of all that is loaded, whatever its state. */
  shapeKeys(): Set<string> {
    return new Set(this.#loaded.flatMap(({ shapeKeys }) => [...shapeKeys.values()]));
  }

  free(loaded: Loaded): void {
    this.#remove(loaded);
  }

  get draining(): boolean {
    return (
      this.#orphans.size > 0 || this.#loaded.some((one) => this.#state(one) === slotState.draining)
    );
  }

  #remove(loaded: Loaded): void {
    this.#loaded.splice(this.#loaded.indexOf(loaded), 1);
    this.#block.setSlot(loaded.slot, 0, 0, slotState.free);
  }

  #state(loaded: Loaded): number {
    return this.#block.slotState(loaded.slot);
  }
}
