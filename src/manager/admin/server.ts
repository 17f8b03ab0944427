import type { IncomingMessage } from 'node:http';
import { type FastifyInstance, fastify } from 'fastify';
import { after, cancel } from '../../base/clock.ts';
import { CutoverError, messageOf } from '../../base/errors.ts';
import { definitionsBytesMax, nameLengthMax } from '../../base/limits.ts';
import { registerCache } from './cache.ts';
import { answerClientError } from './client-error.ts';
import { registerDefinitions } from './definitions.ts';
import { registerEvents } from './events.ts';
import { registerNode } from './node.ts';
import type { AdminParts } from './parts.ts';
import { sendProblem } from './problem-reply.ts';
import { registerRevisions } from './revisions.ts';

/** Calls that need no token: probes and figures, on a port that is loopback only. */
const open = new Set(['/livez', '/readyz', '/metrics']);

/** The admin interface: HTTP, JSON, problem documents (RFC 9457). */
export function buildAdmin(parts: AdminParts): FastifyInstance {
  const app = fastify({
    bodyLimit: definitionsBytesMax,
    routerOptions: { maxParamLength: nameLengthMax },
    forceCloseConnections: true,
    clientErrorHandler: answerClientError,
    // What never comes to a call: a target that cannot be decoded.
    frameworkErrors: (error, _request, reply) => {
      const unknown = new CutoverError('call-unknown', messageOf(error), { source: 'operator' });
      void sendProblem(reply, unknown);
    },
  });
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
  app.setErrorHandler(async (error, request, reply) => {
    if ((error as { statusCode?: number }).statusCode === 413) await readOut(request.raw);
    return sendProblem(reply, error);
  });
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no call ${request.method} ${request.url.split('?')[0]}; docs/admin-interface.md lists them`;
    return sendProblem(reply, new CutoverError('call-unknown', message, { source: 'operator' }));
  });
  registerDefinitions(app, parts);
  registerRevisions(app, parts);
  registerNode(app, parts);
  registerCache(app, parts);
  registerEvents(app, parts);
  return app;
}

/** How long a body that is refused is read on. */
const readOutMsMax = 2_000;

/**
 * Reads what is left of a body and forgets it: a connection that is closed while its client still
 * writes is reset, and the client never sees why (RFC 9112, section 9.6).
 */
function readOut(body: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = after(readOutMsMax, resolve);
    const over = (): void => {
      cancel(timer);
      resolve();
    };
    body.once('end', over).once('close', over).resume();
    if (body.readableEnded || body.destroyed) over();
  });
}
