import { BreakerT, EndpointT, HealthT, UpstreamT } from '#generated/cutover.js';
import { balanceKind, hostKind, retryBits } from '../../memory/shape-kinds.ts';
import type { Balance, Upstream } from '../../model/definitions.ts';

export function encodeUpstream(upstream: Upstream, number: number): UpstreamT {
  const { health, breaker, timeout, retry, host } = upstream;
  const encoded = new UpstreamT(upstream.name, number);
  encoded.endpoints = upstream.endpoints.map(({ origin, weight }) => new EndpointT(origin, weight));
  encoded.balance = encodeBalance(upstream.balance);
  encoded.hashName = 'name' in upstream.balance ? upstream.balance.name : null;
  encoded.connections = upstream.connections;
  encoded.connectMs = timeout.connectMs;
  encoded.headersMs = timeout.headersMs;
  encoded.idleMs = timeout.idleMs;
  encoded.attempts = retry.attempts;
  encoded.retryOn = retry.on.reduce((bits, cause) => bits | retryBits[cause], 0);
  encoded.budgetPercent = retry.budgetPercent;
  if (health !== null) {
    encoded.health = new HealthT(
      health.path,
      health.intervalMs,
      health.timeoutMs,
      health.unhealthy,
      health.healthy,
    );
  }
  if (breaker !== null) {
    encoded.breaker = new BreakerT(breaker.failuresPercent, breaker.of, breaker.openMs);
  }
  encoded.host = hostKind[host.kind];
  encoded.hostValue = host.kind === 'fixed' ? host.value : null;
  return encoded;
}

function encodeBalance(balance: Balance): number {
  if (balance.kind === 'round-robin') return balanceKind.roundRobin;
  if (balance.kind === 'least-requests') return balanceKind.leastRequests;
  switch (balance.by) {
    case 'header':
      return balanceKind.hashHeader;
    case 'cookie':
      return balanceKind.hashCookie;
    default:
      return balanceKind.hashIp;
  }
}
