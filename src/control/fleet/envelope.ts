import { promisify } from 'node:util';
import { deflateRaw, inflateRaw } from 'node:zlib';
import { monotonicMs, wallMs } from '../../base/clock.ts';
import { packBytesMin, secondLevelBodyBytesMax } from '../../base/limits.ts';
import type { ItemCodec } from '../../cluster/log-item.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import { shifted } from '../cache/snapshot.ts';

/** Raised when the meaning of an envelope changes: what another release wrote is not read. */
const format = 1;
const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);
const lengthBytes = 4;

/** A stored response on its way between nodes. */
export interface Envelope {
  readonly record: CacheRecord;
  readonly body: Uint8Array;
  /** The log's history, and how far the node that fetched it had followed it when it began. */
  readonly epoch: string;
  readonly sequence: number;
}

interface EnvelopeHead {
  readonly format: number;
  readonly epoch: string;
  readonly sequence: number;
  readonly packed: boolean;
  /** Times are by the wall clock. */
  readonly record: CacheRecord;
}

/** `length of the head (u32) · head (JSON) · body`, signed. */
export async function sealEnvelope(codec: ItemCodec, envelope: Envelope): Promise<Buffer> {
  const { record, epoch, sequence } = envelope;
  const smaller = await packedBody(envelope.body, record.head);
  const body = smaller ?? envelope.body;
  const head: EnvelopeHead = {
    format,
    epoch,
    sequence,
    packed: smaller !== null,
    record: shifted(record, wallMs() - monotonicMs()),
  };
  const text = Buffer.from(JSON.stringify(head));
  const content = Buffer.allocUnsafe(lengthBytes + text.length + body.length);
  content.writeUInt32LE(text.length, 0);
  content.set(text, lengthBytes);
  content.set(body, lengthBytes + text.length);
  return codec.seal(content);
}

/** Null: not by this cluster's key, or of another release. */
export async function openEnvelope(codec: ItemCodec, bytes: Buffer): Promise<Envelope | null> {
  const content = codec.open(bytes);
  if (typeof content === 'string' || content.length < lengthBytes) return null;
  const end = lengthBytes + content.readUInt32LE(0);
  const head = JSON.parse(content.toString('utf8', lengthBytes, end)) as EnvelopeHead;
  if (head.format !== format) return null;
  const { epoch, sequence, packed } = head;
  const stored = content.subarray(end);
  const body = packed
    ? await inflate(stored, { maxOutputLength: secondLevelBodyBytesMax })
    : stored;
  return { record: shifted(head.record, monotonicMs() - wallMs()), body, epoch, sequence };
}

/** Null: it would not pay, as it is short, packed already, or does not shrink by a fifth. */
async function packedBody(body: Uint8Array, head: string): Promise<Buffer | null> {
  if (body.length < packBytesMin || /\r\ncontent-encoding:/i.test(head)) return null;
  const smaller = await deflate(body, { level: 1 });
  return smaller.length * 5 < body.length * 4 ? smaller : null;
}
