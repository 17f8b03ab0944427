import { monotonicMs } from '../../base/clock.ts';
import { CutoverError } from '../../base/errors.ts';
import { nodeLiveMs } from '../../base/limits.ts';
import type { BytesMap } from '../../cluster/bytes-map.ts';
import { headKey } from '../../cluster/cluster-log.ts';
import type { ItemCodec } from '../../cluster/log-item.ts';
import type { Roster } from '../../cluster/roster.ts';
import type { FleetRevision } from '../../model/fleet.ts';
import { type Head, openHead, sealHead } from './head.ts';

/** An apply whose node lives holds the right to it so long; each later step of it begins anew. */
const applyingMsMax = 30_000;
/** What so many of the newest revisions hold stays in the cluster. */
const contentKeptCount = 16;

export interface ClusterHeadPlan {
  readonly meta: Pick<BytesMap, 'get' | 'putIfAbsent' | 'replace'>;
  readonly codec: ItemCodec;
  readonly roster: Pick<Roster, 'live'>;
  readonly nodeId: string;
  readonly boot: string;
}

/** What an apply wants to begin on top of, and with. */
export interface Beginning {
  readonly parent: number;
  readonly numberMin: number;
  readonly hash: string;
}

interface SealedHead {
  readonly bytes: Buffer | null;
  readonly head: Head;
}

/** The head as this node sees and changes it: one value of the cluster, by compare-and-set alone. */
export class ClusterHead {
  readonly #plan: ClusterHeadPlan;
  /** What stands there as this node knows, while it has the right to apply. */
  #held: SealedHead | null = null;
  #seen: (SealedHead & { readonly sinceMs: number }) | null = null;

  constructor(plan: ClusterHeadPlan) {
    this.#plan = plan;
  }

  /** As it was seen last; null: not yet. */
  get seen(): Head | null {
    return this.#seen?.head ?? null;
  }

