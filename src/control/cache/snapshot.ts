import { monotonicMs, wallMs } from '../../base/clock.ts';
import { snapshotBytesMax } from '../../base/limits.ts';
import type { EntryView } from '../../memory/cache/cache-entry.ts';
import type { CacheRecord } from '../../memory/cache/cache-record.ts';
import type { CacheWriter } from '../../memory/cache/cache-writer.ts';
import { SnapshotWriter, takeSnapshot } from './snapshot-file.ts';

/** Raised when a frame's meaning changes: what an older one wrote is dropped. */
const format = 1;

/** The first frame. Times of entries are by the wall clock, which outlives the process. */
interface SnapshotHead {
  readonly format: number;
  readonly writtenMs: number;
}

export interface SnapshotReport {
  readonly entries: number;
  readonly bytes: number;
  /** Why there was nothing, or not all; null: nothing to say. */
  readonly problem: string | null;
}

/** Writes what is live, most used first, within `snapshotBytesMax`. At a stop that was drained. */
export function writeSnapshot(file: string, writer: CacheWriter): SnapshotReport {
  const offsetMs = wallMs() - monotonicMs();
  const out = new SnapshotWriter(file);
  out.frame(JSON.stringify({ format, writtenMs: wallMs() } satisfies SnapshotHead), []);
  let entries = 0;
  for (const entry of byUse(writer)) {
    const view = writer.view(entry);
    if (view === null) continue;
    if (out.bytes + view.storedBytes > snapshotBytesMax) break;
    out.frame(JSON.stringify(shifted(recordOf(view), offsetMs)), view.bodyPieces());
    entries += 1;
  }
  out.end();
  return { entries, bytes: out.bytes, problem: null };
}

/** Stores what a snapshot holds of shapes that are in use and what is not past its time. */
export function readSnapshot(
  file: string,
  shapeKeys: ReadonlySet<string>,
  position: number,
  store: (record: CacheRecord, body: Uint8Array) => void,
): SnapshotReport {
  const offsetMs = wallMs() - monotonicMs();
  let head: SnapshotHead | null = null;
  let entries = 0;
  let bytes = 0;
  const problem = takeSnapshot(file, (text, body) => {
    if (head === null) {
      head = JSON.parse(text) as SnapshotHead;
      if (head.format !== format) throw new Error(`it has format ${head.format}, not ${format}`);
      if (head.writtenMs > wallMs()) throw new Error('it was written in the future');
      return;
    }
    const record = JSON.parse(text) as CacheRecord;
    if (!isOfShapes(record, shapeKeys)) return;
    store({ ...shifted(record, -offsetMs), position }, body);
    entries += 1;
    bytes += body.length;
  });
  return { entries, bytes, problem: problem === 'missing' ? null : problem };
}

function byUse(writer: CacheWriter): number[] {
  const used: { entry: number; uses: number }[] = [];
  for (const entry of writer.entries()) {
    const view = writer.view(entry);
    if (view === null || view.state !== 'live' || view.kind === 'pass' || view.softStale) continue;
    used.push({ entry, uses: view.uses });
  }
  return used.sort((a, b) => b.uses - a.uses).map(({ entry }) => entry);
}

/** Whether a response is of a route's shape that is in use. */
export function isOfShapes({ labels }: CacheRecord, shapeKeys: ReadonlySet<string>): boolean {
  return labels.some((label) => label.startsWith('s:') && shapeKeys.has(label.slice(2)));
}

/** What is stored, as it could be stored again; its position is not kept. */
export function recordOf(view: EntryView): CacheRecord {
  return {
    key: view.key(),
    kind: view.kind,
    status: view.status,
    head: view.headText(),
    etag: view.etag,
    lastModified: view.lastModified,
    bornMs: view.bornMs,
    freshUntilMs: view.freshUntilMs,
    staleWhileRevalidateUntilMs: view.staleWhileRevalidateUntilMs,
    staleIfErrorUntilMs: view.staleIfErrorUntilMs,
    flags: view.flags,
    position: 0,
    labels: view.labels(),
    query: view.query,
    origin: view.origin,
    bodyBytes: view.bodyBytes,
  };
}

/** The same on another clock. */
export function shifted(record: CacheRecord, ms: number): CacheRecord {
  return {
    ...record,
    bornMs: record.bornMs + ms,
    freshUntilMs: record.freshUntilMs + ms,
    staleWhileRevalidateUntilMs: record.staleWhileRevalidateUntilMs + ms,
    staleIfErrorUntilMs: record.staleIfErrorUntilMs + ms,
  };
}
