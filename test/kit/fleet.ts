import type { ServerResponse } from 'node:http';
import { afterEach } from 'vitest';
import type { Members } from '../../bench/kit/members.mjs';
import { present } from '../../src/base/assert.ts';
import { CachedGateway } from './cached-gateway.ts';
import { type Gateway, until } from './gateway.ts';
import type { SeenRequest } from './origin.ts';

export interface FleetPlan {
  readonly names: readonly string[];
  /** Arguments of `--set`, for every node. */
  readonly set: readonly string[];
  readonly routes: (url: string) => unknown;
  readonly answer?: (request: SeenRequest, response: ServerResponse) => void;
}

/** The members and nodes of one test. */
class TestFleet {
  nodes: CachedGateway[] = [];
  #members: Members | null = null;

  get members(): Members {
    return present(this.#members, 'the test has started members');
  }

  set members(members: Members) {
    this.#members = members;
  }

  async end(): Promise<void> {
    for (const { gateway } of this.nodes) gateway.process.kill('SIGKILL');
    await Promise.all(this.nodes.map(({ origin }) => origin.close()));
    await this.#members?.stop();
    this.#members = null;
    this.nodes = [];
  }
}

/** They end with each test. */
export function fleetOfTest(): TestFleet {
  const fleet = new TestFleet();
  afterEach(() => fleet.end());
  return fleet;
}

/** A node with an origin of its own, joined to a cluster. */
export async function startNode(name: string, plan: Omit<FleetPlan, 'names'>) {
  const set = ['workers=1', ...plan.set, `node.id=${name}`];
  return CachedGateway.start(plan.routes, { set }, plan.answer);
}

/** Nodes that have heard of each other. */
export async function startFleet({ names, ...plan }: FleetPlan): Promise<CachedGateway[]> {
  const nodes = await Promise.all(names.map((name) => startNode(name, plan)));
  await eachHears(nodes.map(({ gateway }) => gateway));
  return nodes;
}

/** Each has proven its place in the log and has heard of all the others. */
export async function eachHears(gateways: readonly Gateway[]): Promise<void> {
  for (const gateway of gateways) {
    await until(
      'a node hears all others',
      async () => {
        const fleet = await fleetOf(gateway);
        const live = fleet?.nodes.filter((node) => node.live) ?? [];
        return fleet?.log.proven === true && live.length === gateways.length - 1;
      },
      30_000,
    );
  }
}

export interface FleetSeen {
  readonly log: { readonly proven: boolean; readonly sequence: number; readonly epoch: string };
  readonly queued: number;
  readonly secondLevel: { readonly written: number };
  readonly nodes: readonly { readonly id: string; readonly live: boolean }[];
}

export async function fleetOf(gateway: Gateway): Promise<FleetSeen | null> {
  return (await gateway.admin('GET', '/v1/nodes')).body.nodes[0].fleet;
}
