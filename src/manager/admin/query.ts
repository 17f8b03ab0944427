import type { FastifyRequest } from 'fastify';
import { CutoverError } from '../../base/errors.ts';

/** The parameters of a call's query; unknown ones are refused, never passed over. */
export function queryOf<Name extends string>(
  request: FastifyRequest,
  names: readonly Name[],
): Partial<Record<Name, string>> {
  const query = request.query as Record<string, string>;
  for (const name of Object.keys(query)) {
    if (names.includes(name as Name)) continue;
    const message =
      name === 'share'
        ? 'a share of the traffic is not part of this release; leave share out'
        : `there is no parameter ${name}; this call takes ${names.join(', ') || 'none'}`;
    throw new CutoverError('query-invalid', message, { source: 'operator' });
  }
  return query as Partial<Record<Name, string>>;
}
