import { monotonicMs, sleep } from '../../base/clock.ts';
import { CutoverError } from '../../base/errors.ts';
import { nodeLiveMs } from '../../base/limits.ts';
import type { BytesMap } from '../../cluster/bytes-map.ts';
import { headKey } from '../../cluster/cluster-log.ts';
import type { ItemCodec, LogItem, LogMatter } from '../../cluster/log-item.ts';
import type { Roster } from '../../cluster/roster.ts';
import type { ApplyAsk, FleetRevision, FleetTold, NodeStep } from '../../model/fleet.ts';
import type { ControlEvent } from '../../model/orders.ts';
import { type Head, openHead, sealHead } from './head.ts';

/** An apply whose node lives holds the right to it so long; each later step of it begins anew. */
const applyingMsMax = 30_000;
/** A commit reaches a node within milliseconds; what it has not followed by then it missed. */
const missedMs = 1_000;
const headPollMs = 50;
/** Steps of a node that are kept: of the apply that is under way, and some before. */
const stepCountMax = 8;

export interface AppliesPlan {
  readonly meta: BytesMap;
  readonly contents: BytesMap;
  readonly codec: ItemCodec;
  readonly roster: Roster;
  readonly nodeId: string;
  readonly boot: string;
  /** Into the log, for all nodes. */
  readonly append: (matter: LogMatter) => Promise<number>;
  /** To all nodes, at once. */
  readonly tellNodes: (matter: LogMatter) => Promise<void>;
  readonly tell: (event: ControlEvent) => void;
  /** What this node serves. */
  readonly own: () => { readonly revision: number; readonly hash: string };
}

/**
 * An apply of the whole cluster, seen from one node. Who applies takes the right to it, has every
 * node ready the revision, moves the head by compare-and-set, and tells all to switch:
 *
 *   begin → offer → (each node stages and tells) → commit → (each node switches and tells)
 *
 * The head is the only word on what is to be served: a node that missed an order finds it there.
 */
export class Applies {
  readonly #plan: AppliesPlan;
  /** What stands in the map as this node knows, while it has the right to apply. */
  #held: { readonly bytes: Buffer; readonly head: Head } | null = null;
  #seen: { readonly bytes: Buffer | null; readonly head: Head; readonly sinceMs: number } | null =
    null;
  #behindSinceMs: number | null = null;
  #followedMs = Number.NEGATIVE_INFINITY;
  readonly #steps = new Map<string, NodeStep[]>();
  #offered: ReadonlySet<string> = new Set();
  /** What the last offer of another node holds. */
  #coming: { readonly hash: string; readonly content: Promise<Uint8Array | null> } | null = null;

  constructor(plan: AppliesPlan) {
    this.#plan = plan;
  }

  get headRevision(): number {
    return this.#seen?.head.revision?.revision ?? 0;
  }

  get behindMs(): number {
    return this.#behindSinceMs === null ? 0 : monotonicMs() - this.#behindSinceMs;
  }

