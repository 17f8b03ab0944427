import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getRequest, KeepAlive } from '../../../bench/kit/keep-alive.mjs';
import { Members } from '../../../bench/kit/members.mjs';
import { fleetOf } from '../fleet.ts';
import { Gateway, type GatewayPlace, until } from '../gateway.ts';
import { Counts } from './counts.ts';
import { Load } from './load.ts';
import { ask, Publisher } from './publisher.ts';
import { definitionsOf, Topics, versionIn } from './topics.ts';
import type { TwoHalves } from './two-halves.ts';

/** Under load before a fault, and after all is well. */
const calmMs = 1_500;
const probeMs = 200;
/** What nodes wrote, for who wants to know why a row is as it is. */
const logFolder = 'build/faults';
/** Far beyond every bound that is stated: what takes longer does not come. */
const patienceMs = 90_000;

export interface ScenePlan {
  readonly memberCount: 1 | 3;
  readonly logCapacity?: number;
  /** The first member and the first node on one side, the others on the other one. */
  readonly halves?: TwoHalves;
}

/** What an act has to do with: it brings the fault about, and ends it. */
export interface Stage {
  readonly counts: Counts;
  readonly publisher: Publisher;
}

/** Members, two nodes and an origin, which go through one fault after another under load. */
export class Scene {
  readonly members: Members;
  readonly topics: Topics;
  readonly #plan: ScenePlan;
  #gateways: Gateway[] = [];
  #revision = 0;

  private constructor(plan: ScenePlan, members: Members, topics: Topics) {
    this.#plan = plan;
    this.members = members;
    this.topics = topics;
  }

  static async start(plan: ScenePlan): Promise<Scene> {
    const { memberCount: count, halves, logCapacity } = plan;
    // One alone stays with the second node.
    const sides = count === 1 ? [halves?.far] : [halves?.near, halves?.far, halves?.far];
    const places = sides.filter((one) => one !== undefined);
    const topics = await Topics.start(halves?.host ?? '127.0.0.1');
    const capacity = logCapacity === undefined ? {} : { logCapacity };
    try {
      return new Scene(plan, await Members.start({ count, places, ...capacity }), topics);
    } catch (error) {
      await topics.stop();
      throw error;
    }
  }

  get started(): boolean {
    return this.#gateways.length > 0;
  }

  get gateways(): readonly [Gateway, Gateway] {
    return this.#gateways as [Gateway, Gateway];
  }

