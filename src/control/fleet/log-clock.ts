import { bustLabelCountMax, clockMarkCountMax } from '../../base/limits.ts';
import type { Bust } from '../../model/bust.ts';
import { labelsOf } from '../cache/bust-labels.ts';
import { BustMemory } from '../cache/bust-memory.ts';

/** Each is looked at for each answer: with more, this node reads the log too slowly to take anything. */
const heldCountMax = 1_000;

/**
 * The log as the clock of what nodes share: an answer that was fetched when a node had done
 * everything up to some sequence is usable as long as nothing that it is marked with was busted
 * after that.
 *
 * Fetches carry their own node's position; marks say which sequence each stands for.
 */
export class LogClock {
  #epoch = '';
  #tail = -1;
  #learned = -1;
  #marks: { readonly position: number; sequence: number }[] = [];
  #busts = new BustMemory(bustLabelCountMax, 0);
  /** Busts of this node that it has not read in the log yet. */
  readonly #held = new Set<{ readonly all: boolean; readonly labels: ReadonlySet<string> }>();

  /** The history that sequences are of; empty: none yet. */
  get epoch(): string {
    return this.#epoch;
  }

  /** Whether all that was busted before this node's place in the log is known to it. */
  get readable(): boolean {
    return this.#epoch !== '' && this.#learned >= this.#tail;
  }

  /**
   * Another place in a log: what is known of busts begins at `head`. What is fetched from now on,
   * at this position of the node, stands for all up to `tail`.
   */
  restart(place: {
    readonly epoch: string;
    readonly head: number;
    readonly tail: number;
    readonly position: number;
  }): void {
    const { epoch, head, tail, position } = place;
    this.#epoch = epoch;
    this.#tail = tail;
    this.#learned = head - 1;
    this.#marks = [{ position, sequence: tail }];
    this.#busts = new BustMemory(bustLabelCountMax, positionOf(head - 1));
  }

  learn(bust: Bust, sequence: number): void {
    const position = positionOf(sequence);
    if (bust.all) this.#busts.noteAll(position);
    else for (const label of labelsOf(bust)) this.#busts.note(label, position);
  }

  /**
   * A bust that holds on this node and has no place in the log yet, or one that was not read so far:
   * what others stored before they knew of it is of no use. Gives what ends that.
   */
  hold(bust: Bust): () => void {
    const held = { all: bust.all, labels: new Set(labelsOf(bust)) };
    this.#held.add(held);
    return () => this.#held.delete(held);
  }

  /** At this position of the node, everything up to `sequence` was done. */
  mark(position: number, sequence: number): void {
    this.#learned = sequence;
    // Past items tell of busts, and are older than what is fetched now.
    if (sequence <= this.#tail) return;
    const last = this.#marks.at(-1);
    if (last?.position === position) last.sequence = sequence;
    else this.#marks.push({ position, sequence });
    if (this.#marks.length > 2 * clockMarkCountMax) this.#marks.splice(0, clockMarkCountMax);
  }

  /** The sequence that a fetch stands for which began at this position; null: not known. */
  sequenceAt(position: number): number | null {
    let [low, high] = [0, this.#marks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#marks[middle]?.position ?? 0) <= position) low = middle + 1;
      else high = middle;
    }
    return this.#marks[low - 1]?.sequence ?? null;
  }

  /** Whether something with these labels was busted after a sequence, as far as this node knows. */
  bustedSince(labels: readonly string[], sequence: number): boolean {
    if (this.#held.size > heldCountMax) return true;
    for (const held of this.#held) {
      if (held.all || labels.some((label) => held.labels.has(label))) return true;
    }
    return this.#busts.bustedSince(labels, positionOf(sequence));
  }
}

/** Sequences begin at 0, and are -1 before the first; positions that are remembered are above 0. */
function positionOf(sequence: number): number {
  return sequence + 1;
}
