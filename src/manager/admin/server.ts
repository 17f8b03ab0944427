import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { CutoverError, messageOf } from '../../base/errors.ts';
import { definitionsBytesMax } from '../../base/limits.ts';
import { registerDefinitions } from './definitions.ts';
import type { AdminParts } from './parts.ts';
import { registerEvents } from './events.ts';
import { registerNode } from './node.ts';
import { registerRevisions } from './revisions.ts';

/** HTTP statuses of errors by code; others are 500. docs/errors.md has what each means. */
export const errorStatus: Readonly<Record<string, number>> = {
  'definitions-invalid': 422,
  'precondition-failed': 412,
  'apply-in-progress': 409,
  'revision-unknown': 404,
  'object-unknown': 404,
  'call-unknown': 404,
  'query-invalid': 400,
  'body-invalid': 400,
  'token-missing': 401,
  'stage-failed': 500,
  'node-failed': 500,
  'slots-exhausted': 503,
  'control-silent': 503,
  'control-lost': 503,
  draining: 503,
};

/** Calls that need no token: probes and figures, on a port that is loopback only. */
const open = new Set(['/livez', '/readyz', '/metrics']);

/** The admin interface: HTTP, JSON, problem documents (RFC 9457). */
export function buildAdmin(parts: AdminParts): FastifyInstance {
  const app = fastify({ bodyLimit: definitionsBytesMax, forceCloseConnections: true });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', async (request) => {
    if (open.has(request.url.split('?')[0] ?? '')) return;
    if (parts.token.admits(request.headers.authorization)) return;
    throw new CutoverError(
      'token-missing',
      'send the token of the data folder: Authorization: Bearer $(cat data/admin-token)',
      { source: 'operator' },
    );
  });
  app.setErrorHandler((error, _request, reply) => sendProblem(reply, error));
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no call ${request.method} ${request.url.split('?')[0]}; docs/admin-interface.md lists them`;
    return sendProblem(reply, new CutoverError('call-unknown', message, { source: 'operator' }));
  });
  registerDefinitions(app, parts);
  registerRevisions(app, parts);
  registerNode(app, parts);
  registerEvents(app, parts);
  return app;
}

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

function sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
  const known = error instanceof CutoverError;
  const http = (error as { statusCode?: number }).statusCode;
  const code = known ? error.code : http === 413 ? 'body-too-large' : http ? 'body-invalid' : 'internal';
  const status = known ? (errorStatus[code] ?? 500) : (http ?? 500);
  if (status === 401) void reply.header('www-authenticate', 'Bearer');
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: `urn:cutover:problem:${code}`,
      title: code.replaceAll('-', ' '),
      status,
      code,
      detail: messageOf(error),
      ...(known ? error.context : {}),
    });
}
