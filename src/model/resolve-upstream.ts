import { parsePercent } from '../base/units.ts';
import type { Balance, Endpoint, HostPolicy, RetryCause, Upstream } from './definitions.ts';
import { parseHost } from './host.ts';
import type { Path, Problems } from './problem.ts';
import { resolveDurationMs } from './resolve-units.ts';
import type { WrittenUpstream } from './schema.ts';
import { isUrlText, notUrlText, percentEncode } from './url-text.ts';

/** Units parsed, shorthand expanded, what texts mean checked. Problems are added, never thrown. */
export function resolveUpstream(
  name: string,
  written: WrittenUpstream,
  path: Path,
  problems: Problems,
): Upstream {
  const { timeout, retry, health, breaker } = written;
  const ms = (text: string, at: Path): number => resolveDurationMs(text, at, problems);
  if (health !== undefined) checkHealthPath(health.path, [...path, 'health', 'path'], problems);
  return {
    name,
    endpoints: resolveEndpoints(written, [...path, 'endpoints'], problems),
    balance: resolveBalance(written, path, problems),
    connections: written.connections,
    timeout: {
      connectMs: ms(timeout.connect, [...path, 'timeout', 'connect']),
      headersMs: ms(timeout.headers, [...path, 'timeout', 'headers']),
      idleMs: ms(timeout.idle, [...path, 'timeout', 'idle']),
    },
    retry: {
      attempts: retry.attempts,
      on: [...new Set(retry.on.map((cause) => String(cause) as RetryCause))].sort(),
      budgetPercent: percent(retry.budget, [...path, 'retry', 'budget'], problems),
    },
    health:
      health === undefined
        ? null
        : {
            path: health.path,
            intervalMs: ms(health.interval, [...path, 'health', 'interval']),
            timeoutMs: ms(health.timeout, [...path, 'health', 'timeout']),
            unhealthy: health.unhealthy,
            healthy: health.healthy,
          },
    breaker:
      breaker === undefined
        ? null
        : {
            failuresPercent: share(breaker.failures, [...path, 'breaker', 'failures'], problems),
            of: breaker.of,
            openMs: ms(breaker.open, [...path, 'breaker', 'open']),
          },
    host: resolveHost(written.host, [...path, 'host'], problems),
  };
}

function percent(text: string, path: Path, problems: Problems): number {
  const parsed = parsePercent(text);
  if (parsed === null) problems.add('bad-value', path, 'must be between 0% and 100%');
  return parsed ?? 0;
}

/** More than none: a breaker that opens at 0 % would open without a failure. */
function share(text: string, path: Path, problems: Problems): number {
  const parsed = percent(text, path, problems);
  if (parsed === 0) problems.add('bad-value', path, 'must be more than 0%');
  return parsed;
}

function checkHealthPath(text: string, path: Path, problems: Problems): void {
  if (!isUrlText(text)) problems.add('bad-path', path, notUrlText, percentEncode);
  else if (text.includes('#')) problems.add('bad-path', path, 'holds a fragment');
}

function resolveEndpoints(
  { endpoints }: WrittenUpstream,
  path: Path,
  problems: Problems,
): Endpoint[] {
  const byOrigin = new Map<string, Endpoint>();
  for (const [index, one] of endpoints.entries()) {
    const at = [...path, index];
    const endpoint = resolveEndpoint(one, at, problems);
    if (endpoint === null) continue;
    const { origin } = endpoint;
    if (byOrigin.has(origin)) {
      problems.add('duplicate', at, `lists ${origin} a second time`, 'give it a weight instead');
    }
    byOrigin.set(origin, endpoint);
  }
  return [...byOrigin.values()];
}

function resolveEndpoint(
  written: WrittenUpstream['endpoints'][number],
  path: Path,
  problems: Problems,
): Endpoint | null {
  const text = typeof written === 'string' ? written : written.url;
  const at = typeof written === 'string' ? path : [...path, 'url'];
  const weight = typeof written === 'string' ? 1 : written.weight;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    problems.add('bad-value', at, `${text} is not a URL`, 'write http://host:port');
    return null;
  }
  if (url.protocol === 'https:') {
    const message = 'TLS towards upstreams is not part of this release';
    problems.add('not-in-release', at, message, 'use http:// and a TLS terminator beside it');
    return null;
  }
  const plain = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (url.protocol !== 'http:' || !plain || url.password !== '' || url.hostname === '') {
    problems.add('bad-value', at, `${text} is more or less than http://host:port`);
    return null;
  }
  const port = url.port === '' ? '80' : url.port;
  if (port === '0') {
    problems.add('bad-value', at, `${text} has port 0, to which nobody can connect`);
    return null;
  }
  return { origin: `http://${url.hostname.toLowerCase()}:${port}`, weight };
}

function resolveBalance(written: WrittenUpstream, path: Path, problems: Problems): Balance {
  const { balance, hash } = written;
  if (balance !== 'hash') {
    if (hash !== undefined) {
      problems.add('bad-value', [...path, 'hash'], 'goes with balance: hash only', null, 'key');
    }
    return { kind: balance };
  }
  if (hash === undefined) {
    const hint = 'add hash: ip, `header NAME` or `cookie NAME`';
    problems.add('missing', [...path, 'balance'], 'needs to know what to hash', hint);
    return { kind: 'hash', by: 'ip' };
  }
  if (hash === 'ip') return { kind: 'hash', by: 'ip' };
  const [by, field = ''] = hash.split(' ');
  if (by === 'header') return { kind: 'hash', by, name: field.toLowerCase() };
  return { kind: 'hash', by: 'cookie', name: field };
}

function resolveHost(text: string, path: Path, problems: Problems): HostPolicy {
  if (text === 'preserve' || text === 'endpoint') return { kind: text };
  const [, name = '', port = '0'] = /^(.*?)(?::(\d{1,5}))?$/s.exec(text) ?? [];
  if (parseHost(name) === null || name.startsWith('*') || Number(port) > 65_535) {
    const hint = 'write preserve, endpoint, or a host name, with a port up to 65535 if need be';
    problems.add('bad-host', path, `${text} is not a host name`, hint);
  }
  return { kind: 'fixed', value: text };
}
