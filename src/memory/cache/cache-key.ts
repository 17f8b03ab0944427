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

/**
 * Four characters at a time, which take the steps of one. Multipliers and the last mixing step
 * are those of MurmurHash3 (Appleby, public domain). Not seeded: who can choose keys can fill a
 * bucket, and thereby evicts entries of that bucket.
 */
export function cacheKey(text: string): CacheKey {
  const length = text.length;
  const whole = length - (length & 3);
  let left = length;
  let right = ~length;
  for (let i = 0; i < length; ) {
    let four = text.charCodeAt(i);
    if (i < whole) {
      four |= text.charCodeAt(i + 1) << 8;
      four |= text.charCodeAt(i + 2) << 16;
      four |= text.charCodeAt(i + 3) << 24;
      i += 4;
    } else i += 1;
    // Spread before it meets the state: else what differs in two digits can cancel out.
    let spread = Math.imul(four, 0xcc9e2d51);
    spread = Math.imul((spread << 15) | (spread >>> 17), 0x1b873593);
    left = Math.imul(left ^ spread, 0x9e3779b1);
    left ^= left >>> 15;
    right ^= spread;
    right = (Math.imul((right << 13) | (right >>> 19), 5) + 0xe6546b64) | 0;
  }
  const check = mix(right);
  return { text, hash: mix(left), check: check === 0 ? 1 : check };
}

function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
