import type { CallOptions, GuardedClient } from './guarded-client.ts';
import { asBuffer } from './ring.ts';
import type { SessionMap } from './session.ts';

export interface MapReadOptions {
  readonly deadlineMs?: number | undefined;
}

export interface MapWriteOptions extends MapReadOptions {
  /** How long members keep the entry, at least; none: as the members' file says of the map. */
  readonly ttlMs?: number | undefined;
}

/**
 * A map of the cluster from short texts to bytes, which members never look into. Values that come
 * back are copies of their own.
 *
 * - An entry may outlive its TTL by two seconds: put the time into the value and go by that.
 * - A write that ends with `timeout`, `disconnected` or `failed` may have happened. `putIfAbsent` and
 *   `replace` are to be followed by a `get` then.
 */
export class BytesMap {
  readonly #client: GuardedClient;
  readonly #name: string;

  constructor(client: GuardedClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  get(key: string, options: MapReadOptions = {}): Promise<Buffer | null> {
    return this.#call((map) => map.get(key), options);
  }

  /** One request for each partition that a key lies in: not for the path of a request. */
  getMany(
    keys: readonly string[],
    options: MapReadOptions = {},
  ): Promise<ReadonlyMap<string, Buffer>> {
    return this.#call((map) => map.getMany(keys), options);
  }

  /** All of it, in one answer: for maps with an entry for each node and the like. */
  entries(options: MapReadOptions = {}): Promise<ReadonlyMap<string, Buffer>> {
    return this.#call((map) => map.entries(), options);
  }

  set(key: string, value: Uint8Array, { ttlMs, deadlineMs }: MapWriteOptions = {}): Promise<void> {
    const bytes = asBuffer(value);
    const options = { bytes: bytes.length, deadlineMs };
    return this.#call((map) => map.set(key, bytes, ttlMs), options);
  }

  /** Null: it was put. Else what is there. */
  putIfAbsent(
    key: string,
    value: Uint8Array,
    { ttlMs, deadlineMs }: MapWriteOptions = {},
  ): Promise<Buffer | null> {
    const bytes = asBuffer(value);
    const options = { bytes: bytes.length, deadlineMs };
    return this.#call((map) => map.putIfAbsent(key, bytes, ttlMs), options);
  }

  /** True: `was` was there, byte for byte, and `value` is now. */
  replace(
    key: string,
    was: Uint8Array,
    value: Uint8Array,
    { deadlineMs }: MapReadOptions = {},
  ): Promise<boolean> {
    const [before, after] = [asBuffer(was), asBuffer(value)];
    const options = { bytes: before.length + after.length, deadlineMs };
    return this.#call((map) => map.replace(key, before, after), options);
  }

  delete(key: string, options: MapReadOptions = {}): Promise<void> {
    return this.#call((map) => map.delete(key), options);
  }

  /** True: `was` was there, byte for byte, and is gone. */
  deleteIfSame(
    key: string,
    was: Uint8Array,
    { deadlineMs }: MapReadOptions = {},
  ): Promise<boolean> {
    const bytes = asBuffer(was);
    const options = { bytes: bytes.length, deadlineMs };
    return this.#call((map) => map.deleteIfSame(key, bytes), options);
  }

  #call<T>(work: (map: SessionMap) => Promise<T>, options: CallOptions): Promise<T> {
    return this.#client.call(async (session) => work(await session.map(this.#name)), options);
  }
}
