import { secondLevelBodyBytesMax } from '../../base/limits.ts';
import type { CacheToControl, CacheToWorker } from '../../memory/cache/cache-messages.ts';
import { type CacheRecord, entryFlag } from '../../memory/cache/cache-record.ts';
import type { CacheWriter } from '../../memory/cache/cache-writer.ts';
import type { SecondLevelRead } from '../fleet/second-level.ts';
import { recordOf } from './snapshot.ts';

/** What other nodes have, and get. */
export interface OthersResponses {
  /** Offers a response to them. */
  share(record: CacheRecord, body: Uint8Array): void;
  /**
   * What one of them stored under a key, within a deadline; null: nothing of use. `leaseMs`: one node
   * fetches, and another waits so long for what it stores; null: none does.
   */
  readSecondLevel(key: string, leaseMs: number | null): Promise<SecondLevelRead>;
}

export interface SecondLevelLinkParts {
  readonly writer: CacheWriter;
  readonly tell: (worker: number, message: CacheToWorker) => void;
  /** Null: the node is on its own. */
  readonly others: OthersResponses | null;
  /** Of the last bust on this node. */
  readonly position: () => number;
  /** Stores it, unless something with its labels was busted since. True: lookups find it now. */
  readonly take: (record: CacheRecord, body: Uint8Array) => boolean;
}

/** Between this node's cache and the second level: what comes from there, and what goes there. */
export class SecondLevelLink {
  readonly #parts: SecondLevelLinkParts;

  constructor(parts: SecondLevelLinkParts) {
    this.#parts = parts;
  }

  /** A worker misses: what another node has comes into the cache, as if it had been fetched. */
  async ask(
    worker: number,
    { fetch, key, lease, waitMs }: Extract<CacheToControl, { kind: 'cache-ask' }>,
  ): Promise<void> {
    const { others } = this.#parts;
    const position = this.#parts.position();
    const read = (await others?.readSecondLevel(key, lease ? waitMs : null)) ?? null;
    const found = read !== null && this.keep(read.record, read.body, position);
    this.#parts.tell(worker, { kind: 'cache-asked', fetch, found });
  }

  /** Takes in what another node stored; `position` is this node's from before it was read. */
  keep(record: CacheRecord, body: Uint8Array, position: number): boolean {
    return this.#parts.take({ ...record, position }, body);
  }

  /** What is whole, and may be used by others, goes to them. */
  offer(entry: number, position: number): void {
    const { others, writer } = this.#parts;
    if (others === null) return;
    const view = writer.view(entry);
    if (view === null || (view.flags & entryFlag.secondLevel) === 0) return;
    if (view.kind === 'pass' || view.bodyBytes > secondLevelBodyBytesMax) return;
    others.share({ ...recordOf(view), position }, Buffer.concat([...view.bodyPieces()]));
  }

  entries(): IterableIterator<number> {
    return this.#parts.writer.entries();
  }

  /** How much an entry is used that others may use; null: there is no such one. */
  useOf(entry: number): { readonly key: string; readonly uses: number } | null {
    const view = this.#parts.writer.view(entry);
    if (view === null || view.state !== 'live' || view.kind === 'pass') return null;
    return (view.flags & entryFlag.secondLevel) === 0 ? null : { key: view.key(), uses: view.uses };
  }
}
