import type { EvictReason } from '../../memory/cache/cache-figures.ts';
import { type Bust, type BustUrl, parseBustUrl } from '../../model/bust.ts';

/** What entries are marked with, so that a bust finds them: `t:tag`, `p:host/path`, and so on. */
export function pathLabel({ host, path }: Pick<BustUrl, 'host' | 'path'>): string {
  return `p:${host}${path}`;
}

export function keyLabel(key: string): string {
  return `k:${key}`;
}

/** The labels that a bust names by themselves; keys and URLs are looked up besides. */
export function plainLabels({ tags, groups, routes }: Bust): [string, EvictReason][] {
  return [
    ...tags.map((tag): [string, EvictReason] => [`t:${tag}`, 'bust-tag']),
    ...groups.map((group): [string, EvictReason] => [`g:${group}`, 'bust-tag']),
    ...routes.map((route): [string, EvictReason] => [`r:${route}`, 'bust-route']),
  ];
}

/** Every label that a bust names. */
export function labelsOf(bust: Bust): string[] {
  const paths = bust.urls.map(parseBustUrl).flatMap((url) => (url === null ? [] : pathLabel(url)));
  return [...plainLabels(bust).map(([label]) => label), ...bust.keys.map(keyLabel), ...paths];
}