  /** What stands there was read; null: it is not by this cluster's key. */
  see(bytes: Buffer | null): Head | null {
    const head = openHead(this.#plan.codec, bytes);
    if (head !== null) this.#saw({ bytes, head });
    return head;
  }

  async look(): Promise<void> {
    this.see(await this.#plan.meta.get(headKey));
  }

  /**
   * Takes the right to apply; resolves to the number of the revision. From the head as it was seen
   * last, which spares a call; from what is there, where that fails.
   */
  async begin(beginning: Beginning): Promise<number> {
    const seen = this.#seen;
    if (seen !== null && this.#refusal(beginning, seen) === null) {
      const revision = await this.#take(beginning, seen);
      if (revision !== null) return revision;
    }
    const there = await this.#read();
    const refusal = this.#refusal(beginning, there);
    if (refusal !== null) throw refusal;
    const revision = await this.#take(beginning, there);
    if (revision === null) throw lostRace();
    return revision;
  }

  /** It is what all serve. Resolves to the hashes of what need not stay in the cluster any more. */
  async commit(revision: FleetRevision): Promise<readonly string[]> {
    const held = this.#held;
    if (held === null) throw lostRace();
    const { head, dropped } = over({ ...held.head, revision });
    if (!(await this.#replace(held.bytes, head))) throw lostRace();
    this.#held = null;
    return dropped;
  }

  /** The same without a new head. When the cluster cannot be told, the right runs out by itself. */
  async abandon(): Promise<readonly string[]> {
    const held = this.#held;
    this.#held = null;
    if (held === null) return [];
    const { head, dropped } = over(held.head);
    const done = await this.#replace(held.bytes, head).catch(() => false);
    this.#held = null;
    return done ? dropped : [];
  }

  /** It is what all serve, unless a later one is. */
  async seed(revision: FleetRevision): Promise<void> {
    const { bytes, head } = await this.#read();
    if ((head.revision?.revision ?? 0) >= revision.revision) return;
    const last = Math.max(head.last, revision.revision);
    const contents = withHash(head, revision.hash);
    await this.#replace(bytes, { revision, last, applying: null, contents });
    this.#held = null;
  }

  #saw(sealed: SealedHead): void {
    if (this.#seen !== null && sameBytes(this.#seen.bytes, sealed.bytes)) return;
    this.#seen = { ...sealed, sinceMs: monotonicMs() };
  }

  async #read(): Promise<SealedHead> {
    const { meta, codec } = this.#plan;
    const bytes = await meta.get(headKey);
    const head = openHead(codec, bytes);
    if (head !== null) return { bytes, head };
    const message =
      'what the cluster has as its head is not by the key of this node: give all nodes the same cluster.key';
    throw new CutoverError('cluster-key', message, { source: 'operator' });
  }

  /** Null: something else stands there. */
  async #take({ numberMin, hash }: Beginning, { bytes, head }: SealedHead): Promise<number | null> {
    const { nodeId, boot } = this.#plan;
    const revision = Math.max(head.last + 1, numberMin);
    const applying = { node: nodeId, boot, revision };
    const next = { ...head, last: revision, applying, contents: withHash(head, hash) };
    return (await this.#replace(bytes, next)) ? revision : null;
  }

  /** Null: it may begin on top of that. */
  #refusal({ parent }: Beginning, { bytes, head }: SealedHead): CutoverError | null {
    const its = head.revision?.revision ?? 0;
    if (its !== parent) {
      const message = `this node serves revision ${parent}, and the cluster has ${its}; apply again when it has followed`;
      return new CutoverError('apply-behind', message, { source: 'cluster', retry: 'safe' });
    }
    if (head.applying === null || !this.#holds(head, bytes)) return null;
    const { node, revision } = head.applying;
    const message = `revision ${revision} is being applied by ${node}; apply again when it is done`;
    const context = { revision, node };
    return new CutoverError('apply-in-progress', message, { source: 'operator', context });
  }

  /** Whether somebody who applies is to be waited for: it lives, or may, and was not silent too long. */
  #holds({ applying }: Head, bytes: Buffer | null): boolean {
    if (applying === null || applying.boot === this.#plan.boot) return false;
    const seen = this.#seen;
    const unchangedMs =
      seen !== null && sameBytes(seen.bytes, bytes) ? monotonicMs() - seen.sinceMs : 0;
    const live = this.#plan.roster.live().some(({ id }) => id === applying.node);
    return unchangedMs < (live ? applyingMsMax : nodeLiveMs);
  }

  /** True: it stands there now. Where the outcome is not known, it is looked at; rejects as it stays so. */
  async #replace(was: Buffer | null, head: Head): Promise<boolean> {
    const { meta, codec } = this.#plan;
    const bytes = sealHead(codec, head);
    try {
      const done =
        was === null
          ? (await meta.putIfAbsent(headKey, bytes)) === null
          : await meta.replace(headKey, was, bytes);
      if (!done) return false;
    } catch (error) {
      const there = await meta.get(headKey).catch(() => null);
      if (there === null || !there.equals(bytes)) throw error;
    }
    this.#held = { bytes, head };
    this.#saw({ bytes, head });
    return true;
  }
}

/** Nobody applies; what only older revisions hold is dropped, and never what the head does. */
function over(was: Head): { readonly head: Head; readonly dropped: readonly string[] } {
  const { contents = [], revision } = was;
  const isKept = (hash: string, index: number) =>
    index < contentKeptCount || hash === revision?.hash;
  const dropped = contents.filter((hash, index) => !isKept(hash, index));
  return { head: { ...was, applying: null, contents: contents.filter(isKept) }, dropped };
}

/** Newest first, each once. */
function withHash({ contents = [] }: Head, hash: string): readonly string[] {
  return [hash, ...contents.filter((one) => one !== hash)];
}

function lostRace(): CutoverError {
  const message = 'another node applied meanwhile; apply again on top of that';
  return new CutoverError('apply-in-progress', message, { source: 'operator' });
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
