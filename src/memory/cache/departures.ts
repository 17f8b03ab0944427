import type { EvictReason } from './cache-figures.ts';
import type { CacheKey } from './cache-key.ts';
import type { CacheLayout, CacheWords } from './cache-layout.ts';

/**
 * Why keys are not there any more, as far as it is still known: a table of words, one per hash,
 * each 24 bits of the key's check and the reason. A later departure takes an earlier one's word,
 * and a key that agrees with another in all these bits is told the other's reason: it is for
 * figures and explanations, never for decisions.
 */
export const departures = [
  'cold',
  'ttl',
  'capacity',
  'bust',
  'shape',
  'replaced',
  'error',
] as const;
export type Departure = (typeof departures)[number];

const departureOf: Readonly<Record<EvictReason, Departure>> = {
  ttl: 'ttl',
  capacity: 'capacity',
  'bust-key': 'bust',
  'bust-url': 'bust',
  'bust-tag': 'bust',
  'bust-route': 'bust',
  'bust-all': 'bust',
  shape: 'shape',
  replaced: 'replaced',
  error: 'error',
};

export class Departures {
  readonly #words: CacheWords;
  readonly #at: number;
  readonly #mask: number;

  constructor(words: CacheWords, { departuresAt, departureCount }: CacheLayout) {
    this.#words = words;
    this.#at = departuresAt;
    this.#mask = departureCount - 1;
  }

  /** Control only. */
  note(hash: number, check: number, reason: EvictReason): void {
    const word = (check << 8) | departures.indexOf(departureOf[reason]);
    Atomics.store(this.#words, this.#at + (hash & this.#mask), word);
  }

  of({ hash, check }: CacheKey): Departure {
    const word = Atomics.load(this.#words, this.#at + (hash & this.#mask));
    if ((word & ~0xff) !== check << 8) return 'cold';
    return departures[word & 0xff] ?? 'cold';
  }
}
