// Goal: the ledger adds up over workers, by slot and reason. Method: write a few, read the sums.
import { expect, test } from 'vitest';
import { generationSlotCount } from '../../../src/base/limits.ts';
import {
  createLedgers,
  failedReasons,
  isBalanced,
  LedgerWriter,
  readLedger,
  refusedReasons,
} from '../../../src/memory/ledger.ts';

const nothing = {
  accepted: 0,
  completed: 0,
  aborted: 0,
  refused: 0,
  failed: 0,
  refusedBy: {},
  failedBy: {},
};

function ledger() {
  const floats = createLedgers(2);
  return {
    floats,
    workers: [0, 1].map((worker) => new LedgerWriter(floats, worker)) as [
      LedgerWriter,
      LedgerWriter,
    ],
  };
}

test('a fresh ledger is empty and balanced', () => {
  const { floats } = ledger();
  expect(readLedger(floats, 2, 0)).toEqual(nothing);
  expect(isBalanced(readLedger(floats, 2, 0))).toBe(true);
});

test('counts are summed over workers, each slot for itself', () => {
  const { floats, workers } = ledger();
  const [a, b] = workers;
  a.accepted(1);
  a.accepted(1);
  a.completed(1);
  a.refused(1, 'no-route');
  b.accepted(1);
  b.failed(1, 'connect');
  b.accepted(2);
  b.aborted(2);
  expect(readLedger(floats, 2, 1)).toEqual({
    ...nothing,
    accepted: 3,
    completed: 1,
    refused: 1,
    failed: 1,
    refusedBy: { 'no-route': 1 },
    failedBy: { connect: 1 },
  });
  expect(readLedger(floats, 2, 2)).toEqual({ ...nothing, accepted: 1, aborted: 1 });
  expect(readLedger(floats, 1, 2)).toEqual(nothing);
});

test('each reason has a place of its own', () => {
  const { floats, workers } = ledger();
  for (const [index, reason] of refusedReasons.entries()) {
    for (let count = 0; count <= index; count++) workers[0].refused(0, reason);
  }
  for (const [index, reason] of failedReasons.entries()) workers[0].failed(0, reason, 100 + index);
  const { refusedBy, failedBy, accepted, completed, aborted } = readLedger(floats, 2, 0);
  expect(refusedBy).toEqual(
    Object.fromEntries(refusedReasons.map((one, index) => [one, index + 1])),
  );
  expect(failedBy).toEqual(
    Object.fromEntries(failedReasons.map((one, index) => [one, index + 100])),
  );
  expect([accepted, completed, aborted]).toEqual([0, 0, 0]);
});

test('the last worker’s last slot and reason do not run over', () => {
  const { floats, workers } = ledger();
  workers[0].failed(generationSlotCount - 1, 'worker-lost', 3);
  expect(readLedger(floats, 2, generationSlotCount - 1).failedBy).toEqual({ 'worker-lost': 3 });
  for (let slot = 0; slot < generationSlotCount - 1; slot++) {
    expect(readLedger(floats, 2, slot)).toEqual(nothing);
  }
  expect(() => workers[0].accepted(generationSlotCount)).toThrow('lies in the ledgers');
});

test('a new generation clears one slot of one worker', () => {
  const { floats, workers } = ledger();
  for (const worker of workers) for (const slot of [0, 1, 2]) worker.refused(slot, 'door');
  workers[0].attach(1, 7);
  expect([0, 1, 2].map((slot) => readLedger(floats, 2, slot).refused)).toEqual([2, 1, 2]);
});

test('a generation that is attached again keeps what was counted', () => {
  const { floats, workers } = ledger();
  workers[0].attach(1, 7);
  workers[0].failed(1, 'worker-lost', 2);
  new LedgerWriter(floats, 0).attach(1, 7);
  expect(readLedger(floats, 2, 1).failed).toBe(2);
});

test('what a worker counted for an earlier generation is not counted for the next', () => {
  const { floats, workers } = ledger();
  for (const worker of workers) {
    worker.attach(1, 7);
    worker.refused(1, 'door');
  }
  workers[0].attach(1, 8);
  workers[0].accepted(1);
  expect(readLedger(floats, 2, 1, 8)).toEqual({ ...nothing, accepted: 1 });
});

test.each([
  [{ accepted: 4, completed: 1, aborted: 1, refused: 1, failed: 1 }, true],
  [{ accepted: 5, completed: 1, aborted: 1, refused: 1, failed: 1 }, false],
  [{ accepted: 3, completed: 1, aborted: 1, refused: 1, failed: 1 }, false],
])('%j is balanced: %s', (counts, balanced) => {
  expect(isBalanced({ ...nothing, ...counts })).toBe(balanced);
});
