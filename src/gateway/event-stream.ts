import type { ParsedHead } from './upstream/response-parser.ts';

/**
 * Whether a response is an event stream that may begin with a comment of ours: plain text of that
 * media type (WHATWG HTML, section 9.2.5), not to be left as it is (RFC 9111, section 5.2.2.6), with
 * no length. The upstream's own word counts, before response policies change it.
 */
export function isOpenEventStream({ names, values, contentLength }: ParsedHead): boolean {
  if (contentLength >= 0) return false;
  let ofEvents = false;
  for (let i = 0; i < names.length; i++) {
    const value = values[i] as string;
    if (names[i] === 'content-type') ofEvents = eventStream.test(value);
    else if (names[i] === 'content-encoding') return false;
    else if (names[i] === 'cache-control' && noTransform.test(value)) return false;
  }
  return ofEvents;
}

const eventStream = /^text\/event-stream[ \t]*(?:;|$)/i;
const noTransform = /(?:^|,)[ \t]*no-transform[ \t]*(?:,|$)/i;
