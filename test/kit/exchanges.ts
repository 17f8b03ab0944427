import type { HttpResponse } from '../../src/base/uws.ts';
import { RequestHeaders } from '../../src/gateway/door.ts';
import { Exchange } from '../../src/gateway/exchange.ts';
import type { Generation } from '../../src/gateway/generation.ts';
import { decodeRoute, type RoutePlan } from '../../src/gateway/plan/route-plan.ts';
import type { WorkerContext } from '../../src/gateway/worker-context.ts';
import { resolved, shapeOf } from './compiled.ts';

export interface PlainExchange {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: readonly (readonly [string, string])[];
}

/** A route as a worker decodes it, out of the bytes that the compiler made. */
export function planOf(route: object): RoutePlan {
  const written = { id: 'r', match: { path: '/**' }, ...route };
  const action = 'upstream' in route || 'redirect' in route ? {} : { respond: {} };
  const upstreams = { a: { endpoints: ['http://a'] }, b: { endpoints: ['http://b'] } };
  return decodeRoute(
    shapeOf(resolved({ upstreams, routes: [{ ...action, ...written }] })).route(0),
  );
}

/** An exchange that came to a worker, without the worker. */
export function exchangeOf(plan: RoutePlan, request: PlainExchange = {}): Exchange {
  const headers = new RequestHeaders();
  headers.line('host', 'shop.example:8080');
  for (const [name, value] of request.headers ?? []) headers.line(name, value);
  const worker = { nodeId: 'node-a', nextRequestId: () => 'id-1', addressText: () => '192.0.2.1' };
  const exchange = new Exchange(
    worker as unknown as WorkerContext,
    { getRemoteAddress: () => new ArrayBuffer(4) } as unknown as HttpResponse,
    {} as unknown as Generation,
    7,
    headers,
    0,
  );
  exchange.method = request.method ?? 'GET';
  exchange.path = request.path ?? '/';
  exchange.query = request.query ?? '';
  exchange.plan = plan;
  return exchange;
}
