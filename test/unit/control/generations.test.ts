// Goal: generations move through their states, and a slot is given up only when nobody uses it.
// Method: a block with one worker, applies and rollbacks by hand.
import { describe, expect, test } from 'vitest';
import { generationRetainedCount, generationSlotCount } from '../../../src/base/limits.ts';
import { Generations, type Loaded } from '../../../src/control/generations.ts';
import {
  ControlBlock,
  createControlBlock,
  noSlot,
  slotState,
  unpackActive,
  WorkerWords,
} from '../../../src/memory/control-block.ts';
import type { ShapeBytes } from '../../../src/memory/shape.ts';

const bytes = new Uint8Array(new SharedArrayBuffer(8)) as ShapeBytes;
const stateNames = Object.fromEntries(
  Object.entries(slotState).map(([name, state]) => [state, name]),
);

function node() {
  const words = createControlBlock(1);
  const block = new ControlBlock(words);
  const generations = new Generations(block);
  let revision = 0;
  const stage = (hash: string): Loaded => {
    const slot = generations.freeSlot() ?? -1;
    revision += 1;
    const loaded = {
      number: generations.nextNumber(),
      slot,
      hash,
      bytes,
      routes: [],
      upstreams: [],
      shapeKeys: new Map(),
    };
    generations.staged(loaded, revision);
    return loaded;
  };
  const apply = (hash: string): Loaded => {
    const loaded = generations.withHash(hash) ?? stage(hash);
    generations.publish(loaded, revision);
    return loaded;
  };
  const states = () =>
    Array.from({ length: generationSlotCount }, (_, slot) => stateNames[block.slotState(slot)])
      .join(' ')
      .replace(/( free)+$/, '');
  return { words, block, generations, stage, apply, states, worker: new WorkerWords(words, 0) };
}

test('a fresh node has nothing loaded', () => {
  const { generations } = node();
  expect(generations.active()).toBeNull();
  expect(generations.freeSlot()).toBe(0);
  expect(generations.attachable()).toEqual([]);
  expect(generations.retired()).toEqual([]);
  expect(generations.draining).toBe(false);
});

test('a staged generation is attached and not used', () => {
  const { generations, stage, states, block } = node();
  const loaded = stage('a');
  expect(states()).toBe('staged');
  expect(generations.active()).toBeNull();
  expect(generations.attachable()).toEqual([loaded]);
  expect(generations.withHash('a')).toBeNull();
  expect([block.generation(0), block.revision(0)]).toEqual([1, 1]);
});

test('a generation that is published is the active one, alone', () => {
  const { generations, apply, states, block } = node();
  const loaded = apply('a');
  expect(states()).toBe('active');
  expect(generations.active()).toBe(loaded);
  expect(unpackActive(block.activeWord())).toEqual({ stable: 0, candidate: noSlot, share: 0 });
});

test('a staged generation that is dropped leaves a free slot', () => {
  const { generations, stage, apply, states } = node();
  apply('a');
  const loaded = stage('b');
  generations.dropped(loaded);
  expect(states()).toBe('active');
  expect(generations.attachable()).toHaveLength(1);
  expect(() => generations.dropped(loaded)).toThrow('only a staged generation is dropped');
});

test('a taken slot takes no other generation', () => {
  const { generations, apply } = node();
  const loaded = apply('a');
  expect(() => generations.staged({ ...loaded, number: 2 }, 2)).toThrow('takes a free slot');
});

test('the last three are kept, the oldest of more is given up', () => {
  const { generations, apply, states } = node();
  for (const hash of ['a', 'b', 'c', 'd']) apply(hash);
  expect(generationRetainedCount).toBe(3);
  expect(states()).toBe('retained retained retained active');
  apply('e');
  expect(states()).toBe('draining retained retained retained active');
  expect(generations.withHash('a')).toBeNull();
  expect(generations.withHash('b')?.slot).toBe(1);
  expect(generations.attachable().map(({ hash }) => hash)).not.toContain('a');
});

test('a rollback uses what is loaded, and its predecessor is kept as the youngest', () => {
  const { generations, apply, states, block } = node();
  for (const hash of ['a', 'b', 'c', 'd']) apply(hash);
  const back = apply('a');
  expect(back.number).toBe(1);
  expect(states()).toBe('active retained retained retained');
  apply('e');
  expect(states()).toBe('retained draining retained retained active');
  expect([block.generation(0), generations.active()?.hash]).toEqual([1, 'e']);
});

test('what begins after a rollback runs on the new revision, at once', () => {
  const { generations, apply, worker } = node();
  apply('a');
  apply('b');
  worker.pin();
  expect(worker.pinnedRevision).toBe(2);
  generations.publish(generations.withHash('a') as Loaded, 3);
  expect([worker.pin(), worker.pinnedRevision]).toEqual([0, 3]);
});

describe('a generation that was given up', () => {
  test('is retired when its last exchange is done', () => {
    const { generations, apply, states, worker } = node();
    apply('a');
    expect([worker.pin(), worker.pin()]).toEqual([0, 0]);
    for (const hash of ['b', 'c', 'd', 'e']) apply(hash);
    expect(generations.draining).toBe(true);
    expect(generations.retired()).toEqual([]);
    worker.unpin(0);
    expect(generations.retired()).toEqual([]);
    worker.unpin(0);
    const [retired] = generations.retired();
    expect(retired?.hash).toBe('a');
    generations.free(retired as Loaded);
    expect(states()).toBe('free retained retained retained active');
    expect([generations.draining, generations.freeSlot()]).toEqual([false, 0]);
  });

  test('keeps its slot from the next apply', () => {
    const { apply, states, worker } = node();
    apply('a');
    worker.pin();
    for (const hash of ['b', 'c', 'd', 'e', 'f']) apply(hash);
    expect(states()).toBe('draining draining retained retained retained active');
  });
});

test('when exchanges run on every slot, there is none to give', () => {
  const { generations, apply, worker } = node();
  for (let count = 0; count < generationSlotCount; count++) {
    apply(`hash ${count}`);
    worker.pin();
  }
  expect(generations.freeSlot()).toBeNull();
  expect(generations.retired()).toEqual([]);
});

describe('a control that takes over', () => {
  test('goes on with higher numbers and frees what its predecessor left, when it is unused', () => {
    const { block, apply, worker } = node();
    for (const hash of ['a', 'b', 'c']) apply(hash);
    worker.pin();
    const next = new Generations(block);
    expect(next.nextNumber()).toBe(4);
    expect(next.draining).toBe(true);
    expect(next.active()).toBeNull();
    expect(next.attachable()).toEqual([]);
    expect(next.freeSlot()).toBe(3);
    expect(next.freeOrphans()).toEqual([0, 1]);
    expect(next.freeOrphans()).toEqual([]);
    const loaded = {
      number: 4,
      slot: 0,
      hash: 'd',
      bytes,
      routes: [],
      upstreams: [],
      shapeKeys: new Map(),
    };
    next.staged(loaded, 4);
    next.publish(loaded, 4);
    expect(next.freeOrphans()).toEqual([]);
    worker.unpin(2);
    expect(next.freeOrphans()).toEqual([2]);
    expect(next.draining).toBe(false);
  });

  test('never gives a number again', () => {
    const { block, stage, apply, generations } = node();
    apply('a');
    const dropped = stage('b');
    generations.dropped(dropped);
    expect(new Generations(block).nextNumber()).toBeGreaterThan(dropped.number);
  });
});
