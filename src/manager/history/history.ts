import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  flushFile,
  readIfThere,
  removeIfThere,
  writeDurably,
  writeDurablyAtOnce,
  writeWhole,
} from '../../base/durable-file.ts';
import { CutoverError } from '../../base/errors.ts';
import { revisionKeptCount } from '../../base/limits.ts';
import { isRecord } from '../../model/written.ts';
import type { Revision } from './revision.ts';

/**
 * Revisions of a node, on disk:
 *
 *   revisions/000007.json   a revision with its content and state
 *   head                    the number of the one that is served; the only word on that
 *   seed                    the hash of the definitions file that was read last at a start
 *
 * An apply records its revision (`pending`), which is flushed while the node readies and switches;
 * then `head` moves, flushed, and it is answered. That it is `acknowledged` is written after that: what
 * `head` names is, whatever its file says. So whatever was answered is served after a crash, and what
 * was not may be, if `head` had moved already. Kept in memory alone when the folder is null.
 */
export class History {
  readonly #folder: string | null;
  readonly #revisions = new Map<number, Revision>();
  #head = 0;
  /** The highest that any file has, readable or not. */
  #lastNumber = 0;
  readonly #unreadable: string[] = [];
  #seed = '';
  /** The revision that was recorded as pending last, and when it is on the disk. */
  #begun: { readonly revision: number; readonly flushed: Promise<void> } | null = null;
  /** Resolves when no revision is being recorded. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string | null) {
    this.#folder = folder;
  }

  static async open(folder: string | null): Promise<History> {
    const history = new History(folder);
    if (folder !== null) await history.#load(folder);
    return history;
  }

  /** The revision that is served; null: none yet. */
  get head(): Revision | null {
    return this.#revisions.get(this.#head) ?? null;
  }

  /** Files of revisions that could not be read and are not needed: the head is another one. */
  get unreadable(): readonly string[] {
    return this.#unreadable;
  }

  get seed(): string {
    return this.#seed;
  }

