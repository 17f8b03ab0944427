import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { assert } from '../../base/assert.ts';
import { messageOf } from '../../base/errors.ts';
import { snapshotMetaBytesMax } from '../../base/limits.ts';

/**
 * A file of frames, checked as a whole:
 *
 *   magic (8 bytes) · frames · an empty frame · SHA-256 of all before it (32 bytes)
 *   frame: bytes of the text (u32), bytes of the body (u32), text (UTF-8), body
 *
 * Written beside its name and renamed, so that a name always stands for a whole file.
 */
const magic = Buffer.from('CUTSNAP1');
const digestBytes = 32;
const frameHeadBytes = 8;
const copyBytes = 1024 * 1024;

export class SnapshotWriter {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #hash: Hash = createHash('sha256');
  bytes = 0;

  constructor(file: string) {
    this.#file = file;
    this.#descriptor = openSync(`${file}.part`, 'w', 0o600);
    this.#write(magic);
  }

  frame(text: string, body: readonly Uint8Array[]): void {
    const bytes = Buffer.from(text, 'utf8');
    assert(bytes.length > 0 && bytes.length <= snapshotMetaBytesMax, 'a frame has a text');
    const head = Buffer.alloc(frameHeadBytes);
    head.writeUInt32LE(bytes.length, 0);
    head.writeUInt32LE(
      body.reduce((sum, piece) => sum + piece.length, 0),
      4,
    );
    this.#write(head);
    this.#write(bytes);
    // Copied, since neither the hash nor the file takes shared memory.
    for (const piece of body) this.#write(Buffer.from(piece));
  }

  end(): void {
    this.#write(Buffer.alloc(frameHeadBytes));
    writeSync(this.#descriptor, this.#hash.digest());
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
    renameSync(`${this.#file}.part`, this.#file);
  }

  #write(bytes: Buffer): void {
    this.#hash.update(bytes);
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    this.bytes += bytes.length;
  }
}

/**
 * Calls `onFrame` for each frame of a file that is whole, and removes the file: what it holds is
 * good for one start, since nobody busts what is in it. The answer is null, or why it was dropped;
 * `missing` where there is none.
 */
export function takeSnapshot(
  file: string,
  onFrame: (text: string, body: Buffer) => void,
): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
    unlinkSync(file);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return missing ? 'missing' : messageOf(error);
  }
  try {
    const problem = check(descriptor);
    if (problem !== null) return problem;
    readFrames(descriptor, onFrame);
    return null;
  } catch (error) {
    return messageOf(error);
  } finally {
    closeSync(descriptor);
  }
}

/** Null: the bytes are those that were written. */
function check(descriptor: number): string | null {
  const hash = createHash('sha256');
  let tail = Buffer.alloc(0);
  let at = 0;
  for (;;) {
    const piece = Buffer.alloc(copyBytes);
    const count = readSync(descriptor, piece, 0, copyBytes, at);
    if (count === 0) break;
    at += count;
    const joined = Buffer.concat([tail, piece.subarray(0, count)]);
    const certain = Math.max(0, joined.length - digestBytes);
    hash.update(joined.subarray(0, certain));
    tail = joined.subarray(certain);
  }
  if (at < magic.length + frameHeadBytes + digestBytes) return 'the file is cut short';
  return hash.digest().equals(tail) ? null : 'the checksum does not fit';
}

function readFrames(descriptor: number, onFrame: (text: string, body: Buffer) => void): void {
  const read = (at: number, count: number): Buffer => {
    const bytes = Buffer.alloc(count);
    let got = 0;
    while (got < count) {
      const more = readSync(descriptor, bytes, got, count - got, at + got);
      assert(more > 0, 'a file whose checksum fits is whole');
      got += more;
    }
    return bytes;
  };
  assert(read(0, magic.length).equals(magic), 'a snapshot begins with its magic');
  for (let at = magic.length; ; ) {
    const head = read(at, frameHeadBytes);
    const textBytes = head.readUInt32LE(0);
    const bodyBytes = head.readUInt32LE(4);
    if (textBytes === 0) return;
    assert(textBytes <= snapshotMetaBytesMax, 'a text of a snapshot is within its limit');
    const text = read(at + frameHeadBytes, textBytes).toString('utf8');
    onFrame(text, read(at + frameHeadBytes + textBytes, bodyBytes));
    at += frameHeadBytes + textBytes + bodyBytes;
  }
}
