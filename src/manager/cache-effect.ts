import type { Definitions } from '../model/definitions.ts';
import { type CacheEffect, cacheEffect, type Diff } from '../model/diff.ts';
import { shapeKeyOf } from '../model/shape-key.ts';
import type { ControlClient } from './control-client.ts';

/**
 * How many entries of the routes that are cached before and after an apply it keeps and re-keys.
 * `before`: what is active. Null: there is no cache, or control could not say, which does not hold
 * an apply up.
 */
export async function effectOnCache(
  control: Pick<ControlClient, 'count'>,
  before: Definitions,
  { cache }: Diff,
): Promise<CacheEffect | null> {
  const touched = new Set([...cache.kept, ...cache.rekeyed]);
  const routes = before.routes.flatMap((route) => {
    const shapeKey = touched.has(route.id) ? shapeKeyOf(route) : null;
    return shapeKey === null ? [] : [{ id: route.id, shapeKey }];
  });
  // Nothing to count: an apply of routes that are not cached takes no round trip more.
  if (routes.length === 0) return cacheEffect(cache, new Map());
  const counts = await control.count(routes.map(({ shapeKey }) => shapeKey));
  if (counts === null) return null;
  return cacheEffect(cache, new Map(routes.map(({ id }, at) => [id, counts[at] ?? 0])));
}