  /** Never used before, also not by an apply that a crash cut short. */
  get nextNumber(): number {
    return Math.max(this.#lastNumber, this.#head, ...this.#revisions.keys()) + 1;
  }

  get(revision: number): Revision | null {
    return this.#revisions.get(revision) ?? null;
  }

  /** The newest that holds what has this hash; null: none does. */
  withHash(hash: string): Revision | null {
    return this.list(this.#revisions.size).find((one) => one.hash === hash) ?? null;
  }

  /** Newest first. */
  list(count: number): Revision[] {
    return [...this.#revisions.values()].sort((a, b) => b.revision - a.revision).slice(0, count);
  }

  /**
   * Records a revision that is new and pending. Its flush goes on when this resolves: only the one
   * that `moveHead` names is ever served, and a flush takes as long as all the rest of an apply.
   */
  async begin(revision: Revision): Promise<void> {
    this.#revisions.set(revision.revision, revision);
    if (this.#folder === null) return;
    const file = this.#file(this.#folder, revision.revision);
    await writeWhole(file, JSON.stringify(revision));
    const flushed = flushFile(file);
    flushed.catch(() => {});
    this.#begun = { revision: revision.revision, flushed };
  }

  /** Durable when it resolves. */
  async record(revision: Revision): Promise<void> {
    this.#revisions.set(revision.revision, revision);
    if (this.#folder === null) return;
    const file = this.#file(this.#folder, revision.revision);
    // One after the other: two of one revision would write beside it at once.
    const written = this.#writing.then(() => writeDurably(file, JSON.stringify(revision)));
    this.#writing = written.catch(() => {});
    await written;
  }

  /** The revision is what a start serves, durably, when it resolves. */
  async moveHead(revision: Revision): Promise<void> {
    // So that no revision stays pending on disk behind a later head.
    await this.#writing;
    const begun = this.#begun;
    const isBegun = begun?.revision === revision.revision;
    if (isBegun) await begun.flushed.catch(() => this.record(revision));
    else await this.record(revision);
    // Last: what fails before leaves the old head, here and on disk.
    if (this.#folder !== null) {
      writeDurablyAtOnce(join(this.#folder, 'head'), `${revision.revision}\n`);
    }
    this.#revisions.set(revision.revision, revision);
    this.#head = revision.revision;
    if (isBegun) void this.record(revision).catch(() => {});
    await this.#prune();
  }

  async setSeed(hash: string): Promise<void> {
    this.#seed = hash;
    if (this.#folder !== null) await writeDurably(join(this.#folder, 'seed'), `${hash}\n`);
  }

  /** Refuses what would serve something else than what was acknowledged last, with the file's name. */
  async #load(folder: string): Promise<void> {
    const revisions = join(folder, 'revisions');
    await mkdir(revisions, { recursive: true });
    for (const name of await readdir(revisions)) {
      if (!/^\d{6,}\.json$/.test(name)) continue;
      const file = join(revisions, name);
      const revision = readRevision(await readIfThere(file));
      this.#lastNumber = Math.max(this.#lastNumber, Number.parseInt(name, 10));
      if (revision === null) this.#unreadable.push(file);
      else this.#revisions.set(revision.revision, revision);
    }
    this.#head = await this.#readHead(folder);
    const { head } = this;
    if (head !== null && head.state !== 'acknowledged') {
      // In memory it is, whatever the disk says.
      await this.record({ ...head, state: 'acknowledged' }).catch(() => {});
    }
    this.#seed = (await readIfThere(join(folder, 'seed')))?.trim() ?? '';
  }

  /** The number in `head`, of a revision that is there; 0 where none was ever acknowledged. */
  async #readHead(folder: string): Promise<number> {
    const file = join(folder, 'head');
    const text = await readIfThere(file);
    if (text === null) {
      const all = [...this.#revisions.values()];
      const [first, second] = all.filter(({ state }) => state === 'acknowledged');
      // The first apply ever may be cut short after its revision and before the head.
      if (first === undefined && this.#unreadable.length <= 1) return 0;
      // So may the first that a node of a cluster followed.
      const isFirst = first?.parent === 0 || first?.cluster === true;
      const begun = second === undefined && isFirst;
      if (begun && this.#unreadable.length === 0) return first?.revision ?? 0;
      throw unreadable(file, 'it is missing, though revisions were acknowledged');
    }
    if (!/^\d+\n?$/.test(text)) throw unreadable(file, 'it holds no number of a revision');
    const head = Number(text);
    const its = this.#file(folder, head);
    if (this.#revisions.has(head)) return head;
    if (this.#unreadable.includes(its)) throw unreadable(its, 'it is no revision');
    throw unreadable(file, `it names the revision ${head}, and ${its} is missing`);
  }

  /** Forgets the oldest beyond the limit, never the head. */
  async #prune(): Promise<void> {
    const old = [...this.#revisions.keys()].sort((a, b) => b - a).slice(revisionKeptCount);
    for (const number of old) {
      if (number === this.#head) continue;
      this.#revisions.delete(number);
      if (this.#folder !== null)
        await removeIfThere(this.#file(this.#folder, number)).catch(() => {});
    }
  }

  #file(folder: string, revision: number): string {
    return join(folder, 'revisions', `${String(revision).padStart(6, '0')}.json`);
  }
}

/** Null: cut short, or no revision. */
function readRevision(text: string | null): Revision | null {
  try {
    const value = JSON.parse(text ?? '') as Partial<Revision> | null;
    const whole =
      Number.isInteger(value?.revision) &&
      isRecord(value?.written) &&
      typeof value.state === 'string';
    return whole ? (value as Revision) : null;
  } catch {
    return null;
  }
}

function unreadable(file: string, why: string): CutoverError {
  const message = `the history cannot be trusted: ${file}: ${why}; put it back from a copy, or start with another data folder and apply again`;
  return new CutoverError('history-unreadable', message, { source: 'operator' });
}
