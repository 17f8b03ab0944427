import type { GivenName } from '../model/orders.ts';

interface Identity {
  readonly number: number;
  generations: number;
}

/**
 * Numbers for routes and upstreams by their names: the same name keeps its number for as long as a
 * loaded generation has it, and with it its series, pools, breakers and health. A number that was
 * dropped is never given again.
 */
export class Identities {
  readonly #byKey = new Map<string, Identity>();
  #last: number;

  /** Goes on after `last`, for a control thread that replaces one that died. */
  constructor(last: number) {
    this.#last = last;
  }

  get last(): number {
    return this.#last;
  }

  /** Counts one generation more for each name; returns the names that were not known. */
  acquire(of: GivenName['of'], names: readonly string[]): GivenName[] {
    const given: GivenName[] = [];
    for (const name of names) {
      const key = `${of} ${name}`;
      let identity = this.#byKey.get(key);
      if (identity === undefined) {
        this.#last += 1;
        identity = { number: this.#last, generations: 0 };
        this.#byKey.set(key, identity);
        given.push({ number: identity.number, of, name });
      }
      identity.generations += 1;
    }
    return given;
  }

  /** Counts one generation less; returns the numbers that no generation has any more. */
  release(of: GivenName['of'], names: readonly string[]): number[] {
    const dropped: number[] = [];
    for (const name of names) {
      const key = `${of} ${name}`;
      const identity = this.#byKey.get(key);
      if (identity === undefined) continue;
      identity.generations -= 1;
      if (identity.generations > 0) continue;
      this.#byKey.delete(key);
      dropped.push(identity.number);
    }
    return dropped;
  }

  /** All names that have a number, for a manager that knows none. */
  given(): GivenName[] {
    return [...this.#byKey].map(([key, { number }]) => {
      const [of = '', ...name] = key.split(' ');
      return { number, of: of as GivenName['of'], name: name.join(' ') };
    });
  }

  number(of: GivenName['of'], name: string): number {
    return this.#byKey.get(`${of} ${name}`)?.number ?? 0;
  }
}
