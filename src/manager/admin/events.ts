import type { FastifyInstance } from 'fastify';
import { CutoverError } from '../../base/errors.ts';
import type { AdminParts } from './parts.ts';

/** `GET /v1/events`: a stream that ends when the client or the node does. */
export function registerEvents(app: FastifyInstance, { events }: AdminParts): void {
  app.get('/v1/events', (_request, reply) => {
    const { raw } = reply;
    if (!events.add(raw)) {
      throw new CutoverError('draining', 'too many clients watch the events already', {
        source: 'operator',
      });
    }
    reply.hijack();
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    raw.write(': cutover events\n\n');
  });
}
