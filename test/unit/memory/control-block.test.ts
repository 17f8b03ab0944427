// Goal: the words by which threads agree say what was written, and each worker's are its own.
// Method: one block, every writer in turn.
import { describe, expect, test } from 'vitest';
import { generationSlotCount, seatCountMax } from '../../../src/base/limits.ts';
import {
  ControlBlock,
  createControlBlock,
  noSlot,
  packActive,
  slotState,
  unpackActive,
  WorkerWords,
  workerState,
} from '../../../src/memory/control-block.ts';

function block(workerCount = 2) {
  const words = createControlBlock(workerCount);
  const workers = Array.from({ length: workerCount }, (_, index) => new WorkerWords(words, index));
  return { words, control: new ControlBlock(words), workers };
}

const alone = (slot: number) => ({ stable: slot, candidate: noSlot, share: 0 });

describe('the active word', () => {
  test.each([
    { stable: 0, candidate: 0, share: 0 },
    { stable: 15, candidate: 3, share: 10_000 },
    { stable: noSlot, candidate: noSlot, share: 0 },
    { stable: 127, candidate: 128, share: 1 },
    { stable: 128, candidate: 127, share: 9_999 },
  ])('is packed and unpacked: %j', (active) => {
    expect(unpackActive(packActive(active))).toEqual(active);
  });

  test.each([-1, 10_001])('has no share of %i', (share) => {
    expect(() => packActive({ stable: 0, candidate: 0, share })).toThrow('basis points');
  });

  test('says nothing at first', () => {
    expect(unpackActive(block().control.activeWord())).toEqual(alone(noSlot));
  });

  test('survives its 32 bits', () => {
    const { control } = block();
    control.publish({ stable: 200, candidate: 201, share: 10_000 });
    expect(unpackActive(control.activeWord())).toEqual({
      stable: 200,
      candidate: 201,
      share: 10_000,
    });
  });
});

describe('a fresh block', () => {
  test('has free slots and dead workers', () => {
    const { control } = block(3);
    expect(control.workerCount).toBe(3);
    expect(control.lastNumber()).toBe(0);
    for (let slot = 0; slot < generationSlotCount; slot++) {
      expect(control.slotState(slot)).toBe(slotState.free);
      expect(control.generation(slot)).toBe(0);
      expect(control.pinned(slot)).toBe(0);
    }
    expect(control.workerState(2)).toBe(workerState.dead);
  });

  test.each([0, seatCountMax + 1])('has no %i seats of workers', (count) => {
    expect(() => createControlBlock(count)).toThrow('within its limit');
  });

  test('of another layout is refused', () => {
    const { words } = block();
    words[1] = 2;
    expect(() => new ControlBlock(words)).toThrow('layout');
    words[0] = 0;
    expect(() => new ControlBlock(words)).toThrow('magic');
  });
});

describe('slots', () => {
  test('are written one by one', () => {
    const { control } = block();
    control.setSlot(3, 7, 70, slotState.staged);
    control.setSlot(4, 8, 80, slotState.active);
    control.setSlotState(3, slotState.retained);
    const read = [2, 3, 4, 5].map((slot) => [
      control.generation(slot),
      control.revision(slot),
      control.slotState(slot),
    ]);
    expect(read).toEqual([
      [0, 0, slotState.free],
      [7, 70, slotState.retained],
      [8, 80, slotState.active],
      [0, 0, slotState.free],
    ]);
  });

  test.each([-1, generationSlotCount])('slot %i is none', (slot) => {
    expect(() => block().control.slotState(slot)).toThrow('lies in the control block');
  });
});

describe('a worker', () => {
  test('writes its own words and no others', () => {
    const { control, workers } = block(3);
    workers[1]?.beat();
    workers[1]?.beat();
    workers[1]?.setState(workerState.ready);
    workers[1]?.setConnections(5);
    workers[1]?.setSwitchedTo(9);
    const read = [0, 1, 2].map((worker) => [
      control.heartbeat(worker),
      control.workerState(worker),
      control.connections(worker),
      control.switchedTo(worker),
    ]);
    expect(read).toEqual([
      [0, 0, 0, 0],
      [2, workerState.ready, 5, 9],
      [0, 0, 0, 0],
    ]);
  });

  test('that is not there has no words', () => {
    const { control } = block(2);
    expect(() => control.pins(2, 0)).toThrow('worker index');
    expect(() => control.heartbeat(-1)).toThrow('worker index');
  });

  test('that is not there cannot write', () => {
    const { words } = block(2);
    expect(() => new WorkerWords(words, 2).setState(workerState.ready)).toThrow('worker index');
  });
});

describe('pins', () => {
  test('nothing is pinned before something is published', () => {
    const { control, workers } = block();
    expect(workers[0]?.pin()).toBe(noSlot);
    expect(control.pinned(0)).toBe(0);
  });

  test('count the exchanges of each worker on each slot', () => {
    const { control, workers } = block();
    control.publish(alone(2));
    expect([workers[0]?.pin(), workers[0]?.pin(), workers[1]?.pin()]).toEqual([2, 2, 2]);
    control.publish(alone(5));
    expect(workers[1]?.pin()).toBe(5);
    expect([control.pins(0, 2), control.pins(1, 2), control.pins(1, 5)]).toEqual([2, 1, 1]);
    expect([control.pinned(2), control.pinned(5)]).toEqual([3, 1]);
    workers[0]?.unpin(2);
    expect([control.pinned(2), control.pinned(5)]).toEqual([2, 1]);
  });

  test('an exchange that pinned nothing cannot unpin', () => {
    const { control, workers } = block();
    control.publish(alone(0));
    workers[0]?.pin();
    expect(() => workers[1]?.unpin(0)).toThrow('unpinned only by an exchange that pinned it');
    workers[0]?.unpin(0);
    expect(() => workers[0]?.unpin(0)).toThrow('unpinned only by an exchange that pinned it');
  });

  test('the last slot has its own word', () => {
    const { control, workers } = block(2);
    control.publish(alone(generationSlotCount - 1));
    workers[0]?.pin();
    expect(control.pinned(generationSlotCount - 1)).toBe(1);
    expect(control.heartbeat(1)).toBe(0);
    expect(control.pinned(0)).toBe(0);
  });
});

test('a dead worker’s pins are counted and cleared, the others’ stay', () => {
  const { control, workers } = block();
  control.publish(alone(1));
  workers[0]?.pin();
  workers[1]?.pin();
  workers[1]?.pin();
  control.publish(alone(4));
  workers[1]?.pin();
  workers[1]?.setConnections(7);
  workers[1]?.setSwitchedTo(3);
  workers[1]?.setState(workerState.ready);
  const lost = control.clearDeadWorker(1);
  expect([...lost.entries()].filter(([, count]) => count > 0)).toEqual([
    [1, 2],
    [4, 1],
  ]);
  expect([control.pinned(1), control.pinned(4)]).toEqual([1, 0]);
  expect(control.workerState(1)).toBe(workerState.dead);
  expect([control.connections(1), control.switchedTo(1)]).toEqual([0, 0]);
  expect([...control.clearDeadWorker(1)]).toEqual(new Array(generationSlotCount).fill(0));
});
