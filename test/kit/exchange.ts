import { RequestHeaders } from '../../src/gateway/door.ts';
import { Exchange } from '../../src/gateway/exchange.ts';
import { addressText, ForwardedHeaders } from '../../src/gateway/forwarded.ts';
import type { Generation } from '../../src/gateway/generation.ts';
import type { RoutePlan } from '../../src/gateway/plan/route-plan.ts';
import type { UpstreamPlan } from '../../src/gateway/upstream/upstream-plan.ts';
import type { WorkerContext } from '../../src/gateway/worker-context.ts';
import type { ForwardedSettings } from '../../src/model/settings.ts';

export interface ExchangeParts {
  readonly method?: string;
  readonly path?: string;
  readonly query?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The bytes of the client's address. */
  readonly ip?: readonly number[];
  readonly forwarded?: Partial<ForwardedSettings>;
  readonly routeId?: string;
  readonly upstream?: Partial<UpstreamPlan>;
  readonly nowMs?: number;
  readonly beganMs?: number;
}

/** An exchange without a connection: `GET http://test/` from 192.0.2.7 unless told otherwise. */
export function exchangeOf(parts: ExchangeParts = {}): Exchange {
  const headers = new RequestHeaders();
  for (const [name, value] of parts.headers ?? [['host', 'test']]) headers.line(name, value);
  const ip = Uint8Array.from(parts.ip ?? [192, 0, 2, 7]);
  const forwarded = {
    style: 'x-forwarded',
    trust: [],
    via: 'cutover',
    ...parts.forwarded,
  } as const;
  let ids = 0;
  const worker = {
    nodeId: 'node-a',
    forwarded: new ForwardedHeaders(forwarded),
    addressText,
    nowMs: () => parts.nowMs ?? 0,
    nextRequestId: () => {
      ids += 1;
      return `id-${ids}`;
    },
  };
  const res = { getRemoteAddress: () => ip.buffer };
  const exchange = new Exchange(
    worker as unknown as WorkerContext,
    res as unknown as Exchange['res'],
    { slot: 0 } as Generation,
    7,
    headers,
    parts.beganMs ?? 0,
  );
  exchange.method = parts.method ?? 'GET';
  exchange.path = parts.path ?? '/';
  exchange.query = parts.query ?? '';
  if (parts.routeId !== undefined) exchange.plan = { id: parts.routeId } as RoutePlan;
  if (parts.upstream !== undefined) exchange.upstream = parts.upstream as UpstreamPlan;
  return exchange;
}
