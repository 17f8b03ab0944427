import { open } from 'node:fs/promises';
import { readIfThere, writeDurably } from '../../base/durable-file.ts';
import { outboxCountMax } from '../../base/limits.ts';
import { newItemId } from '../../cluster/log-item.ts';
import { type Bust, noBust } from '../../model/bust.ts';

export interface QueuedBust {
  /** Of its item in the log, so that one which is delivered twice is known. */
  readonly id: string;
  readonly bust: Bust;
}

/**
 * Busts that the cluster could not take: on disk, one line each, until it has taken them. More than
 * `outboxCountMax` become one that busts all, which loses warmth and no bust. In memory alone when
 * the file is null.
 */
export class Outbox {
  readonly #file: string | null;
  #queued: QueuedBust[] = [];
  #draining = false;
  /** A write failed, maybe within a line: the next one writes all of it anew. */
  #torn = false;
  /** Writes go one after the other. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string | null, queued: QueuedBust[]) {
    this.#file = file;
    this.#queued = queued;
  }

  /** A last line that a crash cut short was answered to nobody, and is left out. */
  static async open(file: string | null): Promise<Outbox> {
    const text = file === null ? null : await readIfThere(file);
    const queued = (text ?? '').split('\n').flatMap((line) => {
      const one = parsed(line);
      return one === null ? [] : [one];
    });
    return new Outbox(file, queued);
  }

  get size(): number {
    return this.#queued.length;
  }

  get queued(): readonly QueuedBust[] {
    return this.#queued;
  }

  /** Durable when it resolves. */
  async put(one: QueuedBust): Promise<void> {
    this.#queued.push(one);
    if (this.#queued.length > outboxCountMax) {
      this.#queued = [{ id: newItemId(), bust: { ...noBust, all: true } }];
      await this.#rewrite();
      return;
    }
    if (this.#torn) await this.#rewrite();
    else await this.#inTurn(() => this.#append(one));
  }

  /** Hands over what is queued, in its order, until one is not taken. How many were. */
  async drain(take: (one: QueuedBust) => Promise<unknown>): Promise<number> {
    if (this.#draining || this.#queued.length === 0) return 0;
    this.#draining = true;
    const ids = new Set<string>();
    try {
      for (const one of this.#queued) {
        await take(one);
        ids.add(one.id);
      }
    } catch {
      // The rest waits for the next time.
    } finally {
      this.#draining = false;
    }
    if (ids.size > 0) await this.taken(ids);
    return ids.size;
  }

  /** The cluster has taken these. */
  async taken(ids: ReadonlySet<string>): Promise<void> {
    this.#queued = this.#queued.filter(({ id }) => !ids.has(id));
    await this.#rewrite();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(work);
    this.#writing = turn.catch(() => {});
    return turn;
  }

  async #append(one: QueuedBust): Promise<void> {
    if (this.#file === null) return;
    this.#torn = true;
    const file = await open(this.#file, 'a', 0o600);
    try {
      await file.appendFile(`${JSON.stringify(one)}\n`);
      await file.datasync();
      this.#torn = false;
    } finally {
      await file.close();
    }
  }

  /** What is queued now: what is put after this is appended after it. */
  #rewrite(): Promise<void> {
    const text = this.#queued.map((one) => `${JSON.stringify(one)}\n`).join('');
    return this.#inTurn(async () => {
      if (this.#file !== null) await writeDurably(this.#file, text, 0o600);
      this.#torn = false;
    });
  }
}

/** Null: no whole line. */
function parsed(line: string): QueuedBust | null {
  try {
    const value = JSON.parse(line) as Partial<QueuedBust> | null;
    const whole = typeof value?.id === 'string' && Array.isArray(value.bust?.tags);
    return whole ? (value as QueuedBust) : null;
  } catch {
    return null;
  }
}
