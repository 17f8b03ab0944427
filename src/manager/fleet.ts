import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';
import { CutoverError } from '../base/errors.ts';
import { definitionsBytesMax, revisionContentBytesMax } from '../base/limits.ts';
import type {
  FleetAsk,
  FleetRevision,
  FleetTold,
  NodeState,
  NodeStep,
  NodeSteps,
  WarmReport,
} from '../model/fleet.ts';
import type { WrittenDefinitions } from '../model/written.ts';
import type { ControlClient } from './control-client.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
/** A small set is packed sooner than a thread of the pool would begin with it. */
const packedAtOnceBytes = 32 * 1024;
const nobody: NodeSteps = { nodes: [], late: [] };

/** What an apply needs of the other nodes. Each throws a CutoverError that says why it cannot be. */
export interface Fleet {
  /** Whether what is applied is for all nodes of a cluster. */
  readonly isCluster: boolean;
  /** The right to apply on top of `parent`, and the number that the revision gets. */
  begin(
    parent: number,
    numberMin: number,
    content: { readonly hash: string; readonly written: WrittenDefinitions },
  ): Promise<number>;
  /** Every other live node readies it, or says why not. */
  offer(revision: FleetRevision, waitMs: number): Promise<NodeSteps>;
  /** From here on it is what all serve. */
  commit(revision: FleetRevision): Promise<void>;
  /** Every other node that readied it has switched, or says why not. */
  applied(revision: number, waitMs: number): Promise<NodeSteps>;
  abandon(revision: FleetRevision): Promise<void>;
}

/** A node on its own. */
export class LoneFleet implements Fleet {
  readonly isCluster = false;

  async begin(_parent: number, numberMin: number): Promise<number> {
    return numberMin;
  }

  async offer(): Promise<NodeSteps> {
    return nobody;
  }

  async commit(): Promise<void> {}

  async applied(): Promise<NodeSteps> {
    return nobody;
  }

  async abandon(): Promise<void> {}
}

/** The nodes of a cluster, asked through control. */
export class ClusterFleet implements Fleet {
  readonly isCluster = true;
  readonly #control: Pick<ControlClient, 'fleet'>;

  constructor(control: Pick<ControlClient, 'fleet'>) {
    this.#control = control;
  }

  async begin(
    parent: number,
    numberMin: number,
    { hash, written }: { readonly hash: string; readonly written: WrittenDefinitions },
  ): Promise<number> {
    const content = await packed(written);
    return (await this.#ask('number', { ask: 'begin', parent, numberMin, hash, content })).revision;
  }

  offer(revision: FleetRevision, waitMs: number): Promise<NodeSteps> {
    return this.#ask('steps', { ask: 'offer', revision: named(revision), waitMs }, waitMs);
  }

  async commit(revision: FleetRevision): Promise<void> {
    await this.#ask('done', { ask: 'commit', revision: named(revision) });
  }

  applied(revision: number, waitMs: number): Promise<NodeSteps> {
    return this.#ask('steps', { ask: 'applied', revision, waitMs }, waitMs);
  }

  async abandon(revision: FleetRevision): Promise<void> {
    await this.#ask('done', { ask: 'abandon', revision: named(revision) });
  }

  /** How this node followed another one's order. */
  async tell(step: NodeStep): Promise<void> {
    await this.#ask('done', { ask: 'tell', step });
  }

  /** Null: the cluster does not have it, or not by this node's key. */
  async content(hash: string): Promise<unknown> {
    const { content } = await this.#ask('content', { ask: 'content', hash });
    return content === null ? null : unpacked(content);
  }

  /** What all serve, as soon as the cluster can say. */
  head(waitMs: number): Promise<Extract<FleetTold, { told: 'head' }>> {
    return this.#ask('head', { ask: 'head', waitMs }, waitMs);
  }

  /** What the others are told of this node. */
  async tellState(state: NodeState): Promise<void> {
    await this.#ask('done', { ask: 'state', state });
  }

  /** Takes what other nodes use most. */
  warm(budgetMs: number, bytesMax: number): Promise<WarmReport> {
    return this.#ask('warmed', { ask: 'warm', budgetMs, bytesMax }, budgetMs);
  }

  /** This node's is what all serve, unless the cluster has a later one. */
  async seed(revision: FleetRevision, written: WrittenDefinitions): Promise<void> {
    const content = await packed(written);
    await this.#ask('done', { ask: 'seed', revision: named(revision), content });
  }

  async #ask<Kind extends FleetTold['told']>(
    kind: Kind,
    ask: FleetAsk,
    waitMs = 0,
  ): Promise<Extract<FleetTold, { told: Kind }>> {
    const told = await this.#control.fleet(ask, waitMs);
    if (told.told === kind) return told as Extract<FleetTold, { told: Kind }>;
    throw new CutoverError('internal', `control answered ${told.told}`, { source: 'internal' });
  }
}

/** Without what it holds, which would be copied with every order. */
function named({ revision, parent, hash, author, note, createdAt }: FleetRevision): FleetRevision {
  return { revision, parent, hash, author, note, createdAt };
}

async function packed(written: WrittenDefinitions): Promise<Uint8Array> {
  const bytes = Buffer.from(JSON.stringify(written));
  const small = bytes.length <= packedAtOnceBytes;
  const content = small ? deflateRawSync(bytes, { level: 1 }) : await deflate(bytes, { level: 1 });
  if (content.length <= revisionContentBytesMax) return content;
  const message = `the set has ${content.length} bytes when packed, over ${revisionContentBytesMax} (revisionContentBytesMax) for a cluster`;
  throw new CutoverError('definitions-too-large', message, { source: 'operator' });
}

/** What a revision holds, as it was put into the cluster. */
export async function unpacked(content: Uint8Array): Promise<unknown> {
  const limit = { maxOutputLength: 2 * definitionsBytesMax };
  const small = content.length <= packedAtOnceBytes;
  const text = small ? inflateRawSync(content, limit) : await inflate(content, limit);
  return JSON.parse(text.toString());
}
