import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Builder, ByteBuffer } from 'flatbuffers';
import { BeatT, BustT, Item, ItemT, RevisionT, StepT } from '#generated/log.js';
import type { Bust } from '../model/bust.ts';
import {
  type CacheSums,
  cacheSums,
  cacheSumsOf,
  type FleetRevision,
  type NodeBeat,
  type NodeStep,
} from '../model/fleet.ts';

export type LogMatter =
  | { readonly kind: 'bust'; readonly bust: Bust; readonly asks: boolean }
  | {
      readonly kind: 'stage' | 'commit' | 'abandon';
      readonly revision: FleetRevision;
      readonly waitMs: number;
    }
  | { readonly kind: 'beat'; readonly beat: NodeBeat }
  | { readonly kind: 'step'; readonly step: NodeStep };

/** One item of a ring. */
export interface LogItem {
  /** For life: an item that is added twice, as its first adding had no known end, is the same. */
  readonly id: string;
  readonly node: string;
  /** The life of the writer's control thread: what another life began is nobody's any more. */
  readonly boot: string;
  /** The history of the log that it belongs to; empty where that does not matter. */
  readonly epoch: string;
  readonly matter: LogMatter;
}

/** Numbers are for ever. */
const kindNumbers = { bust: 1, stage: 2, commit: 3, abandon: 4, beat: 5, step: 6 } as const;
const outcomes = ['', 'staged', 'applied', 'rejected'] as const;

/** First byte: what the signature covers and how the rest is to be read. Another is not read. */
const formatVersion = 1;
const signatureLength = 32;
const headLength = 1 + signatureLength;
const idBytes = 16;

export function newItemId(): string {
  return randomBytes(idBytes).toString('base64url');
}

/** What the cluster's key signs: HMAC with SHA-256 (RFC 2104) over version and content. */
export class ItemCodec {
  readonly #key: Buffer;

  constructor(key: Buffer) {
    this.#key = key;
  }

  encode(item: LogItem): Buffer {
    const builder = new Builder(512);
    Item.finishItemBuffer(builder, packed(item).pack(builder));
    return this.seal(builder.asUint8Array());
  }

  /** Signs any content: for values of maps. */
  seal(content: Uint8Array): Buffer {
    const bytes = Buffer.allocUnsafe(headLength + content.length);
    bytes[0] = formatVersion;
    bytes.set(content, headLength);
    this.#sign(content).copy(bytes, 1);
    return bytes;
  }

  /** What was sealed; `unsigned`: not by this cluster's key; `unknown`: by a later release. */
  open(bytes: Buffer): Buffer | 'unsigned' | 'unknown' {
    if (bytes.length <= headLength) return 'unsigned';
    if (bytes[0] !== formatVersion) return 'unknown';
    const content = bytes.subarray(headLength);
    const signature = bytes.subarray(1, headLength);
    return timingSafeEqual(signature, this.#sign(content)) ? content : 'unsigned';
  }

  /** Never throws. */
  decode(bytes: Buffer): LogItem | 'unsigned' | 'unknown' {
    const content = this.open(bytes);
    if (typeof content === 'string') return content;
    try {
      return unpacked(Item.getRootAsItem(new ByteBuffer(content)).unpack()) ?? 'unknown';
    } catch {
      return 'unknown';
    }
  }

  #sign(content: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(content).digest();
  }
}

