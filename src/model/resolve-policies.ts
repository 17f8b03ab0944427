import { rateLimitWindowMsMax, rateLimitWindowMsMin } from '../base/limits.ts';
import type { LimitBy, PathPattern, Policy, RateLimitPolicy } from './definitions.ts';
import type { Path, Problems } from './problem.ts';
import { resolveHeaderChanges } from './resolve-headers.ts';
import { resolveDurationMs } from './resolve-units.ts';
import type { WrittenPolicy, WrittenRateLimit } from './schema.ts';

export function resolvePolicies(
  written: readonly WrittenPolicy[],
  routeId: string,
  pattern: PathPattern,
  path: Path,
  problems: Problems,
): Policy[] {
  const limits: RateLimitPolicy[] = [];
  return written.flatMap((policy, index): Policy[] => {
    const { headers, 'rate-limit': rateLimit } = policy;
    const at = [...path, index];
    const given = [headers, rateLimit].filter((one) => one !== undefined).length;
    if (given !== 1) {
      // What is there under a name that there is none of is told already.
      if (!problems.within(at)) {
        const code = given === 0 ? 'missing' : 'bad-value';
        const message = `has ${given} of headers and rate-limit`;
        problems.add(code, at, message, 'give exactly one of them');
      }
      return [];
    }
    if (rateLimit !== undefined) {
      const id = rateLimit.id ?? `route:${routeId}:${limits.length}`;
      const limit = resolveRateLimit(rateLimit, id, [...at, 'rate-limit'], problems);
      if (limits.some((other) => other.id === id)) {
        const hint = 'within a route each counts for itself';
        problems.add('duplicate', [...at, 'rate-limit', 'id'], `has the id ${id} again`, hint);
      }
      limits.push(limit);
      return [limit];
    }
    const changes = headers ?? { request: none, response: none };
    const below = [...at, 'headers'];
    return [
      {
        kind: 'headers',
        request: resolveHeaderChanges(changes.request, [...below, 'request'], pattern, problems),
        response: resolveHeaderChanges(changes.response, [...below, 'response'], pattern, problems),
      },
    ];
  });
}

const none = { set: {}, add: {}, remove: [] };

function resolveRateLimit(
  { limit, window, by }: WrittenRateLimit,
  id: string,
  path: Path,
  problems: Problems,
): RateLimitPolicy {
  const at = [...path, 'window'];
  const windowMs = resolveDurationMs(window, at, problems);
  if (windowMs > rateLimitWindowMsMax) {
    problems.add('limit', at, `${window} is longer than the limit of 1h (rateLimitWindowMsMax)`);
  } else if (windowMs > 0 && windowMs < rateLimitWindowMsMin) {
    problems.add('limit', at, `${window} is shorter than 100ms (rateLimitWindowMsMin)`);
  }
  return {
    kind: 'rate-limit',
    id,
    limit,
    windowMs: Math.round(windowMs),
    by: resolveBy(by, [...path, 'by'], problems),
  };
}

function resolveBy(by: string, path: Path, problems: Problems): LimitBy {
  if (by === 'consumer') {
    const message = 'consumer is not part of this release: nobody who calls is known by name';
    const hint = 'write `header NAME` with the header that carries the key, or ip';
    problems.add('not-in-release', path, message, hint);
    return { kind: 'ip' };
  }
  if (by === 'ip' || by === 'route') return { kind: by };
  const [kind, name = ''] = by.split(' ');
  if (kind === 'header') return { kind, name: name.toLowerCase() };
  return { kind: 'cookie', name };
}
