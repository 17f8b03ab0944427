import { limitHeader, type RateLimitWords } from './limit-layout.ts';

/**
 * The key of a slot: HalfSipHash-1-3 with 64 bits (Aumasson, Bernstein, "SipHash: a fast short-input
 * PRF", 2012; its variant for 32 bit words), keyed by the table's seed, so that nobody who does not know
 * it can choose values that share a slot or a set. Two characters to a word.
 */
export class LimitHash {
  readonly #seedLow: number;
  readonly #seedHigh: number;
  /** Never 0, which stands for a free slot. */
  low = 0;
  high = 0;

  constructor(words: RateLimitWords) {
    this.#seedLow = Atomics.load(words, limitHeader.seedLow);
    this.#seedHigh = Atomics.load(words, limitHeader.seedHigh);
  }

  /** Sets `low` and `high` for a limit (64 bits of its identity), and the text that it counts by. */
  digest(identityLow: number, identityHigh: number, text: string): void {
    const { length } = text;
    const whole = length >> 1;
    let v0 = this.#seedLow;
    let v1 = this.#seedHigh ^ 0xee;
    let v2 = this.#seedLow ^ 0x6c796765;
    let v3 = this.#seedHigh ^ 0x74656462;
    // Three rounds more give each half of the key.
    for (let i = -2; i < whole + 7; i++) {
      let word = 0;
      if (i < 0) word = i === -2 ? identityLow : identityHigh;
      else if (i < whole) word = text.charCodeAt(2 * i) | (text.charCodeAt(2 * i + 1) << 16);
      else if (i === whole) word = (length << 16) | (length & 1 ? text.charCodeAt(length - 1) : 0);
      else if (i === whole + 1) v2 ^= 0xee;
      else if (i === whole + 4) {
        this.low = v1 ^ v3 || 1;
        v1 ^= 0xdd;
      }
      v3 ^= word;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= word;
    }
    this.high = v1 ^ v3;
  }
}
