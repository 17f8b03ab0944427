import type { FastifyRequest } from 'fastify';
import { CutoverError } from '../../base/errors.ts';
import type { IfMatch } from '../apply.ts';

/** The parameters of a call's query; unknown and doubled ones are refused, never passed over. */
export function queryOf<Name extends string>(
  request: FastifyRequest,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const query = request.query as Record<string, string | string[]>;
  for (const [name, value] of Object.entries(query)) {
    if (names.includes(name as Name)) {
      if (typeof value === 'string') continue;
      throw new CutoverError('query-invalid', `${name} is given twice`, { source: 'operator' });
    }
    const message =
      name === 'share'
        ? 'a share of the traffic is not part of this release; leave share out'
        : `there is no parameter ${name}; this call takes ${names.join(', ') || 'none'}`;
    throw new CutoverError('query-invalid', message, { source: 'operator' });
  }
  return query as Partial<Record<Name, string>>;
}

/** `true` or `false`, nothing else: a dry run that is spelt otherwise must not be an apply. */
export function flagOf(name: string, value: string | undefined): boolean {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new CutoverError('query-invalid', `${name} is true or false`, { source: 'operator' });
}

/**
 * On which active set a change builds: a list of tags (RFC 9110, section 13.1.1); a tag without its
 * quotes is taken too. `If-None-Match` is refused, since a change that passed it over would not be
 * the one that was asked for.
 */
export function ifMatchOf({ headers }: FastifyRequest): IfMatch | null {
  if (headers['if-none-match'] !== undefined) {
    const message =
      'If-None-Match is not weighed by calls that change something; read the ETag and send it as If-Match';
    throw new CutoverError('query-invalid', message, { source: 'operator' });
  }
  const ifMatch = headers['if-match'];
  if (ifMatch === undefined) return null;
  if (ifMatch.trim() === '*') return '*';
  return ifMatch.split(',').map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'));
}

/** Who asks, for the history: `X-Author`, percent-encoded where it is not ASCII. */
export function authorOf(request: FastifyRequest): string {
  const text = String(request.headers['x-author'] ?? 'admin');
  try {
    return decodeURIComponent(text).slice(0, authorLengthMax);
  } catch {
    return text.slice(0, authorLengthMax);
  }
}

const authorLengthMax = 128;
