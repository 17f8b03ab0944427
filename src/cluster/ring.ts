import type { CallOptions, GuardedClient, Parked } from './guarded-client.ts';
import type { RingItem, Session } from './session.ts';

/** A client takes no more in one read. */
export const ringReadCountMax = 1000;

/** Backed up as often as the log, and written by a majority alone (docs/cluster.md, the members' file). */
const touchedMap = 'cutover.meta';
const touchMark = Buffer.from([1]);

export interface RingBounds {
  /** The oldest item that is there; one more than `tail` when there is none. */
  readonly head: number;
  /** The newest item; -1 in a ring that never had one. */
  readonly tail: number;
}

type Deadline = Pick<CallOptions, 'deadlineMs'>;

/**
 * A Ringbuffer of bytes: one order for all nodes. It overwrites its oldest item when it is full, and
 * says so to nobody:
 *
 * - A read from a place that was overwritten begins at the head; one from beyond the tail waits for
 *   the next item, whatever its place. So compare the sequence of the first item with the one asked.
 * - After `timeout`, `disconnected` or `failed` an added item may be there or not. Add it again with
 *   an id of its own in it, by which readers know it.
 * - A ring that lost all its members begins at 0 again. Nothing tells but a key of your own.
 */
export class Ring {
  readonly #client: GuardedClient;
  readonly #name: string;

  constructor(client: GuardedClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  /** The sequence of the item. */
  add(item: Uint8Array, { deadlineMs }: Deadline = {}): Promise<number> {
    const bytes = asBuffer(item);
    return this.#call((ring) => ring.add(bytes), { bytes: bytes.length, deadlineMs });
  }

  /** What is there from a sequence on, at most `ringReadCountMax` items; none: nothing is there. */
  read(from: number, countMax: number, options: Deadline = {}): Promise<readonly RingItem[]> {
    return this.#call((ring) => ring.read(from, 0, countMax), options);
  }

  /**
   * Waits until something is there. One at a time: each one that is abandoned is kept by its member
   * until the next item, and by this client as overdue.
   */
  park(from: number, countMax: number): Parked<readonly RingItem[]> {
    return this.#client.park(async (session) =>
      (await session.ring(this.#name)).read(from, 1, countMax),
    );
  }

  /**
   * Resolves when all members that keep the ring took a write, each of which a minority refuses.
   * What was read from the ring after it began was no copy that the others had given up.
   */
  touch(options: Deadline = {}): Promise<void> {
    return this.#client.call(async (session) => {
      const map = await session.map(touchedMap);
      await map.set(session.keyBeside(this.#name), touchMark, undefined);
    }, options);
  }

  /** Asks for the head first, so items added meanwhile make the ring longer, never shorter. */
  bounds(options: Deadline = {}): Promise<RingBounds> {
    return this.#call(async (ring) => {
      const [head, tail] = await Promise.all([ring.head(), ring.tail()]);
      return { head, tail };
    }, options);
  }

  capacity(options: Deadline = {}): Promise<number> {
    return this.#call((ring) => ring.capacity(), options);
  }

  #call<T>(
    work: (ring: Awaited<ReturnType<Session['ring']>>) => Promise<T>,
    options: CallOptions,
  ): Promise<T> {
    return this.#client.call(async (session) => work(await session.ring(this.#name)), options);
  }
}

/** The client would send any other kind of bytes as JSON. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
