// Goal: the collector tells what stands in shared memory, and nothing else. Method: words written as
// control and workers write them.
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  ControlBlock,
  slotState,
  WorkerWords,
  workerState,
} from '../../../src/memory/control-block.ts';
import { createNodeMemory } from '../../../src/memory/node-memory.ts';
import { counter, SeriesWriter } from '../../../src/memory/series.ts';
import { Collector } from '../../../src/telemetry/collector.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function setUp(workerCount = 2) {
  const memory = createNodeMemory(workerCount);
  const words = Array.from(
    { length: workerCount },
    (_, worker) => new WorkerWords(memory.control, worker),
  );
  const block = new ControlBlock(memory.control);
  return { memory, words, block, collector: new Collector(memory) };
}

describe('workers', () => {
  test('that have not begun', () => {
    const none = { state: 'dead', generation: 0, revision: 0, connections: 0, silentMs: 0 };
    expect(setUp().collector.workers()).toEqual([
      { id: 0, ...none },
      { id: 1, ...none },
    ]);
  });

  test('are told with the revision of what they switched to', () => {
    const { words, block, collector } = setUp();
    block.setSlot(4, 12, 7, slotState.active);
    words[1]?.setState(workerState.ready);
    words[1]?.setSwitchedTo(12);
    words[1]?.setConnections(3);
    words[0]?.setState(workerState.draining);
    words[0]?.setSwitchedTo(11);
    expect(collector.workers()).toEqual([
      { id: 0, state: 'draining', generation: 11, revision: 0, connections: 0, silentMs: 0 },
      { id: 1, state: 'ready', generation: 12, revision: 7, connections: 3, silentMs: 0 },
    ]);
  });

  test('are silent since their heart was last seen to beat', () => {
    let nowMs = 1_000;
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    const { words, collector } = setUp(1);
    const silentMs = (): number | undefined => collector.workers()[0]?.silentMs;
    words[0]?.beat();
    expect(silentMs()).toBe(0);
    nowMs += 250;
    expect(silentMs()).toBe(250);
    nowMs += 250;
    expect(silentMs()).toBe(500);
    words[0]?.beat();
    expect(silentMs()).toBe(0);
  });
});

describe('generations', () => {
  test('come in their order, free slots left out', () => {
    const { block, collector } = setUp();
    block.setSlot(0, 9, 3, slotState.active);
    block.setSlot(1, 7, 1, slotState.draining);
    block.setSlot(2, 8, 2, slotState.retained);
    block.setSlot(3, 6, 9, slotState.free);
    block.setSlot(4, 10, 4, slotState.staged);
    const told = collector
      .generations()
      .map(({ generation, revision, state }) => [generation, revision, state]);
    expect(told).toEqual([
      [7, 1, 'draining'],
      [8, 2, 'retained'],
      [9, 3, 'active'],
      [10, 4, 'staged'],
    ]);
    expect(collector.active()?.generation).toBe(9);
  });

  test('pins of all workers are summed', () => {
    const { block, words, collector } = setUp(2);
    block.setSlot(5, 1, 1, slotState.active);
    block.publish({ stable: 5, candidate: 5, share: 0 });
    for (const worker of words) for (let i = 0; i < 3; i++) worker.pin();
    words[0]?.unpin(5);
    expect(collector.active()?.pinned).toBe(5);
  });

  test('without an active one there is none', () => {
    expect(setUp().collector.active()).toBeNull();
  });
});

describe('series', () => {
  test('have the names that were learned', () => {
    const { memory, collector } = setUp(2);
    const writer = new SeriesWriter(memory.series, 1);
    for (const number of [5, 6, 7]) writer.add(writer.of(number), counter.status2xx, number);
    collector.learn([{ number: 5, of: 'route', name: 'a' }], []);
    collector.learn([{ number: 6, of: 'upstream', name: 'b' }], []);
    const told = collector
      .series()
      .map(({ of, name, counters }) => [of, name, counters[counter.status2xx]]);
    expect(told).toEqual([
      ['route', 'a', 5],
      ['upstream', 'b', 6],
    ]);
    collector.learn([{ number: 7, of: 'route', name: 'c' }], [5]);
    expect(collector.series().map(({ name }) => name)).toEqual(['b', 'c']);
  });
});
