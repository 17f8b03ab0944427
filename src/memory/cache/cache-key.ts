/**
 * A key as the cache looks it up: its text, and two hashes of 32 bits from one pass. `hash` chooses
 * the bucket, `check` is compared within it; only then are the bytes compared.
 *
 * Text is one character per byte (latin1), at most `cacheKeyBytesMax`.
 */
export interface CacheKey {
  readonly text: string;
  readonly hash: number;
  /** Never 0, which stands for an empty slot. */
  readonly check: number;
}

/** Multipliers and the last mixing step are those of MurmurHash3 (Appleby, public domain). */
export function cacheKey(text: string): CacheKey {
  const length = text.length;
  let left = length;
  let right = ~length;
  for (let i = 0; i < length; i++) {
    const byte = text.charCodeAt(i);
    left = Math.imul(left ^ byte, 0x01000193);
    right = Math.imul(right ^ byte, 0x85ebca6b);
    right = (right << 13) | (right >>> 19);
  }
  const check = mix(right);
  return { text, hash: mix(left), check: check === 0 ? 1 : check };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
