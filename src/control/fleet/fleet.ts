import { randomUUID } from 'node:crypto';
import { cancel, every, monotonicMs, type Timer } from '../../base/clock.ts';
import { logLeaseMs, nodeLiveMs } from '../../base/limits.ts';
import { clusterError } from '../../cluster/cluster-error.ts';
import { ClusterLog, type PlacedItem } from '../../cluster/cluster-log.ts';
import { ItemCodec, type LogMatter, newItemId } from '../../cluster/log-item.ts';
import { NodesRing } from '../../cluster/nodes-ring.ts';
import type { RingBounds } from '../../cluster/ring.ts';
import { Roster } from '../../cluster/roster.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import { type Bust, noBust } from '../../model/bust.ts';
import type { BustAnswer } from '../../model/cache-orders.ts';
import type {
  FleetAsk,
  FleetFigures,
  FleetTold,
  LossReason,
  NodeBeat,
  NodeState,
  WarmReport,
} from '../../model/fleet.ts';
import { Applies } from './applies.ts';
import { BustPlaces } from './bust-places.ts';
import type { FleetPlan } from './fleet-plan.ts';
import { HotKeys } from './hot-keys.ts';
import { LogClock } from './log-clock.ts';
import { Outbox } from './outbox.ts';
import { SecondLevel, type SecondLevelRead } from './second-level.ts';
import { nothingTaken, warmUp } from './warm-up.ts';

const beatMs = 1_000;
const meetMs = 100;
/** With 500 entries a turn, a pass over 10,000 takes 5 s. */
const hotTurnMs = 250;
/** A bust waits for other nodes so long: until one that died is not live any more, and some more. */
const bustWaitMs = nodeLiveMs + 2_000;

/**
 * This node among the nodes of its cluster. A bust takes effect here at once, gets its place in the
 * log, and is done when every other live node has told that all its workers are past it:
 *
 *   here → the log → every node's workers → what nodes tell → done
 *
 * Where the log cannot take it, it waits on disk, and is added when the log can.
 */
export class Fleet {
  readonly #plan: FleetPlan;
  readonly #boot = randomUUID();
  readonly #log: ClusterLog;
  readonly #nodes: NodesRing;
  readonly #outbox: Outbox;
  readonly #places: BustPlaces;
  readonly #applies: Applies;
  readonly #clock = new LogClock();
  readonly #secondLevel: SecondLevel;
  readonly #hotKeys: HotKeys | null;
  readonly roster: Roster;
  readonly #timers: Timer[];
  /** As the manager told it last. */
  #state: NodeState = { ready: false, notReady: 'the node is starting', workers: [], cache: null };
  #applied = -1;
  /** Counts the places in the log that were begun from. */
  #history = 0;
  #droppedMs: readonly number[] = [];
  /** Items take effect one batch after the other. */
  #doing: Promise<void> = Promise.resolve();
  #telling = false;
  #tellAgain = false;

