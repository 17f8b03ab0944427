import { messageOf } from '../base/errors.ts';
import type { FleetRevision } from '../model/fleet.ts';
import { stepOf } from '../model/node-step.ts';
import type { AppliedAnswer, FollowEvent, RejectedAnswer, StagedAnswer } from '../model/orders.ts';
import { type Parsed, parseWritten } from '../model/parse.ts';
import { type ClusterFleet, unpacked } from './fleet.ts';
import type { History } from './history/history.ts';
import type { Revision } from './history/revision.ts';
import type { Served } from './served.ts';

const followWaitMs = 30_000;

type Good = Extract<Parsed, { ok: true }>;

interface Offered {
  readonly revision: Revision;
  readonly parsed: Good;
}

export interface FollowingParts {
  readonly served: Served;
  readonly history: History;
  readonly fleet: ClusterFleet;
  readonly announce: (event: string, fields: Record<string, unknown>) => void;
}

/**
 * How a node follows the applies of others: it readies what is offered, tells, and switches when the
 * cluster has committed it. What it missed, it finds as the cluster's head. One order after the other.
 */
export class Following {
  readonly #parts: FollowingParts;
  #offered: Offered | null = null;
  #begin: () => void = () => {};
  #turn: Promise<void>;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
    this.#turn = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  /** The node serves: orders are followed from now on, those that came before first. */
  begin(): void {
    this.#begin();
  }

  /** An order that came through the log; what goes wrong is told to who applies, and here. */
  receive(event: FollowEvent): void {
    this.#turn = this.#turn
      .then(() => this.#follow(event))
      .catch((error) => this.#failed(event, error));
  }

  /** Serves what the cluster has as its head. */
  async adopt(wanted: FleetRevision): Promise<void> {
    const { served, announce } = this.#parts;
    const { revision, hash } = served.head;
    if (wanted.revision === revision && wanted.hash === hash && served.hash === hash) return;
    const offered = await this.#read(wanted, null);
    await served.whenFree(async () => {
      const staged = await this.#stage(offered, followWaitMs, false);
      const answer = staged.kind === 'rejected' ? staged : await this.#publish(offered);
      if (answer.kind === 'rejected') throw new Error(answer.message);
    });
    announce('followed', { revision: wanted.revision, hash: wanted.hash, author: wanted.author });
  }

  /** The cluster has no head, or an older one than what all served before: this node's is it. */
  async seed(): Promise<void> {
    const { served, fleet, announce } = this.#parts;
    const { head } = served;
    const { revision, hash } = head;
    if (revision === 0) return;
    await fleet.seed(head, head.written);
    announce('seeded', { revision, hash });
  }

  async #follow({ order, revision, waitMs, content }: FollowEvent): Promise<void> {
    if (order === 'head') return this.#followHead(revision);
    if (revision === null) return;
    switch (order) {
      case 'stage':
        await this.#offer(revision, waitMs, content);
        return;
      case 'commit':
        await this.#commit(revision);
        return;
      default:
        await this.#abandon(revision);
    }
  }

  async #followHead(head: FleetRevision | null): Promise<void> {
    const own = this.#parts.served.head;
    // What a node applied by itself gives way to what all have.
    const later = own.cluster === true && own.revision > (head?.revision ?? 0);
    if (head === null || later) await this.seed();
    else await this.adopt(head);
  }

  /** Control tells that it is staged, and this what else became of it. */
  async #offer(wanted: FleetRevision, waitMs: number, content: Uint8Array | null): Promise<void> {
    const { served, fleet } = this.#parts;
    const { revision } = wanted;
    try {
      const offered = await this.#read(wanted, content);
      this.#offered = offered;
      const staged = await served.whenFree(() => this.#stage(offered, waitMs, true));
      if (staged.kind === 'staged') return;
      await Promise.all([
        fleet.tell(stepOf(revision, staged)),
        this.#rejected(offered.revision, staged.message),
      ]);
    } catch (error) {
      const message = messageOf(error);
      await fleet.tell(stepOf(revision, { kind: 'rejected', code: 'internal', message }));
    }
  }

  async #commit(wanted: FleetRevision): Promise<void> {
    const offered = this.#offered;
    this.#offered = null;
    const { served, announce } = this.#parts;
    if (offered?.revision.revision !== wanted.revision) return this.adopt(wanted);
    const answer = await served.whenFree(() => this.#publish(offered));
    // Such as a control that is new, which has nothing staged.
    if (answer.kind === 'rejected') return this.adopt(wanted);
    announce('followed', { revision: wanted.revision, hash: wanted.hash, author: wanted.author });
  }

  async #abandon({ revision }: FleetRevision): Promise<void> {
    const offered = this.#offered;
    if (offered?.revision.revision !== revision) return;
    this.#offered = null;
    await this.#parts.served.abandon(revision);
    await this.#rejected(offered.revision, 'the node that applied it gave it up');
  }

  /** What it holds, from this node's own history or from the cluster. */
  async #read(wanted: FleetRevision, content: Uint8Array | null): Promise<Offered> {
    const { history, fleet } = this.#parts;
    const written =
      history.withHash(wanted.hash)?.written ??
      (await (content === null ? fleet.content(wanted.hash) : unpacked(content)));
    if (written === null) {
      throw new Error(`the cluster does not have what revision ${wanted.revision} holds`);
    }
    const parsed = parseWritten(written, `revision ${wanted.revision}`);
    if (!parsed.ok) throw new Error(`revision ${wanted.revision} has problems on this release`);
    if (parsed.hash !== wanted.hash) {
      throw new Error(`revision ${wanted.revision} does not hold what its hash says`);
    }
    const { written: its } = parsed;
    return { revision: { ...wanted, state: 'pending', written: its, cluster: true }, parsed };
  }

  #stage(
    { revision, parsed }: Offered,
    waitMs: number,
    tellsNodes: boolean,
  ): Promise<StagedAnswer | RejectedAnswer> {
    const { hash, definitions } = parsed;
    const order = { revision: revision.revision, hash, definitions, waitMs, tellsNodes };
    // The cluster knows that it is under way: this node's disk has it when it is the head, or rejected.
    return this.#parts.served.stage(order, Promise.resolve());
  }

  async #publish({ revision, parsed }: Offered): Promise<AppliedAnswer | RejectedAnswer> {
    const { served } = this.#parts;
    const answer = await served.publish(revision.revision, followWaitMs, true);
    // Told by now; the disk may take its time, and this node serves it whatever that says.
    if (answer.kind === 'applied') await served.keepHead(revision, parsed);
    return answer;
  }

  async #rejected(revision: Revision, reason: string): Promise<void> {
    await this.#parts.history.record({ ...revision, state: 'rejected', reason });
    this.#parts.announce('rejected', { revision: revision.revision, reason });
  }

  #failed({ order, revision }: FollowEvent, error: unknown): void {
    const problem = messageOf(error);
    this.#parts.announce('not-followed', { order, revision: revision?.revision ?? 0, problem });
  }
}