function packed({ id, node, boot, epoch, matter }: LogItem): ItemT {
  const item = new ItemT(kindNumbers[matter.kind], id, node, boot, epoch);
  switch (matter.kind) {
    case 'bust': {
      const { tags, urls, keys, routes, groups, all, soft } = matter.bust;
      const lists = [tags, urls, keys, routes, groups].map((list) => [...list]);
      const [t, u, k, r, g] = lists;
      item.bust = new BustT(t, u, k, r, g, all, soft, matter.asks);
      return item;
    }
    case 'beat': {
      const { region, applied, epoch: of, revision, hash, ready, notReady } = matter.beat;
      const { droppedMs, leaving, workers, cache } = matter.beat;
      const dropped = [...droppedMs];
      const sums = cache === null ? [] : cacheSums.map((name) => cache[name]);
      const whole = [
        region,
        applied,
        of,
        revision,
        hash,
        ready,
        notReady,
        dropped,
        leaving,
        workers.map(({ state }) => state),
        workers.map(({ generation }) => generation),
        workers.map(({ revision: its }) => its),
        sums,
      ] as const;
      item.beat = new BeatT(...whole);
      return item;
    }
    case 'step': {
      const { revision, outcome, code, message } = matter.step;
      const { compileMs, stagedMs, switchedMs, workers } = matter.step;
      item.step = new StepT(
        revision,
        outcomes.indexOf(outcome),
        code,
        message,
        compileMs,
        stagedMs,
        switchedMs,
        [...workers],
      );
      return item;
    }
    default: {
      const { revision, parent, hash, author, note, createdAt } = matter.revision;
      const { waitMs } = matter;
      item.revision = new RevisionT(revision, hash, waitMs, parent, author, note, createdAt);
      return item;
    }
  }
}

/** Null: of a kind that this release does not know. */
function unpacked(item: ItemT): LogItem | null {
  const matter = matterOf(item);
  if (matter === null) return null;
  return {
    id: text(item.id),
    node: text(item.node),
    boot: text(item.boot),
    epoch: text(item.epoch),
    matter,
  };
}

function matterOf({ kind, bust, revision, beat, step }: ItemT): LogMatter | null {
  const [name] = Object.entries(kindNumbers).find(([, number]) => number === kind) ?? [];
  if (name === 'bust' && bust !== null) {
    const { tags, urls, keys, routes, groups, all, soft, asks } = bust;
    const [t, u, k, r, g] = [tags, urls, keys, routes, groups] as string[][];
    const parts = { tags: t, urls: u, keys: k, routes: r, groups: g } as Omit<Bust, 'all' | 'soft'>;
    return { kind: 'bust', bust: { ...parts, all, soft }, asks };
  }
  if (name === 'beat' && beat !== null) {
    const { applied, revision: its, ready, droppedMs, leaving, workerStates } = beat;
    const workers = workerStates.map((state, index) => ({
      state: text(state as string),
      generation: beat.workerGenerations[index] ?? 0,
      revision: beat.workerRevisions[index] ?? 0,
    }));
    const more = { workers, cache: sumsOf(beat.cache) };
    const texts = {
      region: text(beat.region),
      epoch: text(beat.epoch),
      hash: text(beat.hash),
      notReady: text(beat.notReady),
    };
    return {
      kind: 'beat',
      beat: { ...texts, ...more, applied, revision: its, ready, droppedMs, leaving },
    };
  }
  if (name === 'step' && step !== null) {
    const { revision: its, compileMs, stagedMs, switchedMs, workers } = step;
    const outcome = outcomes[step.outcome];
    if (outcome === undefined || outcome === '') return null;
    const times = { compileMs, stagedMs, switchedMs, workers };
    const why = { code: text(step.code), message: text(step.message) };
    return { kind: 'step', step: { revision: its, outcome, ...why, ...times } };
  }
  if ((name === 'stage' || name === 'commit' || name === 'abandon') && revision !== null) {
    const { revision: its, parent, waitMs } = revision;
    const texts = {
      hash: text(revision.hash),
      author: text(revision.author),
      note: text(revision.note),
      createdAt: text(revision.createdAt),
    };
    return { kind: name, revision: { revision: its, parent, ...texts }, waitMs };
  }
  return null;
}

function sumsOf(sums: readonly number[]): CacheSums | null {
  if (sums.length === 0) return null;
  return cacheSumsOf((name) => sums[cacheSums.indexOf(name)] ?? 0);
}

function text(value: string | Uint8Array | null): string {
  return typeof value === 'string' ? value : '';
}
