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
  after: Definitions,
  { cache }: Diff,
): Promise<CacheEffect | null> {
  const active = shapeKeysOf(before, [...cache.kept, ...cache.rekeyed]);
  // A shape that a rollback may come back to has entries still.
  const target = shapeKeysOf(after, cache.rekeyed);
  const all = [...active, ...target];
  // Nothing to count: an apply of routes that are not cached takes no round trip more.
  if (all.length === 0) return cacheEffect(cache, new Map(), new Map());
  const counts = await control.count(all.map(({ shapeKey }) => shapeKey));
  if (counts === null) return null;
  const counted = all.map(({ id }, at): [string, number] => [id, counts[at] ?? 0]);
  const stored = new Map(counted.slice(0, active.length));
  return cacheEffect(cache, stored, new Map(counted.slice(active.length)));
}

function shapeKeysOf(
  { routes }: Definitions,
  ids: readonly string[],
): { readonly id: string; readonly shapeKey: string }[] {
  const wanted = new Set(ids);
  return routes.flatMap((route) => {
    const shapeKey = wanted.has(route.id) ? shapeKeyOf(route) : null;
    return shapeKey === null ? [] : [{ id: route.id, shapeKey }];
  });
}
