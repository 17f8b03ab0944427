// Goal: generations share endpoints by identity, and the settings in force are those of a generation
// that is loaded. Method: upstreams as the compiler writes them, acquired and released in orders.
import { afterEach, describe, expect, test } from 'vitest';
import { EndpointT, UpstreamT } from '#generated/cutover.js';
import { EndpointRegistry } from '../../../../src/gateway/upstream/endpoint-registry.ts';
import {
  acquireUpstream,
  UpstreamMemory,
  type UpstreamPlan,
} from '../../../../src/gateway/upstream/upstream-plan.ts';
import { balanceKind } from '../../../../src/memory/shape-kinds.ts';
import { send } from '../../../kit/calls.ts';
import { startRawOrigin } from '../../../kit/origin.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function upstreamOf(number: number, origins: readonly string[], connections = 4): UpstreamT {
  const upstream = new UpstreamT('backend', number);
  upstream.endpoints = origins.map((origin) => new EndpointT(origin, 1));
  upstream.balance = balanceKind.roundRobin;
  upstream.connections = connections;
  upstream.connectMs = 1000;
  return upstream;
}

function setUp() {
  const registry = new EndpointRegistry(() => {});
  const memory = new UpstreamMemory();
  const acquire = (upstream: UpstreamT): UpstreamPlan =>
    acquireUpstream(upstream, registry, memory, 0);
  return { registry, memory, acquire };
}

/** All endpoints of a plan: round robin goes through them. */
function endpointsOf({ balancer }: UpstreamPlan, count: number): unknown[] {
  return Array.from({ length: count }, () => balancer.pick(0, [], 0)).sort();
}

const a = 'http://127.0.0.1:1001';
const b = 'http://127.0.0.1:1002';

describe('identity', () => {
  test('two generations share an endpoint, its budget and what was learned', () => {
    const { acquire, registry } = setUp();
    const first = acquire(upstreamOf(5, [a]));
    const second = acquire(upstreamOf(5, [a, b]));
    expect(registry.size).toBe(2);
    expect(endpointsOf(second, 2)).toContain(endpointsOf(first, 1)[0]);
    expect(second.budget).toBe(first.budget);
  });

  test('two upstreams with one address do not', () => {
    const { acquire, registry } = setUp();
    const first = acquire(upstreamOf(5, [a]));
    const second = acquire(upstreamOf(6, [a]));
    expect(registry.size).toBe(2);
    expect(endpointsOf(second, 1)[0]).not.toBe(endpointsOf(first, 1)[0]);
    expect(second.budget).not.toBe(first.budget);
  });

  test('the last generation that lets go closes it', () => {
    const { acquire, registry } = setUp();
    const plans = [acquire(upstreamOf(5, [a, b])), acquire(upstreamOf(5, [b]))];
    plans[0]?.release();
    expect(registry.size).toBe(1);
    plans[1]?.release();
    expect(registry.size).toBe(0);
  });

  test('what comes back after that is new', () => {
    const { acquire } = setUp();
    const first = acquire(upstreamOf(5, [a]));
    first.release();
    const second = acquire(upstreamOf(5, [a]));
    expect(endpointsOf(second, 1)[0]).not.toBe(endpointsOf(first, 1)[0]);
    expect(second.budget).not.toBe(first.budget);
  });
});

describe('settings', () => {
  /** Connections that twenty requests at once open. */
  async function connectionsOf(plan: UpstreamPlan): Promise<number> {
    const endpoint = plan.balancer.pick(0, [], 0);
    if (typeof endpoint === 'string') throw new Error(endpoint);
    const all = Array.from({ length: 20 }, () => send(endpoint.pool, '/'));
    const count = endpoint.pool.connectionCount;
    for (const { call } of all.reverse()) call?.abort();
    return count;
  }

  async function withOrigin() {
    const origin = await startRawOrigin(() => {});
    cleanUps.push(() => origin.close());
    return { ...setUp(), origins: [origin.url] };
  }

  test('those of the active generation hold for all', async () => {
    const { acquire, origins } = await withOrigin();
    const first = acquire(upstreamOf(5, origins, 6));
    expect(await connectionsOf(first)).toBe(6);
    acquire(upstreamOf(5, origins, 2)).activate();
    expect(await connectionsOf(first)).toBe(2);
    first.activate();
    expect(await connectionsOf(first)).toBe(6);
  });

  test('those of a generation that is not active yet hold for nobody', async () => {
    const { acquire, origins } = await withOrigin();
    const first = acquire(upstreamOf(5, origins, 6));
    acquire(upstreamOf(5, origins, 2));
    expect(await connectionsOf(first)).toBe(6);
  });

  test('those of a generation that is gone hold for nobody', async () => {
    const { acquire, origins } = await withOrigin();
    const first = acquire(upstreamOf(5, origins, 6));
    const second = acquire(upstreamOf(5, origins, 2));
    second.activate();
    second.release();
    expect(await connectionsOf(first)).toBe(6);
  });
});
