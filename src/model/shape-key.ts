import { createHash } from 'node:crypto';
import type { Definitions, HeaderValue, PathPattern, Route, Template } from './definitions.ts';
import { canonicalJson } from './hash.ts';

/** Characters of a shape key: 66 bits, so that no two shapes of a node ever meet. */
const shapeKeyLength = 11;

/**
 * The part of a cache key that stands for the route: the first characters of the SHA-256 (base64url)
 * of what changes the bytes that are stored or what a key is made of. Limits, TTLs, weights,
 * timeouts and changes of the request do not count, so an apply that touches only these keeps every
 * entry. Null: the route is not cached.
 */
export function shapeKeyOf(route: Route): string | null {
  const { cache, action } = route;
  if (cache === null || action.kind !== 'proxy') return null;
  const { path } = route.match;
  const meaning = {
    id: route.id,
    response: responseChanges(route),
    rewrite: action.rewritePath === null ? null : inShape(action.rewritePath, path),
    upstreams: [...new Set(action.targets.map(({ upstream }) => upstream))].sort(),
    cache: {
      vary: cache.vary,
      methods: cache.methods,
      body: cache.body.map(({ text }) => text),
      tags: cache.tags.map((tag) => inShape(tag, path)),
      setCookie: cache.setCookie,
    },
  };
  const digest = createHash('sha256').update(canonicalJson(meaning)).digest('base64url');
  return digest.slice(0, shapeKeyLength);
}

/** The shape keys of the routes that are cached, by route id. */
export function shapeKeysOf({ routes }: Definitions): Map<string, string> {
  const keys = new Map<string, string>();
  for (const route of routes) {
    const key = shapeKeyOf(route);
    if (key !== null) keys.set(route.id, key);
  }
  return keys;
}

/** Changes of the response in the order they run, however they are split into policies. */
function responseChanges({ policies, match }: Route): unknown[] {
  const change = (kind: string, { name, value }: HeaderValue): unknown => [
    kind,
    name,
    inShape(value, match.path),
  ];
  return policies.flatMap((policy) => {
    if (policy.kind !== 'headers') return [];
    const { remove, set, add } = policy.response;
    return [
      ...[...remove].sort().map((name) => ['remove', name]),
      ...set.map((one) => change('set', one)),
      ...add.map((one) => change('add', one)),
    ];
  });
}

/** A template with path parameters by their place: a new name for one changes nothing. */
function inShape(template: Template, path: PathPattern): unknown[] {
  return template.map((part) => {
    if (part.kind === 'text' || part.source !== 'path') return part;
    const index = path.segments.findIndex((one) => one.kind === 'param' && one.name === part.name);
    return {
      kind: 'path',
      index: part.name === '**' ? path.segments.length : index,
      rest: index < 0,
    };
  });
}