  static async join(plan: FleetPlan): Promise<Fleet> {
    const fleet = new Fleet(plan, await Outbox.open(plan.outboxFile));
    // What was asked of an earlier life of this node, and the cluster has not heard of.
    for (const { bust } of fleet.#outbox.queued) plan.keeper?.deliver(bust);
    return fleet;
  }

  private constructor(plan: FleetPlan, outbox: Outbox) {
    const { cluster, key, nodeId } = plan;
    const codec = new ItemCodec(key);
    this.#plan = plan;
    this.#outbox = outbox;
    this.roster = new Roster(nodeId);
    this.#nodes = new NodesRing(cluster.ring('cutover.nodes'), codec, (item) => {
      this.#applies.hear(item);
      this.roster.hear(item);
    });
    const meta = cluster.map('cutover.meta', 'log');
    this.#applies = new Applies({
      meta,
      contents: cluster.map('cutover.definitions', 'log'),
      codec,
      roster: this.roster,
      nodeId,
      boot: this.#boot,
      append: (matter) => this.#append(newItemId(), matter),
      tellNodes: (matter) => this.#tellNodes(matter),
      tell: plan.tell,
      own: plan.state,
    });
    const bodies = cluster.client('bodies');
    this.#secondLevel = new SecondLevel({
      map: cluster.map('cutover.cache', 'bodies'),
      codec,
      clock: this.#clock,
      leases: cluster.map('cutover.leases', 'bodies'),
      usable: () => bodies.isUsable,
      holdsBusts: () => this.#outbox.size > 0,
    });
    this.#log = new ClusterLog({
      ring: cluster.ring('cutover.log'),
      meta,
      codec,
      onItems: (items, through) => {
        const history = this.#history;
        this.#doing = this.#doing.then(() => this.#do(items, through, history));
      },
      onPlaced: (why, bounds) => this.#placed(why, bounds),
      onProven: (atMs) => {
        plan.prove(atMs + logLeaseMs);
        void this.#places.drain();
      },
      onHead: (head) => this.#applies.look(head),
    });
    this.#places = new BustPlaces({
      outbox,
      clock: this.#clock,
      append: (id, matter) => this.#append(id, matter),
      hasRead: (sequence) => this.#hasRead(sequence),
      tell: plan.tell,
    });
    this.#hotKeys =
      plan.keeper === null
        ? null
        : new HotKeys({
            map: cluster.map('cutover.hot', 'bodies'),
            codec,
            nodeId,
            link: plan.keeper.secondLevel,
          });
    // Until it knows the others, this node can call nothing done on all of them.
    const meeting = every(meetMs, () => {
      if (this.knowsOthers) cancel(meeting);
      else void this.#beat();
    });
    this.#timers = [
      meeting,
      every(beatMs, () => void this.#beat()),
      every(hotTurnMs, () => void this.#hotKeys?.turn()),
    ];
  }

  get figures(): FleetFigures {
    return {
      log: this.#log.figures,
      applied: this.#applied,
      secondLevel: this.#secondLevel.figures,
      queued: this.#outbox.size,
      headRevision: this.#applies.headRevision,
      behindMs: this.#applies.behindMs,
      nodes: this.roster.nodes(),
    };
  }

  /** Makes entries unusable on every node; resolves when no worker of a live one has them any more. */
  async bust(bust: Bust): Promise<BustAnswer> {
    const { keeper, nodeId } = this.#plan;
    const beganMs = monotonicMs();
    const [here, sequence] = await Promise.all([
      keeper?.bust(bust) ?? null,
      this.#places.place({ kind: 'bust', bust, asks: true }),
    ]);
    const node = { id: nodeId, workers: here?.workers ?? [], droppedMs: here?.droppedMs ?? 0 };
    const answer = { position: sequence ?? here?.position ?? 0, entries: here?.entries ?? 0 };
    if (sequence === null) {
      const droppedMs = monotonicMs() - beganMs;
      return { ...answer, nodes: [node], late: [], queued: true, droppedMs };
    }
    const { epoch } = this.#log;
    const met = await this.#meet();
    const [{ done, late }] = await Promise.all([
      this.roster.all(bustWaitMs, (other) =>
        other.epoch === epoch && other.applied >= sequence ? other.droppedMs : undefined,
      ),
      // Until then this node could take what another one had stored before.
      this.roster.until(bustWaitMs, () => this.#applied >= sequence || this.#log.epoch !== epoch),
    ]);
    const others = [...done].map(([id, { told, afterMs }]) => {
      const workers = told.map((droppedMs, worker) => ({ id: worker, droppedMs }));
      return { id, workers, droppedMs: afterMs };
    });
    const droppedMs = monotonicMs() - beganMs;
    const nodes = [node, ...others];
    return { ...answer, nodes, late, queued: !met || late.length > 0, droppedMs };
  }

  get knowsOthers(): boolean {
    return this.#nodes.isHeard;
  }

  /** False: it does not know the others in time, so nothing is done on all of them. */
  #meet(): Promise<boolean> {
    return this.roster.until(bustWaitMs, () => this.knowsOthers);
  }

  /** It has begun to serve: from now on others wait for it. */
  serves(): void {
    void this.#beat();
  }

  /** A client made them unusable (RFC 9111, section 4.4): here at once, elsewhere as they hear of it. */
  async invalidate(bust: Bust): Promise<void> {
    this.#plan.keeper?.deliver(bust);
    this.#places.invalidate(bust);
  }

  async ask(ask: FleetAsk): Promise<FleetTold> {
    switch (ask.ask) {
      case 'state':
        this.#state = ask.state;
        return { told: 'done' };
      case 'warm':
        return { told: 'warmed', ...(await this.#warm(ask.budgetMs, ask.bytesMax)) };
      case 'begin':
        if (!(await this.#meet())) throw clusterError('offline', {});
        return this.#applies.ask(ask);
      default:
        return this.#applies.ask(ask);
    }
  }

  /** A response that others may use. */
  share(record: CacheRecord, body: Uint8Array): void {
    void this.#secondLevel.put(record, body);
  }

  readSecondLevel(key: string, leaseMs: number | null): Promise<SecondLevelRead> {
    if (leaseMs === null) return this.#secondLevel.get(key);
    return this.#secondLevel.getOrLease(key, leaseMs);
  }

  async leave(): Promise<void> {
    for (const timer of this.#timers) cancel(timer);
    await this.#tell(true);
    this.#log.stop();
    this.#nodes.stop();
    this.roster.stop();
  }

  /** Takes what other nodes use most. */
  async #warm(budgetMs: number, bytesMax: number): Promise<WarmReport> {
    const { keeper } = this.#plan;
    const [hotKeys, secondLevel] = [this.#hotKeys, this.#secondLevel];
    if (keeper === null || hotKeys === null) return nothingTaken;
    // What was busted before must be known first.
    await this.roster.until(budgetMs, () => this.#clock.readable);
    const shapeKeys = this.#plan.shapeKeys();
    return warmUp({ budgetMs, bytesMax, hotKeys, secondLevel, keeper, shapeKeys });
  }

  /** Resolves when this node has read up to there, or follows another history. */
  async #hasRead(sequence: number): Promise<void> {
    const { epoch } = this.#log;
    const read = (): boolean => this.#applied >= sequence || this.#log.epoch !== epoch;
    while (!(await this.roster.until(bustWaitMs, read)));
  }

  #append(id: string, matter: LogMatter): Promise<number> {
    const { nodeId } = this.#plan;
    return this.#log.append({ id, node: nodeId, boot: this.#boot, epoch: this.#log.epoch, matter });
  }

  async #do(items: readonly PlacedItem[], through: number, history: number): Promise<void> {
    // Of a place that was given up meanwhile: what it would do was done by dropping everything.
    if (history !== this.#history) return;
    const { keeper, nodeId } = this.#plan;
    const beganMs = monotonicMs();
    let asked = false;
    let done = false;
    for (const { sequence, item, past } of items) {
      const { matter } = item;
      if (matter.kind !== 'bust') {
        if (!past) this.#applies.follow(item);
        continue;
      }
      this.#clock.learn(matter.bust, sequence);
      asked ||= matter.asks && item.node !== nodeId;
      // Its own took effect before they had their places.
      if (past || item.boot === this.#boot) continue;
      keeper?.deliver(matter.bust);
      done = true;
    }
    if (done && keeper !== null) {
      this.#droppedMs = (await keeper.allPast(beganMs)).map(({ droppedMs }) => droppedMs);
    }
    if (history !== this.#history) return;
    this.#applied = through;
    if (keeper !== null) this.#clock.mark(keeper.position, through);
    this.roster.look();
    if (asked) void this.#beat();
  }

  /** Nothing that was stored can be proven fresh. */
  #placed(why: LossReason | null, { head, tail }: RingBounds): void {
    const { keeper, tell } = this.#plan;
    this.#history += 1;
    keeper?.deliver({ ...noBust, all: true });
    this.#applied = -1;
    const position = keeper?.position ?? 0;
    this.#clock.restart({ epoch: this.#log.epoch, head, tail, position });
    if (why !== null) tell({ kind: 'cluster-log', what: 'lost', reason: why });
  }

  /** Once a second, and whenever somebody waits: one at a time, and once more for what came meanwhile. */
  async #beat(): Promise<void> {
    if (this.#telling) {
      this.#tellAgain = true;
      return;
    }
    this.#telling = true;
    do {
      this.#tellAgain = false;
      await this.#tell(false);
    } while (this.#tellAgain);
    this.#telling = false;
  }

  async #tell(leaving: boolean): Promise<void> {
    const done = { applied: this.#applied, epoch: this.#log.epoch, droppedMs: this.#droppedMs };
    const beat: NodeBeat = { ...this.#state, ...this.#plan.state(), ...done, leaving };
    // Should it fail, the next one tells more.
    await this.#tellNodes({ kind: 'beat', beat }).catch(() => {});
  }

  #tellNodes(matter: LogMatter): Promise<void> {
    const { nodeId } = this.#plan;
    return this.#nodes.tell({ id: newItemId(), node: nodeId, boot: this.#boot, epoch: '', matter });
  }
}
