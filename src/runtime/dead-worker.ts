import { generationSlotCount } from '../base/limits.ts';
import { clearDeadCacheReader } from '../memory/cache/cache-memory.ts';
import type { ControlBlock } from '../memory/control-block.ts';
import { LedgerWriter } from '../memory/ledger.ts';
import type { NodeMemory } from '../memory/node-memory.ts';
import { clearDeadLimitLocks } from '../memory/rate-limits/limit-layout.ts';

/**
 * Clears up after a worker whose thread has ended, and returns how many exchanges it took along.
 * The ledger learns of them before the pins go: control retires a slot, with its final counts, as
 * soon as nobody pins it.
 */
export function clearUpAfter(seat: number, memory: NodeMemory, block: ControlBlock): number {
  const ledger = new LedgerWriter(memory.ledgers, seat);
  let lost = 0;
  for (let slot = 0; slot < generationSlotCount; slot++) {
    const count = block.pins(seat, slot);
    if (count > 0) ledger.failed(slot, 'worker-lost', count);
    lost += count;
  }
  block.clearDeadWorker(seat);
  clearDeadLimitLocks(memory.rateLimits, seat);
  if (memory.cache !== null) clearDeadCacheReader(memory.cache, seat);
  return lost;
}
