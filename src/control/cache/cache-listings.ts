import { cacheListingMax } from '../../base/limits.ts';
import type { EntryView } from '../../memory/cache/cache-entry.ts';
import { entryFlag } from '../../memory/cache/cache-record.ts';
import type { CacheWriter } from '../../memory/cache/cache-writer.ts';
import { entryFacts } from '../../memory/cache/entry-facts.ts';
import type { BustUrl } from '../../model/bust.ts';
import type { CacheListing } from '../../model/cache-orders.ts';
import type { Postings } from './postings.ts';

/** What is stored for a URL, all variants: for people, and for busts by URL. */
export class CacheListings {
  readonly #writer: CacheWriter;
  readonly #postings: Postings;

  constructor(writer: CacheWriter, postings: Postings) {
    this.#writer = writer;
    this.#postings = postings;
  }

  /** Entries of the URL: of its path, and of a query that the URL's own parameters make. */
  entriesOf(url: BustUrl): number[] {
    return this.#postings.entriesOf(`p:${url.host}${url.path}`).filter((entry) => {
      const view = this.#writer.view(entry);
      return view !== null && isOfQuery(view, url.parameters);
    });
  }

  of(url: BustUrl, nowMs: number): CacheListing {
    const all = this.entriesOf(url);
    const entries = all.slice(0, cacheListingMax).flatMap((entry) => {
      const view = this.#writer.view(entry);
      return view === null ? [] : [entryFacts(view, nowMs)];
    });
    const query = url.parameters.length === 0 ? '' : `?${url.parameters.join('&')}`;
    return { url: `${url.host}${url.path}${query}`, entries, leftOut: all.length - entries.length };
  }
}

/**
 * Whether the query of a key is that of the URL. A route that chooses some parameters leaves the
 * others out of the key, so there the key's must be among the URL's; else they must be the same.
 */
function isOfQuery(view: EntryView, parameters: readonly string[]): boolean {
  const chosen = view.query === '' ? [] : view.query.split('&');
  if (chosen.length > parameters.length) return false;
  if ((view.flags & entryFlag.queryFiltered) === 0 && chosen.length !== parameters.length) {
    return false;
  }
  return chosen.every((one) => parameters.includes(one));
}
