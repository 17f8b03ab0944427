import { monotonicMs, sleep } from '../../base/clock.ts';
import type { BytesMap } from '../../cluster/bytes-map.ts';
import type { LogItem, LogMatter } from '../../cluster/log-item.ts';
import type { Roster } from '../../cluster/roster.ts';
import type { ApplyAsk, FleetRevision, FleetTold, NodeStep } from '../../model/fleet.ts';
import type { ControlEvent } from '../../model/orders.ts';
import { ClusterHead, type ClusterHeadPlan } from './cluster-head.ts';

/** A commit reaches a node within milliseconds; what it has not followed by then it missed. */
const missedMs = 1_000;
const headPollMs = 50;
/** What an offer holds comes with it, or a moment later. */
const contentWaitMs = 500;
const contentPollMs = 5;
/** Steps of a node that are kept: of the apply that is under way, and some before. */
const stepCountMax = 8;

export interface AppliesPlan extends ClusterHeadPlan {
  readonly roster: Roster;
  readonly contents: BytesMap;
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
  readonly #head: ClusterHead;
  /** What is stored when it is offered. */
  #begun: { readonly hash: string; readonly content: Uint8Array } | null = null;
  #behindSinceMs: number | null = null;
  #followedMs = Number.NEGATIVE_INFINITY;
  readonly #steps = new Map<string, NodeStep[]>();
  #offered: ReadonlySet<string> = new Set();
  /** Orders of other nodes reach the manager in their order. */
  #following: Promise<void> = Promise.resolve();

  constructor(plan: AppliesPlan) {
    this.#plan = plan;
    this.#head = new ClusterHead(plan);
  }

  get headRevision(): number {
    return this.#head.seen?.revision?.revision ?? 0;
  }

  get behindMs(): number {
    return this.#behindSinceMs === null || this.#servesHead()
      ? 0
      : monotonicMs() - this.#behindSinceMs;
  }

  /** Throws a CutoverError: what the cluster could not do, or would not. */
  async ask(ask: ApplyAsk): Promise<FleetTold> {
    switch (ask.ask) {
      case 'begin':
        this.#begun = { hash: ask.hash, content: ask.content };
        return { told: 'number', revision: await this.#head.begin(ask) };
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
        return { told: 'content', content: await this.#content(ask.hash, 0) };
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
    const content =
      order === 'stage' ? this.#content(revision.hash, contentWaitMs).catch(() => null) : null;
    // So that an apply through this node can begin from it.
    if (order === 'commit') void this.#head.look().catch(() => {});
    this.#following = this.#following.then(async () => {
      this.#plan.tell({ kind: 'follow', order, revision, waitMs, content: await content });
    });
  }

  /** What another node tells of how it followed. */
  hear({ node, matter }: LogItem): void {
    // Of an apply of this node: nobody else waits for what they tell.
    if (matter.kind !== 'step' || !this.#offered.has(node)) return;
    this.#steps.set(node, [...(this.#steps.get(node) ?? []), matter.step].slice(-stepCountMax));
  }

  /** What the map says, each time that the log is looked at. */
  look(bytes: Buffer | null): void {
    const head = this.#head.see(bytes);
    if (head === null) return;
    const nowMs = monotonicMs();
    if (this.#servesHead()) {
      this.#behindSinceMs = null;
      return;
    }
    if (head.revision === null && this.#plan.own().revision === 0) return;
    this.#behindSinceMs ??= nowMs;
    if (nowMs - this.#behindSinceMs < missedMs || nowMs - this.#followedMs < missedMs) return;
    this.#followedMs = nowMs;
    const { revision } = head;
    this.#plan.tell({ kind: 'follow', order: 'head', revision, waitMs: 30_000, content: null });
  }

  #servesHead(): boolean {
    const head = this.#head.seen?.revision;
    const own = this.#plan.own();
    return head?.revision === own.revision && head.hash === own.hash;
  }

  async #offer(revision: FleetRevision, waitMs: number): Promise<FleetTold> {
    const begun = this.#begun;
    this.#begun = null;
    // In its time, as what was begun with may stay in the cluster only where the head says so.
    const stored = begun === null ? null : this.#store(begun.hash, begun.content);
    this.#steps.clear();
    // One that serves nothing yet starts: it follows the head before it is ready.
    const serving = this.#plan.roster.live().filter((node) => node.revision > 0);
    this.#offered = new Set(serving.map(({ id }) => id));
    const offered = this.#offered.size > 0;
    await Promise.all([
      stored,
      offered ? this.#plan.append({ kind: 'stage', revision, waitMs }) : null,
    ]);
    if (!offered) return { told: 'steps', nodes: [], late: [] };
    return this.#told(revision.revision, waitMs, ['staged', 'rejected']);
  }

  async #commit(revision: FleetRevision): Promise<void> {
    this.#drop(await this.#head.commit(revision));
    // Also where nobody was offered it: one may have come meanwhile. Who does not hear of it finds
    // the head, and this node need not wait for that before it switches.
    void this.#plan.append({ kind: 'commit', revision, waitMs: 0 }).catch(() => {});
  }

  async #abandon(revision: FleetRevision): Promise<void> {
    this.#begun = null;
    this.#drop(await this.#head.abandon());
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
    // Silent ones that are taken for dead meanwhile are named too; who left is not waited for.
    const there = this.#plan.roster.nodes().map(({ id }) => id);
    const silent = there.filter((id) => this.#offered.has(id) && !done.has(id));
    const nodes = [...done].map(([id, { told }]) => ({ ...told, id }));
    return { told: 'steps', nodes, late: [...new Set([...late, ...silent])] };
  }

  /** What stays behind where this fails is small, and harms nobody. */
  #drop(hashes: readonly string[]): void {
    for (const hash of hashes) void this.#plan.contents.delete(hash).catch(() => {});
  }

  async #content(hash: string, waitMs: number): Promise<Uint8Array | null> {
    const untilMs = monotonicMs() + waitMs;
    for (;;) {
      const bytes = await this.#plan.contents.get(hash);
      const content = bytes === null ? 'unsigned' : this.#plan.codec.open(bytes);
      if (typeof content !== 'string') return content;
      if (bytes !== null || monotonicMs() >= untilMs) return null;
      await sleep(contentPollMs);
    }
  }

  #store(hash: string, content: Uint8Array): Promise<void> {
    return this.#plan.contents.set(hash, this.#plan.codec.seal(content));
  }

  async #awaitHead(waitMs: number): Promise<FleetTold> {
    const untilMs = monotonicMs() + waitMs;
    while (this.#head.seen === null && monotonicMs() < untilMs) await sleep(headPollMs);
    const { seen } = this.#head;
    return { told: 'head', reached: seen !== null, revision: seen?.revision ?? null };
  }

  async #seed(revision: FleetRevision, content: Uint8Array): Promise<void> {
    await this.#store(revision.hash, content);
    await this.#head.seed(revision);
  }
}
