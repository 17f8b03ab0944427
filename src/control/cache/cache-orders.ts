import { CutoverError } from '../../base/errors.ts';
import type { CacheAnswer, CacheOrder, RejectedAnswer } from '../../model/orders.ts';
import { cacheOff, type NodePath } from '../fleet/node-path.ts';
import { rejection } from '../rejection.ts';
import type { WorkerLink } from '../worker-link.ts';
import type { CacheKeeper } from './cache-keeper.ts';

/** A worker answers between two requests; one that takes so long is wedged or overloaded. */
const explainMsMax = 2_000;

export interface CacheOrderParts {
  /** Null: the settings give the cache no memory. */
  readonly keeper: CacheKeeper | null;
  readonly bust: NodePath['bust'];
  readonly workerCount: number;
  /** A worker that is attached; null: there is none now. */
  readonly askable: () => WorkerLink | null;
}

/** Does an order about the cache. Never throws: what goes wrong is in the answer. */
export async function answerCacheOrder(
  order: CacheOrder,
  parts: CacheOrderParts,
): Promise<CacheAnswer | RejectedAnswer> {
  try {
    return await answer(order, parts);
  } catch (error) {
    return rejection(order.id, error);
  }
}

async function answer(order: CacheOrder, parts: CacheOrderParts): Promise<CacheAnswer> {
  const { id } = order;
  const { keeper } = parts;
  // In a cluster, a node without a cache busts those of the others.
  if (order.kind === 'bust') return { kind: 'busted', id, bust: await parts.bust(order.bust) };
  if (keeper === null) throw cacheOff();
  switch (order.kind) {
    case 'list': {
      const listing = keeper.listing(order.url);
      if (listing !== null) return { kind: 'listed', id, listing };
      const message = `${order.url} is no URL that could be cached; write http://host/path?query`;
      throw new CutoverError('query-invalid', message, { source: 'operator' });
    }
    case 'count':
      return {
        kind: 'counted',
        id,
        counts: order.shapeKeys.map((shapeKey) => keeper.countOfShape(shapeKey)),
      };
    default: {
      const link = parts.askable();
      const told = link === null ? null : await link.explain(order.request, explainMsMax);
      if (link === null || told === null) {
        const message = 'no worker could be asked; see GET /v1/nodes, and ask again';
        throw new CutoverError('worker-silent', message, { source: 'internal', retry: 'safe' });
      }
      const worker = link.worker % parts.workerCount;
      return { kind: 'explained', id, explanation: { worker, ...told } };
    }
  }
}
