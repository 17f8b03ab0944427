// Goal: what was being fetched when it was busted is known by its position. Method: busts and
// questions in order, past the bound too.
import { describe, expect, test } from 'vitest';
import { BustMemory } from '../../../../src/control/cache/bust-memory.ts';

describe('bust memory', () => {
  test('a fetch that began before a bust of one of its labels was busted; a later one was not', () => {
    const busts = new BustMemory(10, 0);
    busts.note('t:a', 5);
    expect(busts.bustedSince(['t:b', 't:a'], 4)).toBe(true);
    expect(busts.bustedSince(['t:b', 't:a'], 5)).toBe(false);
    expect(busts.bustedSince(['t:b'], 1)).toBe(false);
  });

  test('the last bust of a label counts', () => {
    const busts = new BustMemory(10, 0);
    busts.note('t:a', 5);
    busts.note('t:a', 9);
    expect(busts.bustedSince(['t:a'], 8)).toBe(true);
  });

  test('a bust of everything is one of every label', () => {
    const busts = new BustMemory(10, 0);
    busts.noteAll(7);
    expect([busts.bustedSince(['t:a'], 6), busts.bustedSince(['t:a'], 7)]).toEqual([true, false]);
  });

  test('what began before the memory did is taken for busted', () => {
    expect(new BustMemory(10, 3).bustedSince([], 2)).toBe(true);
  });

  test('a label that is forgotten leaves its position as the floor for all', () => {
    const busts = new BustMemory(2, 0);
    busts.note('t:a', 1);
    busts.note('t:b', 2);
    busts.note('t:a', 3);
    busts.note('t:c', 4);
    expect(busts.bustedSince(['t:other'], 1)).toBe(true);
    expect(busts.bustedSince(['t:other'], 2)).toBe(false);
    expect(busts.bustedSince(['t:a'], 2)).toBe(true);
  });
});
