// Goal: no more calls and bytes are under way than the bounds say. Method: take and free by hand.
import { expect, test } from 'vitest';
import { InFlight } from '../../../src/cluster/in-flight.ts';

test('the call over the count is refused, and taken once another is done', () => {
  const inFlight = new InFlight({ callCountMax: 2, bytesMax: 1000 });
  expect([inFlight.take(1), inFlight.take(1), inFlight.take(1)]).toEqual([true, true, false]);
  expect([inFlight.calls, inFlight.bytes]).toEqual([2, 2]);
  inFlight.free(1);
  expect(inFlight.take(1)).toBe(true);
});

test('bytes fill up to the bound and not past it; a refused call takes nothing', () => {
  const inFlight = new InFlight({ callCountMax: 10, bytesMax: 1000 });
  expect([inFlight.take(600), inFlight.take(401), inFlight.take(400)]).toEqual([true, false, true]);
  expect([inFlight.calls, inFlight.bytes]).toEqual([2, 1000]);
  expect(inFlight.take(1)).toBe(false);
});

test('a call larger than all of it goes alone, so that it is not refused for ever', () => {
  const inFlight = new InFlight({ callCountMax: 10, bytesMax: 1000 });
  inFlight.take(1);
  expect(inFlight.take(5000)).toBe(false);
  inFlight.free(1);
  expect(inFlight.take(5000)).toBe(true);
  expect(inFlight.take(0)).toBe(false);
  inFlight.free(5000);
  expect([inFlight.calls, inFlight.bytes]).toEqual([0, 0]);
});
