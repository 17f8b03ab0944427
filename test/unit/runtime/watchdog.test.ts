// Goal: a thread that is stuck is told of once, and no other is. Method: heartbeats and a clock in hand.
import { expect, test } from 'vitest';
import { Watchdog } from '../../../src/runtime/watchdog.ts';

const wedgedMs = 1_000;

function setUp() {
  const beats = [0, 0];
  const told: [number, number][] = [];
  let nowMs = 5_000;
  const dog = new Watchdog(
    (index) => beats[index] as number,
    wedgedMs,
    (index, silentMs) => told.push([index, silentMs]),
  );
  /** Time passes in looks, during which the threads `alive` beat. */
  const pass = (ms: number, ...alive: number[]): void => {
    for (let passed = 0; passed < ms; passed += Watchdog.periodMs) {
      for (const index of alive) beats[index] = (beats[index] as number) + 1;
      nowMs += Watchdog.periodMs;
      dog.look(nowMs);
    }
  };
  return { dog, told, pass, watch: (index: number) => dog.watch(index, nowMs) };
}

test('a thread that beats is left alone, one that does not is told of once', () => {
  const { told, pass, watch } = setUp();
  watch(0);
  watch(1);
  pass(10 * wedgedMs, 0);
  expect(told).toEqual([[1, wedgedMs]]);
});

test('a thread that is forgotten is not told of', () => {
  const { dog, told, pass, watch } = setUp();
  watch(0);
  pass(wedgedMs / 2);
  dog.forget(0);
  pass(2 * wedgedMs);
  expect(told).toEqual([]);
});

test('a thread is watched anew after its successor came', () => {
  const { told, pass, watch } = setUp();
  watch(0);
  pass(2 * wedgedMs);
  watch(0);
  pass(2 * wedgedMs);
  expect(told).toHaveLength(2);
});

test('silence while the watcher itself was stopped proves nothing', () => {
  const { dog, told, watch } = setUp();
  dog.look(5_000);
  watch(0);
  dog.look(5_000 + 10 * wedgedMs);
  expect(told).toEqual([]);
  dog.look(5_000 + 10 * wedgedMs + Watchdog.periodMs);
  expect(told).toEqual([]);
});
