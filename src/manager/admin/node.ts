import type { FastifyInstance } from 'fastify';
import { exposition } from '../../telemetry/exposition.ts';
import { heardNode } from './fleet-view.ts';
import type { AdminParts } from './parts.ts';
import { queryOf } from './query.ts';

/** How the node is: for operators, for Prometheus, for whoever sends it traffic. */
export function registerNode(app: FastifyInstance, parts: AdminParts): void {
  const { collector, history } = parts;
  app.get('/v1/nodes', async (request) => {
    queryOf(request, []);
    const notReady = parts.notReady();
    const cache = collector.cache();
    const node = {
      id: parts.nodeId,
      region: parts.region,
      revision: history.head?.revision ?? 0,
      hash: parts.apply.hash,
      ready: notReady === null,
      notReady,
      workers: collector.workers(),
      generations: collector.generations(),
      upstreams: collector.upstreams(parts.apply.definitions.upstreams),
      cluster: collector.cluster,
      fleet: collector.fleet,
      cache: cache === null ? null : { position: cache.position, routes: cache.routes },
    };
    return { nodes: [node, ...(collector.fleet?.nodes ?? []).map(heardNode)] };
  });
  app.get('/metrics', async (_request, reply) =>
    reply
      .type('text/plain; version=0.0.4')
      .send(exposition(collector, parts.apply.definitions.upstreams)),
  );
  app.get('/livez', async () => ({ alive: true }));
  app.get('/readyz', async (_request, reply) => {
    const reason = parts.notReady();
    return reply.code(reason === null ? 200 : 503).send({ ready: reason === null, reason });
  });
}
