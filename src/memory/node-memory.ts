import { type ControlWords, createControlBlock } from './control-block.ts';
import { createLedgers, type LedgerFloats } from './ledger.ts';
import { createSeries, type SeriesWords } from './series.ts';

/** All shared memory of a node, made by main and given to every thread in its start message. */
export interface NodeMemory {
  readonly control: ControlWords;
  readonly ledgers: LedgerFloats;
  readonly series: SeriesWords;
  readonly workerCount: number;
}

export function createNodeMemory(workerCount: number): NodeMemory {
  return {
    control: createControlBlock(workerCount),
    ledgers: createLedgers(workerCount),
    series: createSeries(workerCount),
    workerCount,
  };
}