  /** Throws a CutoverError: what the cluster could not do, or would not. */
  async ask(ask: ApplyAsk): Promise<FleetTold> {
    switch (ask.ask) {
      case 'begin':
        return { told: 'number', revision: await this.#begin(ask) };
      case 'offer':
        return this.#offer(ask.revision, ask.waitMs);
      case 'commit':
        await this.#commit(ask.revision);
        return { told: 'done' };
      case 'applied':
        return this.#told(ask.revision, ask.waitMs, ['applied', 'rejected']);
      case 'abandon':
        await this.#abandon(ask.revision);
        return { told: 'done' };
      case 'tell':
        await this.#plan.tellNodes({ kind: 'step', step: ask.step });
        return { told: 'done' };
      case 'content':
        return { told: 'content', content: await this.#fetch(ask.hash) };
      case 'head':
        return this.#awaitHead(ask.waitMs);
      default:
        await this.#seed(ask.revision, ask.content);
        return { told: 'done' };
    }
  }

  /** An item of the log that is about applies. */
  follow({ boot, matter }: LogItem): void {
    if (matter.kind !== 'stage' && matter.kind !== 'commit' && matter.kind !== 'abandon') return;
    if (boot === this.#plan.boot) return;
    const { kind: order, revision, waitMs } = matter;
    // On its way before the manager asks for it.
    if (order === 'stage') this.#await(revision.hash);
    // So that an apply through this node can begin from it.
    if (order === 'commit') void this.#lookAnew().catch(() => {});
    this.#plan.tell({ kind: 'follow', order, revision, waitMs });
  }

  /** What another node tells of how it followed. */
  hear({ node, matter }: LogItem): void {
    // Of an apply of this node: nobody else waits for what they tell.
    if (matter.kind !== 'step' || !this.#offered.has(node)) return;
    this.#steps.set(node, [...(this.#steps.get(node) ?? []), matter.step].slice(-stepCountMax));
  }

  /** What the map says, each time that the log is looked at. */
  look(bytes: Buffer | null): void {
    const head = openHead(this.#plan.codec, bytes);
    if (head === null) return;
    const nowMs = monotonicMs();
    this.#see(bytes, head);
    const own = this.#plan.own();
    if (head.revision?.revision === own.revision && head.revision.hash === own.hash) {
      this.#behindSinceMs = null;
      return;
    }
    if (head.revision === null && own.revision === 0) return;
    this.#behindSinceMs ??= nowMs;
    if (nowMs - this.#behindSinceMs < missedMs || nowMs - this.#followedMs < missedMs) return;
    this.#followedMs = nowMs;
    this.#plan.tell({ kind: 'follow', order: 'head', revision: head.revision, waitMs: 30_000 });
  }

  async #lookAnew(): Promise<void> {
    const bytes = await this.#plan.meta.get(headKey);
    const head = openHead(this.#plan.codec, bytes);
    if (head !== null) this.#see(bytes, head);
  }

  #see(bytes: Buffer | null, head: Head): void {
    if (this.#seen !== null && sameBytes(this.#seen.bytes, bytes)) return;
    this.#seen = { bytes, head, sinceMs: monotonicMs() };
  }

  async #begin(ask: BeginAsk): Promise<number> {
    const stored = this.#store(ask.hash, ask.content);
    const [revision] = await Promise.all([this.#takeRight(ask), stored]);
    return revision;
  }

  /** From the head as it was seen last, which spares a call; from what is there, where that fails. */
  async #takeRight(ask: BeginAsk): Promise<number> {
    const seen = this.#seen;
    if (seen !== null && this.#refusal(ask, seen) === null) {
      const revision = await this.#tryRight(ask, seen);
      if (revision !== null) return revision;
    }
    const bytes = await this.#plan.meta.get(headKey);
    const there = { bytes, head: this.#opened(bytes) };
    const refusal = this.#refusal(ask, there);
    if (refusal !== null) throw refusal;
    const revision = await this.#tryRight(ask, there);
    if (revision === null) throw this.#lostRace();
    return revision;
  }

  /** Null: something else stands there. */
  async #tryRight({ numberMin }: BeginAsk, { bytes, head }: SealedHead): Promise<number | null> {
    const { nodeId, boot } = this.#plan;
    const revision = Math.max(head.last + 1, numberMin);
    const next = { ...head, last: revision, applying: { node: nodeId, boot, revision } };
    return (await this.#replace(bytes, next)) ? revision : null;
  }

  /** Null: it may begin on top of that. */
  #refusal({ parent }: BeginAsk, { bytes, head }: SealedHead): CutoverError | null {
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

  async #offer(revision: FleetRevision, waitMs: number): Promise<FleetTold> {
    this.#steps.clear();
    // One that serves nothing yet starts: it follows the head before it is ready.
    const serving = this.#plan.roster.live().filter((node) => node.revision > 0);
    this.#offered = new Set(serving.map(({ id }) => id));
    if (this.#offered.size === 0) return { told: 'steps', nodes: [], late: [] };
    await this.#plan.append({ kind: 'stage', revision, waitMs });
    return this.#told(revision.revision, waitMs, ['staged', 'rejected']);
  }

  async #commit(revision: FleetRevision): Promise<void> {
    const held = this.#held;
    if (held === null) throw this.#lostRace();
    const next: Head = { revision, last: held.head.last, applying: null };
    if (!(await this.#replace(held.bytes, next))) throw this.#lostRace();
    this.#held = null;
    if (this.#offered.size === 0) return;
    // Who does not hear of it finds the head. This node need not wait for that before it switches.
    void this.#plan.append({ kind: 'commit', revision, waitMs: 0 }).catch(() => {});
  }

  async #abandon(revision: FleetRevision): Promise<void> {
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    // When the cluster cannot be told, the right to apply runs out by itself.
    await this.#replace(held.bytes, { ...held.head, applying: null }).catch(() => false);
    this.#held = null;
    if (this.#offered.size === 0) return;
    await this.#plan.append({ kind: 'abandon', revision, waitMs: 0 }).catch(() => {});
  }

  async #told(
    revision: number,
    waitMs: number,
    outcomes: readonly NodeStep['outcome'][],
  ): Promise<FleetTold> {
    const { done, late } = await this.#plan.roster.all(
      waitMs,
      ({ id }) =>
        this.#steps
          .get(id)
          ?.findLast((step) => step.revision === revision && outcomes.includes(step.outcome)),
      (id) => this.#offered.has(id),
    );
    return { told: 'steps', nodes: [...done].map(([id, { told }]) => ({ ...told, id })), late };
  }

  #await(hash: string): void {
    const content = this.#content(hash);
    content.catch(() => {});
    this.#coming = { hash, content };
  }

  /** From what is on its way, once; where that failed, anew. */
  async #fetch(hash: string): Promise<Uint8Array | null> {
    const coming = this.#coming;
    if (coming?.hash !== hash) return this.#content(hash);
    this.#coming = null;
    return (await coming.content.catch(() => null)) ?? this.#content(hash);
  }

  async #content(hash: string): Promise<Uint8Array | null> {
    const bytes = await this.#plan.contents.get(hash);
    const content = bytes === null ? 'unsigned' : this.#plan.codec.open(bytes);
    return typeof content === 'string' ? null : content;
  }

  #store(hash: string, content: Uint8Array): Promise<void> {
    return this.#plan.contents.set(hash, this.#plan.codec.seal(content));
  }

  async #awaitHead(waitMs: number): Promise<FleetTold> {
    const untilMs = monotonicMs() + waitMs;
    while (this.#seen === null && monotonicMs() < untilMs) await sleep(headPollMs);
    const reached = this.#seen !== null;
    return { told: 'head', reached, revision: this.#seen?.head.revision ?? null };
  }

  async #seed(revision: FleetRevision, content: Uint8Array): Promise<void> {
    const [bytes] = await Promise.all([
      this.#plan.meta.get(headKey),
      this.#store(revision.hash, content),
    ]);
    const head = this.#opened(bytes);
    if ((head.revision?.revision ?? 0) >= revision.revision) return;
    const last = Math.max(head.last, revision.revision);
    await this.#replace(bytes, { revision, last, applying: null });
    this.#held = null;
  }

  /** True: it stands there now. Where the outcome is not known, it is looked at. */
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
      const there = await meta.get(headKey);
      if (there === null || !there.equals(bytes)) throw error;
    }
    this.#held = { bytes, head };
    this.#see(bytes, head);
    return true;
  }

  #opened(bytes: Buffer | null): Head {
    const head = openHead(this.#plan.codec, bytes);
    if (head !== null) return head;
    const message =
      'what the cluster has as its head is not by the key of this node: give all nodes the same cluster.key';
    throw new CutoverError('cluster-key', message, { source: 'operator' });
  }

  #lostRace(): CutoverError {
    const message = 'another node applied meanwhile; apply again on top of that';
    return new CutoverError('apply-in-progress', message, { source: 'operator' });
  }
}

type BeginAsk = Extract<ApplyAsk, { ask: 'begin' }>;

interface SealedHead {
  readonly bytes: Buffer | null;
  readonly head: Head;
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
