import { hotKeyCountMax } from '../../base/limits.ts';
import type { BytesMap } from '../../cluster/bytes-map.ts';
import type { ItemCodec } from '../../cluster/log-item.ts';
import type { SecondLevelLink } from '../cache/second-level-link.ts';
import { mapKey } from './second-level.ts';

/** Entries that are looked at in one turn; a pass over all takes as many turns as it needs. */
const looksPerTurn = 500;
const ttlMs = 60_000;

/** The place of a response in the second level, and how much it is used: 0 to 3. */
type HotKey = readonly [key: string, uses: number];

export interface HotKeysPlan {
  readonly map: BytesMap;
  readonly codec: ItemCodec;
  readonly nodeId: string;
  readonly link: SecondLevelLink;
}

/**
 * The keys that each node has used most of what it shares, for a node that starts: it takes them out of
 * the second level before it is ready.
 */
export class HotKeys {
  readonly #plan: HotKeysPlan;
  #pass: IterableIterator<number> | null = null;
  #found: HotKey[] = [];

  constructor(plan: HotKeysPlan) {
    this.#plan = plan;
  }

  /** Looks at some entries; at the end of a pass, tells the others what it found. */
  async turn(): Promise<void> {
    const { link } = this.#plan;
    this.#pass ??= link.entries();
    for (let count = 0; count < looksPerTurn; count++) {
      const { value: entry, done } = this.#pass.next();
      if (done === true) {
        this.#pass = null;
        await this.#publish();
        return;
      }
      const used = link.useOf(entry);
      if (used === null || used.uses === 0) continue;
      this.#found.push([mapKey(used.key), used.uses]);
      if (this.#found.length > 2 * hotKeyCountMax) this.#trim();
    }
  }

  /** What other nodes used most, the most used first. */
  async ofOthers(): Promise<string[]> {
    const { map, codec, nodeId } = this.#plan;
    const uses = new Map<string, number>();
    for (const [node, bytes] of await map.entries()) {
      const content = node === nodeId ? 'unsigned' : codec.open(bytes);
      if (typeof content === 'string') continue;
      for (const [key, count] of JSON.parse(content.toString()) as HotKey[]) {
        uses.set(key, (uses.get(key) ?? 0) + count);
      }
    }
    return [...uses].sort(([, a], [, b]) => b - a).map(([key]) => key);
  }

  #trim(): void {
    this.#found = this.#found.sort(([, a], [, b]) => b - a).slice(0, hotKeyCountMax);
  }

  async #publish(): Promise<void> {
    const { map, codec, nodeId } = this.#plan;
    this.#trim();
    const found = this.#found;
    this.#found = [];
    if (found.length === 0) return;
    const bytes = codec.seal(Buffer.from(JSON.stringify(found)));
    // The next pass tells anew, should this fail.
    await map.set(nodeId, bytes, { ttlMs }).catch(() => {});
  }
}
