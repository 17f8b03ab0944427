import type { EntryState, EntryView } from './cache-entry.ts';
import type { EntryKind } from './cache-record.ts';

/** What a person is told of an entry: a copy, good after the entry is gone. */
export interface EntryFacts {
  readonly key: string;
  readonly kind: EntryKind;
  readonly route: string;
  readonly status: number;
  readonly state: EntryState;
  /** Whole seconds; negative `ttl`: stale for so long. */
  readonly age: number;
  readonly ttl: number;
  readonly softStale: boolean;
  readonly bodyBytes: number;
  readonly etag: string;
  readonly lastModified: string;
  readonly tags: readonly string[];
  /** Names of the stored Vary of a `vary` entry. */
  readonly vary: string;
  /** Whole seconds, after its fresh ones, for which it may be used stale; 0: not, or no longer. */
  readonly staleWhileRevalidate: number;
  readonly staleIfError: number;
}

/** Where the view may be read: in a reader's epoch, or in the writer's own thread. */
export function entryFacts(view: EntryView, nowMs: number): EntryFacts {
  const labels = view.labels();
  const labelsOf = (kind: string): string[] =>
    labels.filter((label) => label.startsWith(kind)).map((label) => label.slice(kind.length));
  const { freshUntilMs, staleWhileRevalidateUntilMs, staleIfErrorUntilMs } = view;
  const windowLeft = (untilMs: number): number =>
    Math.max(0, Math.ceil((untilMs - Math.max(nowMs, freshUntilMs)) / 1000));
  return {
    key: view.key(),
    kind: view.kind,
    route: labelsOf('r:')[0] ?? '',
    status: view.status,
    state: view.state,
    age: Math.max(0, Math.floor((nowMs - view.bornMs) / 1000)),
    ttl: Math.ceil((freshUntilMs - nowMs) / 1000),
    softStale: view.softStale,
    bodyBytes: view.bodyBytes,
    etag: view.etag,
    lastModified: view.lastModified,
    tags: labelsOf('t:'),
    vary: view.kind === 'vary' ? view.headText() : '',
    staleWhileRevalidate: windowLeft(staleWhileRevalidateUntilMs),
    staleIfError: windowLeft(staleIfErrorUntilMs),
  };
}