  /** How long the slower one took until it was ready. */
  async startNodes(): Promise<number> {
    const beganMs = performance.now();
    const { halves } = this.#plan;
    this.#gateways = await Promise.all([
      this.#startNode('node-a', halves?.near),
      this.#startNode('node-b', halves?.far),
    ]);
    return performance.now() - beganMs;
  }

  async #startNode(name: string, place: GatewayPlace | undefined): Promise<Gateway> {
    return Gateway.start({
      set: [...this.members.settings, `node.id=${name}`, 'workers=1', 'cache.memory=16MiB'],
      definitions: definitionsOf(this.topics.url, 0),
      ...(place === undefined ? {} : { place }),
    });
  }

  /** Load, a fault, and what came of it when all is well again; resolves when that is looked at. */
  async under(act: (stage: Stage) => Promise<void>): Promise<Counts> {
    await this.#warm();
    const { topics, gateways } = this;
    const counts = new Counts();
    const load = { recovered: false };
    const loads = gateways.map((one) => new Load(one, topics, counts, () => load.recovered));
    const publisher = new Publisher(gateways, topics, counts, this.#revision);
    try {
      await sleep(calmMs);
      await act({ counts, publisher });
      await this.#recovers(counts);
      load.recovered = true;
      await sleep(calmMs);
      await publisher.stop();
      await this.confirmed();
      await this.#sweep(counts);
      await this.#look(counts, publisher);
    } finally {
      await publisher.stop();
      this.#revision = publisher.revision;
      await Promise.all(loads.map((one) => one.stop()));
    }
    return counts;
  }

  async #recovers(counts: Counts): Promise<void> {
    const endedMs = performance.now();
    const ready = this.ready().then(() => {
      counts.readyMs = performance.now() - endedMs;
    });
    await Promise.all([ready, this.confirmed()]);
    counts.afterMs = performance.now() - endedMs;
  }

  /** Nothing is queued, and then busts through each of these are confirmed by all of them. */
  async confirmed(gateways: readonly Gateway[] = this.gateways): Promise<void> {
    const all = gateways.length === this.gateways.length;
    if (all) await Promise.all(gateways.map((one) => this.#nothingQueued(one)));
    await Promise.all(gateways.map((one) => confirms(one, gateways.length)));
  }

  async ready(): Promise<void> {
    for (const gateway of this.gateways) {
      await until(
        'a node is ready',
        async () => (await ask(gateway, 'GET', '/readyz'))?.status === 200,
        patienceMs,
      );
    }
  }

  async #nothingQueued(gateway: Gateway): Promise<void> {
    const none = async () => (await fleetOf(gateway).catch(() => null))?.queued === 0;
    await until('nothing is queued', none, patienceMs);
  }

  /** Each node has each topic in its cache. */
  async #warm(): Promise<void> {
    await this.#all(['cached', 'strict'], () => {});
  }

  /** Whatever was promised to be busted is so, on every node and route. */
  async #sweep(counts: Counts): Promise<void> {
    const lost = new Set<number>();
    await this.#all(['cached', 'strict'], (topic, body, where) => {
      if (versionIn(body) >= this.topics.promised(topic)) return;
      lost.add(topic);
      counts.remark('lost', `${where} is ${body}, v${this.topics.promised(topic)} was promised`);
    });
    counts.bustsLost = lost.size;
  }

  async #look(counts: Counts, publisher: Publisher): Promise<void> {
    let bodies: string[] = [];
    await until(
      'all nodes serve one revision',
      async () => {
        bodies = await Promise.all(this.gateways.map((one) => bodyOf(one, '/revision')));
        return new Set(bodies).size === 1;
      },
      10_000,
    ).catch(() => counts.remark('apply', `nodes serve ${bodies}`));
    const served = bodies.map((one) => Number(one.slice(1)));
    const isThere = served.every((one) => one === served[0] && one >= publisher.applied);
    if (isThere) return;
    counts.appliesLost += 1;
    counts.remark('apply', `nodes serve ${bodies}, r${publisher.applied} was confirmed`);
  }

  /** Each topic on each node, as the clients of the load ask for it. */
  async #all(
    kinds: readonly string[],
    each: (topic: number, body: string, where: string) => void,
  ): Promise<void> {
    for (const gateway of this.gateways) {
      const paths = kinds.flatMap((kind) =>
        Array.from({ length: this.topics.count }, (_, topic) => ({
          topic,
          path: `/${kind}/${topic}`,
        })),
      );
      const one = async (): Promise<void> => {
        const connection = new KeepAlive(gateway.port, new URL(gateway.url).hostname);
        for (let next = paths.pop(); next !== undefined; next = paths.pop()) {
          const response = await connection.fetch(getRequest(next.path));
          each(next.topic, response?.body ?? 'nothing', `${gateway.url}${next.path}`);
        }
        connection.close();
      };
      await Promise.all(Array.from({ length: 8 }, one));
    }
  }

  async end(): Promise<void> {
    mkdirSync(logFolder, { recursive: true });
    for (const { process, log, port } of this.#gateways) {
      process.kill('SIGKILL');
      writeFileSync(join(logFolder, `node-${port}.log`), log);
    }
    await Promise.all(this.#gateways.map(({ exited }) => exited));
    for (const member of this.members.list) {
      member.resume();
      copyFileSync(member.logFile, join(logFolder, `member-${member.port}.log`));
    }
    await this.members.killAll();
    await this.members.stop();
    await this.topics.stop();
  }
}

async function bodyOf(gateway: Gateway, path: string): Promise<string> {
  const response = await fetch(gateway.url + path);
  return response.text();
}

/** A bust a fifth of a second, until one is confirmed by so many nodes. */
async function confirms(gateway: Gateway, nodeCount: number): Promise<void> {
  let done = false;
  const one = async (): Promise<void> => {
    const answer = await ask(gateway, 'POST', '/v1/cache/bust', { tags: ['probe'] });
    if (answer?.status === 200 && answer.body.nodes.length === nodeCount) done = true;
  };
  const untilMs = performance.now() + patienceMs;
  while (!done) {
    if (performance.now() > untilMs) throw new Error(`no bust through ${gateway.url} is confirmed`);
    void one();
    await sleep(probeMs);
  }
}
