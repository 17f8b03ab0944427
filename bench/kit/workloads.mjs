// What clients of the cache benches ask for, and what they must get. Requests and bodies are made
// once: a client that builds them anew for each request measures itself.
import { seeded } from './figures.mjs';
import { getRequest, postRequest } from './keep-alive.mjs';
import { bigBodyBytes, bodyOf, versionOf } from './origin-bodies.mjs';

/** A choice of 0 to count - 1 that favours the small ones: Zipf's law; exponent 0: all alike. */
export function zipf(count, exponent, random) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1) ** exponent;
    sums[rank] = sum;
  }
  return () => {
    const wanted = random() * sum;
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** One thing to ask for; its bodies are known by version. */
class Item {
  #path;
  #bytes;
  #expected = new Map();

  constructor(request, path, bytes) {
    this.request = request;
    this.#path = path;
    this.#bytes = bytes;
  }

  /** Whether its body comes in pieces. */
  get large() {
    return this.#bytes === bigBodyBytes;
  }

  /** Whether a body is one that the origin gave for this, whole, of whatever version. */
  isRight({ body }) {
    const version = versionOf(body);
    let expected = this.#expected.get(version);
    if (expected === undefined) {
      expected = bodyOf(this.#path, version, this.#bytes);
      this.#expected.set(version, expected);
    }
    return body === expected;
  }
}

function item(path) {
  const bytes = path.startsWith('/big/') ? bigBodyBytes : undefined;
  return new Item(getRequest(path), path, bytes);
}

/** The input of a calculation by its rank: one of ten is `express`. */
export function calculatorInput(rank) {
  const origin = `S${String(rank % 97).padStart(3, '0')}`;
  const destination = `S${String((rank * 31) % 89).padStart(3, '0')}`;
  const mode = rank % 10 === 9 ? 'express' : 'standard';
  return { origin, destination, weight: rank, mode };
}

/** What the origin calls the answer to an input. */
export function calculatorName({ origin, destination, weight, mode }) {
  return `/price/${origin}/${destination}/${weight}/${mode}`;
}

const workloads = {
  /** Keys `PREFIX0` to `PREFIX(count-1)`, from the one at `from` on in order or by Zipf's law. */
  keys({ prefix, count, from = 0, order = false, exponent = 0 }, random) {
    const items = Array.from({ length: count }, (_, index) => item(`${prefix}${index + from}`));
    let at = 0;
    if (order) return () => items[at++ % count];
    const choose = zipf(count, exponent, random);
    return () => items[choose()];
  },
  /** Keys never asked for before; nothing of them is kept. */
  fresh({ prefix, from = 0 }) {
    let at = from;
    return () => item(`${prefix}${at++}`);
  },
  /** Small keys, now and then a large one. */
  mixed({ count, bigCount, bigShare }, random) {
    const small = Array.from({ length: count }, (_, index) => item(`/json/${index}`));
    const big = Array.from({ length: bigCount }, (_, index) => item(`/big/${index}`));
    const choose = zipf(count, 0.6, random);
    const chooseBig = zipf(bigCount, 0, random);
    return () => (random() < bigShare ? big[chooseBig()] : small[choose()]);
  },
  calculator({ count, exponent, order = false }, random) {
    const items = Array.from({ length: count }, (_, rank) => {
      const input = calculatorInput(rank);
      return new Item(postRequest('/price', JSON.stringify(input)), calculatorName(input));
    });
    let at = 0;
    if (order) return () => items[at++ % count];
    const choose = zipf(count, exponent, random);
    return () => items[choose()];
  },
  commute({ lines, stops, exponent, order = false }, random) {
    const items = Array.from({ length: lines * stops }, (_, index) =>
      item(`/departures/line${index % lines}/stop${Math.floor(index / lines)}`),
    );
    let at = 0;
    if (order) return () => items[at++ % items.length];
    const choose = zipf(items.length, exponent, random);
    return () => items[choose()];
  },
};

/** A function that gives the next item to ask for. */
export function workload({ name, seed = 1, ...options }) {
  return workloads[name](options, seeded(seed));
}
