import type { Ledger } from '../model/orders.ts';

/**
 * What each revision has counted, out of the ledgers of generations: one that a rollback uses again
 * goes on counting, and what it had until then is its earlier revision's. An exchange that runs
 * through the change is in the books of the revision under which it ends, so each of these ledgers
 * is equal on both sides when that of the generation is, and their sum is that of the generation.
 */
export class RevisionLedgers {
  /** By generation: what its earlier revisions have of its ledger. */
  readonly #earlier = new Map<number, Ledger>();

  /** It goes on under another revision; returns what is left to the one before. */
  reused(generation: number, ledger: Ledger): Ledger {
    const ended = endedOf(ledger);
    const own = this.own(generation, ended);
    this.#earlier.set(generation, ended);
    return own;
  }

  /** Of the generation's ledger, what its newest revision has. */
  own(generation: number, ledger: Ledger): Ledger {
    const earlier = this.#earlier.get(generation);
    return earlier === undefined ? ledger : less(ledger, earlier);
  }

  /** The generation is no more; returns what its newest revision had. */
  retired(generation: number, ledger: Ledger): Ledger {
    const own = this.own(generation, ledger);
    this.#earlier.delete(generation);
    return own;
  }
}

/** Without what still runs. */
function endedOf(ledger: Ledger): Ledger {
  const { completed, aborted, refused, failed } = ledger;
  return { ...ledger, accepted: completed + aborted + refused + failed };
}

function less(ledger: Ledger, earlier: Ledger): Ledger {
  return {
    accepted: ledger.accepted - earlier.accepted,
    completed: ledger.completed - earlier.completed,
    aborted: ledger.aborted - earlier.aborted,
    refused: ledger.refused - earlier.refused,
    failed: ledger.failed - earlier.failed,
    refusedBy: lessBy(ledger.refusedBy, earlier.refusedBy),
    failedBy: lessBy(ledger.failedBy, earlier.failedBy),
  };
}

function lessBy(counts: Ledger['failedBy'], earlier: Ledger['failedBy']): Ledger['failedBy'] {
  const left = Object.entries(counts).map(([reason, count]) => {
    return [reason, count - (earlier[reason] ?? 0)] as const;
  });
  return Object.fromEntries(left.filter(([, count]) => count > 0));
}
