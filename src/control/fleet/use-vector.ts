import { fleetLimitCountMax } from '../../base/limits.ts';
import type { LimitUse } from '../../memory/rate-limits/limit-watch.ts';

/** Raised when the meaning changes: what another release wrote is not read. */
const format = 1;
const headBytes = 8;
const useBytes = 28;

/**
 * How much of which limits a node has used, for the others:
 *
 *   format u32 · length of the node's id u32 · the id ·
 *   uses: key 2 × i32 · window's length u32 · its number f64 · current u32 · previous u32
 */
export function encodeUses(nodeId: string, uses: readonly LimitUse[]): Buffer {
  const id = Buffer.from(nodeId);
  const bytes = Buffer.alloc(headBytes + id.length + uses.length * useBytes);
  let at = bytes.writeUInt32LE(format, 0);
  at = bytes.writeUInt32LE(id.length, at);
  at += id.copy(bytes, at);
  for (const use of uses) {
    at = bytes.writeInt32LE(use.keyLow, at);
    at = bytes.writeInt32LE(use.keyHigh, at);
    at = bytes.writeUInt32LE(use.windowMs, at);
    at = bytes.writeDoubleLE(use.window, at);
    at = bytes.writeUInt32LE(use.current, at);
    at = bytes.writeUInt32LE(use.previous, at);
  }
  return bytes;
}

/** Null: of another release, or not what that node wrote of itself. */
export function decodeUses(nodeId: string, bytes: Buffer): LimitUse[] | null {
  if (bytes.length < headBytes || bytes.readUInt32LE(0) !== format) return null;
  const from = headBytes + bytes.readUInt32LE(4);
  const count = (bytes.length - from) / useBytes;
  if (!Number.isInteger(count) || count < 0 || count > fleetLimitCountMax) return null;
  if (bytes.toString('utf8', headBytes, from) !== nodeId) return null;
  return Array.from({ length: count }, (_, index) => {
    const at = from + index * useBytes;
    return {
      keyLow: bytes.readInt32LE(at),
      keyHigh: bytes.readInt32LE(at + 4),
      windowMs: bytes.readUInt32LE(at + 8),
      window: bytes.readDoubleLE(at + 12),
      current: bytes.readUInt32LE(at + 20),
      previous: bytes.readUInt32LE(at + 24),
    };
  });
}
