import type { AdminAnswer, Gateway } from '../gateway.ts';
import type { Counts } from './counts.ts';
import { definitionsOf, type Topics } from './topics.ts';

const bustEveryMs = 100;
const applyEveryMs = 1_000;
const bustsOutMax = 100;
/** A node answers within 5 s, whatever the cluster does. */
const patienceMs = 10_000;

/** Busts and applies, through one node after another, and what each was answered. */
export class Publisher {
  readonly #gateways: readonly Gateway[];
  readonly #topics: Topics;
  readonly #counts: Counts;
  readonly #held = new Set<Gateway>();
  readonly #out = new Set<Promise<void>>();
  readonly #busting: NodeJS.Timeout;
  readonly #applying: Promise<void>;
  #turn = 0;
  #over = false;
  #confirmedMs = performance.now();
  /** Of the last apply that was confirmed; of one that may be served though nobody said so. */
  #applied: number;
  #revision: number;

  constructor(gateways: readonly Gateway[], topics: Topics, counts: Counts, applied: number) {
    this.#gateways = gateways;
    this.#topics = topics;
    this.#counts = counts;
    this.#applied = applied;
    this.#revision = applied;
    this.#busting = setInterval(() => this.#begin(), bustEveryMs);
    this.#applying = this.#apply();
  }

  /** Nodes that are not asked now, since the test itself has stopped them. */
  hold(gateway: Gateway): void {
    this.#held.add(gateway);
  }

  release(gateway: Gateway): void {
    this.#held.delete(gateway);
  }

  get applied(): number {
    return this.#applied;
  }

  /** The last that was asked for, whatever became of it. */
  get revision(): number {
    return this.#revision;
  }

  /** Resolves when all that it asked for is answered. */
  async stop(): Promise<void> {
    this.#over = true;
    clearInterval(this.#busting);
    await Promise.all([this.#applying, ...this.#out]);
    this.#silence();
  }

  /** Busts as many topics as the log has places, and more, as fast as it goes. */
  async flood(gateway: Gateway, count: number): Promise<void> {
    for (let done = 0; done < count; ) {
      const step = Math.min(count - done, 20);
      await Promise.all(Array.from({ length: step }, () => this.#bust(gateway)));
      done += step;
    }
  }

  #gateway(): Gateway | undefined {
    const free = this.#gateways.filter((one) => !this.#held.has(one));
    return free[this.#turn++ % free.length];
  }

  #begin(): void {
    const gateway = this.#gateway();
    if (gateway === undefined || this.#out.size >= bustsOutMax) return;
    const bust = this.#bust(gateway).finally(() => this.#out.delete(bust));
    this.#out.add(bust);
  }

  async #bust(gateway: Gateway): Promise<void> {
    const { topic, version } = this.#topics.publish();
    const answer = await ask(gateway, 'POST', '/v1/cache/bust', { tags: [`t-${topic}`] });
    if (answer?.status === 200) {
      this.#counts.bustsConfirmed += 1;
      this.#topics.confirm(topic, version);
      this.#silence();
    } else if (answer?.status === 202) {
      this.#counts.bustsQueued += 1;
      this.#topics.promise(topic, version);
    } else {
      this.#counts.bustsRefused += 1;
      this.#counts.remark('bust', `${answer?.status} ${JSON.stringify(answer?.body)}`);
    }
  }

  #silence(): void {
    const nowMs = performance.now();
    this.#counts.silentMs = Math.max(this.#counts.silentMs, nowMs - this.#confirmedMs);
    this.#confirmedMs = nowMs;
  }

  async #apply(): Promise<void> {
    while (!this.#over) {
      const gateway = this.#gateway();
      if (gateway !== undefined) {
        this.#revision += 1;
        const revision = this.#revision;
        const wanted = definitionsOf(this.#topics.url, revision);
        const answer = await ask(gateway, 'PUT', '/v1/definitions', wanted);
        if (answer?.status === 200) {
          this.#counts.appliesDone += 1;
          this.#applied = revision;
        } else this.#counts.appliesRefused += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, applyEveryMs));
    }
  }
}

/** Null: not answered in time. */
export async function ask(
  gateway: Gateway,
  method: string,
  path: string,
  body?: unknown,
): Promise<AdminAnswer | null> {
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), patienceMs).unref());
  return Promise.race([gateway.admin(method, path, body).catch(() => null), late]);
}
