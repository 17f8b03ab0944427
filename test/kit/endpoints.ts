import type { ConnectionPool } from '../../src/gateway/upstream/connection-pool.ts';
import { Endpoint, type EndpointSettings } from '../../src/gateway/upstream/endpoint.ts';

/** An endpoint that opens no connection, and what it told its listener. */
export interface QuietEndpoint {
  readonly endpoint: Endpoint;
  readonly told: [change: string, reason: string][];
  /** What its pool was told: the limit of connections and of the time to connect. */
  readonly pooled: [connections: number, connectMs: number][];
}

export const plainSettings: EndpointSettings = {
  connections: 8,
  connectMs: 500,
  breaker: null,
  health: null,
};

export function quietEndpoint(
  origin = 'http://10.0.0.1:8080',
  settings: Partial<EndpointSettings> = {},
): QuietEndpoint {
  const told: [string, string][] = [];
  const pooled: [number, number][] = [];
  const pool = {
    configure: (connections: number, connectMs: number) => pooled.push([connections, connectMs]),
  };
  const endpoint = new Endpoint(
    'backend',
    origin,
    pool as unknown as ConnectionPool,
    { ...plainSettings, ...settings },
    (_endpoint, change, reason) => told.push([change, reason]),
  );
  return { endpoint, told, pooled };
}
