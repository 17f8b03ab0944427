// Goal: what dies is back at once, and what dies at once does not eat the machine. Method: births
// and deaths with a clock of the test's own.
import { describe, expect, test } from 'vitest';
import { Respawns } from '../../../src/runtime/respawns.ts';

/** Milliseconds between starts of a thread that lives so long each time. */
function startsApart(livedMs: number, deaths: number): number[] {
  const respawns = new Respawns();
  let nowMs = 5_000;
  return Array.from({ length: deaths }, () => {
    const bornMs = nowMs;
    respawns.born(0, bornMs);
    nowMs += livedMs;
    nowMs += respawns.delayMs(0, nowMs);
    return nowMs - bornMs;
  });
}

describe('the successor of a thread', () => {
  test('that lived long is started at once, however often', () => {
    expect(startsApart(30_000, 10)).toEqual(Array(10).fill(30_000));
  });

  test('that lived for a second is started at once, too', () => {
    expect(startsApart(1_000, 10)).toEqual(Array(10).fill(1_000));
  });

  test('that dies at its start comes later each time, up to a second', () => {
    expect(startsApart(50, 7)).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
  });

  test('that lived for a while waits for the rest of the time alone', () => {
    expect(startsApart(300, 6)).toEqual([300, 300, 400, 800, 1_000, 1_000]);
  });

  test('that lived long ends the row of early deaths', () => {
    const respawns = new Respawns();
    for (const bornMs of [0, 10, 20]) {
      respawns.born(0, bornMs);
      respawns.delayMs(0, bornMs);
    }
    respawns.born(0, 100);
    expect(respawns.delayMs(0, 40_000)).toBe(0);
    respawns.born(0, 40_000);
    expect(respawns.delayMs(0, 40_000)).toBe(100);
  });

  test('waits for the deaths of its own thread alone', () => {
    const respawns = new Respawns();
    for (const thread of [0, 0, 0, 1]) {
      respawns.born(thread, 0);
      if (thread === 0) respawns.delayMs(thread, 0);
    }
    expect([respawns.delayMs(0, 0), respawns.delayMs(1, 0)]).toEqual([800, 100]);
  });
});
