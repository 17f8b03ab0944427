// Goal: each revision has its own counts, though rollbacks use one generation for several. Method:
// ledgers of one generation as it goes on counting.
import { expect, test } from 'vitest';
import { RevisionLedgers } from '../../../src/manager/revision-ledgers.ts';
import { isBalanced } from '../../../src/memory/ledger.ts';
import type { Ledger } from '../../../src/model/orders.ts';

function ledger(counts: Partial<Ledger>): Ledger {
  const none = { accepted: 0, completed: 0, aborted: 0, refused: 0, failed: 0 };
  return { ...none, refusedBy: {}, failedBy: {}, ...counts };
}

const first = ledger({ accepted: 5, completed: 3, refused: 1, refusedBy: { door: 1 } });
const second = ledger({
  accepted: 9,
  completed: 5,
  refused: 2,
  failed: 2,
  refusedBy: { door: 1, limit: 1 },
  failedBy: { reset: 2 },
});

test('a generation of one revision has its counts', () => {
  const ledgers = new RevisionLedgers();
  expect(ledgers.own(1, first)).toEqual(first);
  expect(ledgers.retired(1, first)).toEqual(first);
});

test('what was counted before a rollback stays with the earlier revision', () => {
  const ledgers = new RevisionLedgers();
  const before = ledgers.reused(1, first);
  expect(before).toEqual({ ...first, accepted: 4 });
  const after = ledgers.retired(1, second);
  expect(after).toEqual(
    ledger({
      accepted: 5,
      completed: 2,
      refused: 1,
      failed: 2,
      refusedBy: { limit: 1 },
      failedBy: { reset: 2 },
    }),
  );
  expect([before, after].map((one) => isBalanced(one))).toEqual([true, true]);
});

test('the sum over three revisions is the ledger of the generation', () => {
  const ledgers = new RevisionLedgers();
  const third = ledger({ ...second, accepted: 20, completed: 16 });
  const each = [ledgers.reused(1, first), ledgers.reused(1, second), ledgers.own(1, third)];
  for (const key of ['accepted', 'completed', 'refused', 'failed'] as const) {
    expect(each.reduce((sum, one) => sum + one[key], 0)).toBe(third[key]);
  }
  expect(ledgers.own(2, third)).toEqual(third);
});

test('a ledger that does not add up shows it in the last revision', () => {
  const ledgers = new RevisionLedgers();
  expect(isBalanced(ledgers.reused(1, first))).toBe(true);
  expect(isBalanced(ledgers.retired(1, { ...second, accepted: 10 }))).toBe(false);
});
