import { normalizePath } from '../base/path.ts';

/** What to make unusable. Several at once are one item of the log. */
export interface Bust {
  readonly tags: readonly string[];
  /** `http://host/path?query` or `host/path?query`: all variants of it. */
  readonly urls: readonly string[];
  /** Keys as `GET /v1/cache/entries` lists them. */
  readonly keys: readonly string[];
  readonly routes: readonly string[];
  /** Cache groups (RFC 9875): host, a space, the group's name. */
  readonly groups: readonly string[];
  readonly all: boolean;
  /** True: mark stale, so that it must be validated but may stand in; false: drop. */
  readonly soft: boolean;
}

export const noBust: Bust = {
  tags: [],
  urls: [],
  keys: [],
  routes: [],
  groups: [],
  all: false,
  soft: false,
};

/** A URL taken apart for a bust: what entries are compared with. */
export interface BustUrl {
  /** Lower case, with the port unless it is 80. */
  readonly host: string;
  readonly path: string;
  /** Parameters as they stand, sorted. */
  readonly parameters: readonly string[];
}

/** Null: no URL that could be cached. The path is normalised, as the door does it for requests. */
export function parseBustUrl(text: string): BustUrl | null {
  const parts = splitUrl(text);
  if (parts === null) return null;
  const normal = normalizePath(parts.path);
  if (!('path' in normal)) return null;
  return {
    host: parts.authority.toLowerCase().replace(/:80$/, ''),
    path: normal.path,
    parameters: parts.query
      .split('&')
      .filter((one) => one !== '')
      .sort(),
  };
}

/** `http://host/path?query`, the scheme may be left out; as written. Null: it is none. */
export function splitUrl(
  text: string,
): { readonly authority: string; readonly path: string; readonly query: string } | null {
  const absolute = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  const match = /^https?:\/\/([^/?#\s]+)(\/[^?#\s]*)?(?:\?([^#\s]*))?$/i.exec(absolute);
  if (match === null) return null;
  const [, authority = '', path = '/', query = ''] = match;
  return { authority, path, query };
}
